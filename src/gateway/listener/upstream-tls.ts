import { isIP } from 'node:net'
import { createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { ConfigError, type Config } from '../../core/config.ts'
import type { Log } from '../../core/telemetry.ts'
import { certificatesIn, reason } from './pem.ts'
import { WatchedFiles, type Contents, type NamedFile } from './watched-files.ts'

/** How replicas that speak TLS are connected to. Their CA is read again when its file changes. */
export class UpstreamTls {
  readonly #config: Config['gateway']['upstreamTls']
  readonly #log: Log
  readonly #file: NamedFile | undefined
  readonly #watched: WatchedFiles
  /** One for all connections: making one takes about a millisecond. */
  #secureContext: SecureContext

  /** @throws ConfigError naming field, file and reason if the CA cannot be read. */
  constructor(
    config: Config['gateway']['upstreamTls'],
    options: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#config = config
    this.#log = options.log
    this.#file =
      config.caFile === undefined ? undefined : { field: 'gateway.upstreamTls.caFile', path: config.caFile }
    this.#watched = new WatchedFiles(this.#file === undefined ? [] : [this.#file], options.clock)
    this.#secureContext = this.#contextOf(this.#watched.first)
    this.#watched.watch((contents) => this.#take(contents))
  }

  /** For `tls.connect`, to add to the address and ALPNProtocols. `host`: the replica's, a name or an IP address. */
  optionsFor(host: string): ConnectionOptions {
    const { verify, serverName } = this.#config
    return {
      secureContext: this.#secureContext,
      rejectUnauthorized: verify,
      // An IP address is checked against the certificate too, but cannot be asked for by name.
      servername: serverName ?? (isIP(host) === 0 ? host : ''),
    }
  }

  close(): void {
    this.#watched.close()
  }

  #take(contents: Contents): void {
    try {
      if (contents instanceof ConfigError) throw contents
      this.#secureContext = this.#contextOf(contents)
    } catch (error) {
      this.#log.warn({ reason: reason(error) }, 'changed TLS files cannot be used, those before stay in use')
      return
    }
    this.#log.info({ file: this.#file?.path }, 'CA of replicas read')
  }

  #contextOf([ca]: readonly string[]): SecureContext {
    if (ca !== undefined && this.#file !== undefined) certificatesIn(ca, this.#file)
    return createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) })
  }
}
