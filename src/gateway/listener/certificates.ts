import { createPrivateKey, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import { ConfigError, type Config } from '../../core/config.ts'
import type { Log } from '../../core/telemetry.ts'
import { certificatesIn, reason } from './pem.ts'
import { WatchedFiles, type Contents, type NamedFile } from './watched-files.ts'

type TlsConfig = NonNullable<Config['gateway']['tls']>

/** What the gateway shows its clients, and the CAs of theirs: read again when the files change. */
export class ServerCertificates {
  readonly #config: TlsConfig
  readonly #clock: Clock
  readonly #log: Log
  readonly #watched: WatchedFiles
  #context: SecureContextOptions

  /** @throws ConfigError naming field, file and reason if the files cannot be read or do not fit together. */
  constructor(config: TlsConfig, options: { readonly clock: Clock; readonly log: Log }) {
    this.#config = config
    this.#clock = options.clock
    this.#log = options.log
    this.#watched = new WatchedFiles(filesOf(config), options.clock)
    this.#context = this.#contextOf(this.#watched.first)
  }

  get context(): SecureContextOptions {
    return this.#context
  }

  /** From now on `onChange` is told of each new context. Files that cannot be used are logged, and the ones before stay. */
  watch(onChange: (context: SecureContextOptions) => void): void {
    this.#watched.watch((contents) => this.#take(contents, onChange))
  }

  close(): void {
    this.#watched.close()
  }

  #take(contents: Contents, onChange: (context: SecureContextOptions) => void): void {
    try {
      if (contents instanceof ConfigError) throw contents
      this.#context = this.#contextOf(contents)
    } catch (error) {
      this.#log.warn({ reason: reason(error) }, 'changed TLS files cannot be used, those before stay in use')
      return
    }
    onChange(this.#context)
  }

  #contextOf([certText = '', keyText = '', clientCaText]: readonly string[]): SecureContextOptions {
    const { minVersion } = this.#config
    const [certFile, keyFile, clientCaFile] = filesOf(this.#config)
    const [certificate] = certificatesIn(certText, certFile)
    const key = keyIn(keyText, keyFile)
    if (!certificate.checkPrivateKey(key))
      throw new ConfigError(
        `${keyFile.field}: ${keyFile.path} is not the key of the certificate in ${certFile.path}`,
      )
    if (clientCaFile !== undefined) certificatesIn(clientCaText ?? '', clientCaFile)
    const context: SecureContextOptions = {
      cert: certText,
      key: keyText,
      minVersion,
      ...(clientCaText === undefined ? {} : { ca: clientCaText }),
    }
    try {
      createSecureContext(context)
    } catch (cause) {
      throw new ConfigError(`${certFile.field}: ${certFile.path} cannot be used: ${reason(cause)}`, { cause })
    }
    const { subject, validTo, validFromDate, validToDate, fingerprint256 } = certificate
    const fields = { file: certFile.path, subject, validTo, fingerprint256 }
    const nowMs = this.#clock.now()
    if (nowMs < validFromDate.getTime() || nowMs > validToDate.getTime())
      this.#log.warn(fields, 'the TLS certificate is not valid at this time')
    else this.#log.info(fields, 'TLS certificate read')
    return context
  }
}

function filesOf(config: TlsConfig): [NamedFile, NamedFile, ...NamedFile[]] {
  const { certFile, keyFile, clientCaFile } = config
  return [
    { field: 'gateway.tls.certFile', path: certFile },
    { field: 'gateway.tls.keyFile', path: keyFile },
    ...(clientCaFile === undefined ? [] : [{ field: 'gateway.tls.clientCaFile', path: clientCaFile }]),
  ]
}

function keyIn(text: string, { field, path }: NamedFile): KeyObject {
  if (text.includes('-----BEGIN ENCRYPTED') || text.includes('Proc-Type: 4,ENCRYPTED'))
    throw new ConfigError(`${field}: the key in ${path} has a passphrase: it has to be without one`)
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw new ConfigError(`${field}: ${path} holds no private key in PEM: ${reason(cause)}`, { cause })
  }
}
