import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import type { Config } from '../../core/config.ts'
import type { ConnectionProtocol, Log, Metrics } from '../../core/telemetry.ts'
import type { Peer } from '../exchange.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import { ServerCertificates } from './certificates.ts'
import { ConnectionCount } from './connection-count.ts'
import { FirstBytes } from './first-bytes.ts'
import { OverLimit } from './over-limit.ts'
import { peerAddress } from './peer-address.ts'

/** Connections that wait in the kernel while this thread is busy; the system's own bound (net.core.somaxconn) is often 4096. */
const BACKLOG = 4096
/** After so long a silence the kernel asks whether a client is still there: one that waits for a model says nothing itself. */
const TCP_KEEP_ALIVE_MS = 60_000
/** Node's longest timer: a handshake without a bound. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1
const ACCEPT_ERROR_QUIET_MS = 1_000

export type ListenerMetrics = Pick<
  Metrics,
  'connectionOpened' | 'connectionClosed' | 'connectionRefused' | 'requestFinished'
>

export interface ListenerOptions {
  readonly config: Config['gateway']
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly log: Log
  readonly metrics: ListenerMetrics
  /** Several threads listen on the same ports. */
  readonly reusePort?: boolean
  /** Shared by threads. Default: one of its own, with the bounds of `config`. */
  readonly count?: ConnectionCount
  /** Takes a connection whose first bytes are `first`; it has to listen for 'data' in this same turn: the socket flows. */
  readonly onHttp1: (socket: Socket, first: Buffer, peer: Peer) => void
  /** Takes a connection that speaks HTTP/2, with its preface still to be read. */
  readonly onHttp2: (socket: Socket, peer: Peer) => void
}

export interface Listening {
  readonly host: string
  readonly port: number
  /** Undefined without `gateway.tls`. */
  readonly tlsPort: number | undefined
}

/** A socket that is open, and what is to be done when it has closed. */
interface Opened {
  readonly peer: Peer
  /** It counts against the bounds. */
  readonly isCounted: boolean
  protocol: ConnectionProtocol | undefined
  firstBytes: FirstBytes | undefined
}

/**
 * Takes connections within their bounds, and hands each on as soon as it is known which HTTP it speaks:
 *
 *     plain port -> [ bounds ] -> first bytes ------------> onHttp1 or onHttp2
 *     TLS port   -> [ bounds ] -> handshake -- ALPN h2 ---> onHttp2
 *                                           \- first bytes -> onHttp1
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #count: ConnectionCount
  readonly #overLimit: OverLimit
  readonly #open = new Map<Socket, Opened>()
  /** One function for all sockets, which finds what it needs by the socket: a closure would cost each 0.1 kB. */
  readonly #onClose: (this: Socket) => void
  readonly #plain: Server
  readonly #secure:
    | { readonly server: Server; readonly tls: TlsServer; readonly files: ServerCertificates }
    | undefined
  #connections = 0
  #acceptFailures = 0
  readonly #acceptQuiet = new WheelTimer(() => this.#tellAcceptFailures())

  /** @throws ConfigError naming field, file and reason if the TLS files cannot be used. */
  constructor(options: ListenerOptions) {
    const { config, clock, log, metrics, wheel } = options
    this.#options = options
    const closed = (socket: Socket): void => this.#closed(socket)
    this.#onClose = function onClose(this: Socket) {
      closed(this)
    }
    this.#count = options.count ?? new ConnectionCount(config)
    this.#overLimit = new OverLimit(wheel, ({ status, code }) =>
      metrics.requestFinished({ route: '', revision: '', status, refusal: code, durationMs: 0 }),
    )
    this.#plain = this.#server('http')
    if (config.tls === undefined) return
    const files = new ServerCertificates(config.tls, { clock, log })
    const { clientCertificates } = config.tls
    const tls = createTlsServer({
      ...files.context,
      ALPNProtocols: ['h2', 'http/1.1'],
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'required',
      handshakeTimeout: Math.min(config.headTimeoutMs || LONGEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS),
    })
    tls.on('secureConnection', (socket) => this.#secured(socket))
    tls.on('tlsClientError', (error, socket) => this.#tlsRefused(error, socket))
    // Connections come from a server of ours, so that the bounds hold before anything is spent on a handshake.
    this.#secure = { server: this.#server('https'), tls, files }
  }

  /** Connections that are open now, whoever has them. */
  get connections(): number {
    return this.#connections
  }

  /**
   * Begins to take connections.
   * @throws Error naming host and port when they cannot be had.
   */
  async listen(): Promise<Listening> {
    const { config } = this.#options
    const { host, port } = await this.#bind(this.#plain, config.port)
    const secure = this.#secure
    if (secure === undefined || config.tls === undefined) return { host, port, tlsPort: undefined }
    const bound = await this.#bind(secure.server, config.tls.port).catch((error: unknown) => {
      this.#plain.close()
      throw error
    })
    secure.files.watch((context) => secure.tls.setSecureContext(context))
    return { host, port, tlsPort: bound.port }
  }

  /** Takes no more connections; those that are open go on. */
  stopAccepting(): void {
    for (const server of [this.#plain, this.#secure?.server]) if (server?.listening === true) server.close()
  }

  /** Takes no more connections and ends all that are left, whoever has them. */
  async close(): Promise<void> {
    this.stopAccepting()
    this.#secure?.files.close()
    this.#options.wheel.cancel(this.#acceptQuiet)
    this.#overLimit.close()
    const closed = [...this.#open.keys()].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    )
    for (const socket of this.#open.keys()) socket.destroy()
    await Promise.all(closed)
  }

  #server(scheme: Peer['scheme']): Server {
    const settings = {
      // A client that ends in mid-handshake is gone; a TLS connection is half-open once it is one.
      allowHalfOpen: scheme === 'http',
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    }
    return createServer(settings, (socket) => {
      socket.on('error', ignore)
      // Undefined when the client has already gone.
      const address = socket.remoteAddress
      if (address === undefined) socket.destroy()
      else this.#accepted(socket, { address: peerAddress(address), scheme })
    })
  }

  #accepted(socket: Socket, peer: Peer): void {
    const outcome = this.#count.enter(peer.address)
    if (outcome !== 'entered') {
      this.#options.metrics.connectionRefused(outcome)
      if (peer.scheme === 'http') this.#overLimit.refuse(socket)
      else socket.destroy()
      return
    }
    this.#connections += 1
    this.#opened(socket, { peer, isCounted: true, protocol: undefined, firstBytes: undefined })
    if (peer.scheme === 'http') this.#begin(socket, peer)
    else this.#secure?.tls.emit('connection', socket)
  }

  #opened(socket: Socket, opened: Opened): Opened {
    this.#open.set(socket, opened)
    socket.on('close', this.#onClose)
    return opened
  }

  #closed(socket: Socket): void {
    const opened = this.#open.get(socket)
    if (opened === undefined) return
    this.#open.delete(socket)
    opened.firstBytes?.stop()
    if (opened.protocol !== undefined) this.#options.metrics.connectionClosed(opened.protocol)
    if (!opened.isCounted) return
    this.#connections -= 1
    this.#count.leave(opened.peer.address)
  }

  #secured(socket: TLSSocket): void {
    socket.allowHalfOpen = true
    socket.on('error', ignore)
    const address = socket.remoteAddress
    if (address === undefined) socket.destroy()
    else if (this.#showedWrongCertificate(socket))
      this.#tlsRefused(new Error(`client certificate: ${String(socket.authorizationError)}`), socket)
    else this.#begin(socket, { address: peerAddress(address), scheme: 'https' })
  }

  /** With `optional`, Node lets through whatever a client shows. */
  #showedWrongCertificate(socket: TLSSocket): boolean {
    if (this.#options.config.tls?.clientCertificates !== 'optional' || socket.authorized) return false
    return Object.keys(socket.getPeerCertificate()).length > 0
  }

  #tlsRefused(error: Error, socket: TLSSocket): void {
    socket.destroy()
    // A client that just goes away was not refused: a load balancer asks so whether the port is open.
    if ('code' in error && error.code === 'ECONNRESET') return
    this.#options.metrics.connectionRefused('tls')
    this.#options.log.debug(
      { address: socket.remoteAddress, reason: error.message },
      'TLS connection refused',
    )
  }

  /** Hands a connection on as soon as it is known what it speaks. */
  #begin(socket: Socket | TLSSocket, peer: Peer): void {
    const { wheel, config, metrics, onHttp1, onHttp2 } = this.#options
    // What TLS speaks on stands on a socket of its own, beside the one that was counted.
    const opened =
      this.#open.get(socket) ??
      this.#opened(socket, { peer, isCounted: false, protocol: undefined, firstBytes: undefined })
    const taker = {
      http1: (first: Buffer): void => {
        metrics.connectionOpened((opened.protocol = 'http/1.1'))
        opened.firstBytes = undefined
        onHttp1(socket, first, peer)
      },
      http2: (): void => {
        metrics.connectionOpened((opened.protocol = 'h2'))
        opened.firstBytes = undefined
        onHttp2(socket, peer)
      },
    }
    // Under TLS it was agreed on.
    if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') taker.http2()
    else {
      const mayBeHttp2 = peer.scheme === 'http'
      opened.firstBytes = new FirstBytes(socket, taker, {
        wheel,
        timeoutMs: config.headTimeoutMs,
        mayBeHttp2,
      })
    }
  }

  async #bind(server: Server, wanted: number): Promise<{ readonly host: string; readonly port: number }> {
    const { config, reusePort = false } = this.#options
    const { host } = config
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => {
        const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? cause.message)
        reject(new Error(`gateway: cannot listen on host ${host}, port ${wanted}: ${why}`, { cause }))
      }
      server.once('error', onError)
      server.listen({ host, port: wanted, backlog: BACKLOG, reusePort }, () => {
        server.off('error', onError)
        server.on('error', (error) => this.#acceptFailed(error))
        resolve()
      })
    })
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error(`gateway: no address for ${host}`)
    return { host: bound.address, port: bound.port }
  }

  /** Usually no file is left for one more connection: then there are many of these, and one line a second says so. */
  #acceptFailed(error: Error): void {
    this.#acceptFailures += 1
    if (this.#acceptFailures > 1) return
    this.#options.log.error({ err: error }, 'a connection could not be accepted')
    this.#options.wheel.arm(this.#acceptQuiet, ACCEPT_ERROR_QUIET_MS)
  }

  #tellAcceptFailures(): void {
    const more = this.#acceptFailures - 1
    this.#acceptFailures = 0
    if (more > 0) this.#options.log.error({ connections: more }, 'more connections could not be accepted')
  }
}

function ignore(): void {}
