import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { httpDate, type Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type { Address } from '../core/replica.ts'
import type { Refusal } from '../core/refusals.ts'
import type { Log, Metrics } from '../core/telemetry.ts'
import { EndOfTurn } from './end-of-turn.ts'
import type { Exchange, Peer } from './exchange.ts'
import type { Http1Context } from './http1/context.ts'
import { Llhttp } from './http1/llhttp.ts'
import { Http1Connection } from './http1/server-connection.ts'
import { Http1Upstream } from './http1/upstream.ts'
import { connectPlain } from './http1/upstream-connection.ts'
import { Http2Listener, Http2Upstream, SlabPool } from './http2/index.ts'
import { Listener, UpstreamTls, type ConnectionCount, type Listening } from './listener/index.ts'
import { Roster } from './roster.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { ForwardResult, Onward, Transport } from './upstream.ts'

/** Servers send more fields than clients: a cookie each. */
const ANSWER_FIELDS_MAX = 1_000

export interface WireOptions {
  readonly config: Config['gateway']
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly log: Log
  readonly metrics: Metrics
  /** The gateway is leaving: connections close after the answer under way. */
  readonly isLeaving: () => boolean
  readonly handle: (exchange: Exchange) => void
  /** Something that is no request was answered with this. */
  readonly onRefused: (refusal: Refusal) => void
  /** Where several threads listen on the same ports. */
  readonly sharedCount?: ConnectionCount
}

/** Both ends of the wire: connections of clients, which make exchanges, and those to replicas, which answer them. */
export class Wire {
  readonly #listener: Listener
  readonly #http1: Http1Upstream
  readonly #upstreamTls: UpstreamTls
  readonly #context: Http1Context
  readonly #connections = new Roster<Http1Connection>()
  readonly #http2: Http2Listener
  readonly #http2Upstream: Http2Upstream
  #isListening = false

  constructor(options: WireOptions) {
    const { config, clock, wheel, log, metrics } = options
    const llhttp = new Llhttp()
    const date = secondly(clock)
    const endOfTurn = new EndOfTurn()
    const shared = { wheel, slabs: new SlabPool(), endOfTurn }
    this.#context = {
      llhttp,
      wheel,
      endOfTurn,
      bounds: config,
      isLeaving: options.isLeaving,
      date,
      handle: options.handle,
      onRefused: options.onRefused,
      onClosed: (connection) => this.#connections.leave(connection),
    }
    this.#upstreamTls = new UpstreamTls(config.upstreamTls, { clock, log })
    this.#http1 = new Http1Upstream({
      clock,
      llhttp,
      wheel,
      endOfTurn,
      bounds: { headBytesMax: config.headBytesMax, headersMax: ANSWER_FIELDS_MAX },
      connectTimeoutMs: config.connectTimeoutMs,
      idleMax: config.upstreamIdleConnectionsMax,
      idleTimeoutMs: config.upstreamKeepAliveTimeoutMs,
      connect: (address, transport) => this.#connect(address, transport),
      onConnection: (use) => metrics.upstreamConnection(use),
    })
    this.#http2 = new Http2Listener({
      ...shared,
      date,
      bounds: config,
      handle: options.handle,
      onRefused: options.onRefused,
    })
    this.#http2Upstream = new Http2Upstream({
      ...shared,
      connect: (address, transport) => this.#connect(address, transport),
      connectTimeoutMs: config.connectTimeoutMs,
      idleTimeoutMs: config.upstreamKeepAliveTimeoutMs,
      onConnection: (use) => metrics.upstreamConnection(use),
    })
    this.#listener = new Listener({
      config,
      clock,
      wheel,
      log,
      metrics,
      ...(options.sharedCount === undefined ? {} : { reusePort: true, count: options.sharedCount }),
      onHttp1: (socket, first, peer) => this.#openHttp1(socket, first, peer),
      onHttp2: (socket, peer) => this.#http2.accept(socket, peer),
    })
  }

  get isListening(): boolean {
    return this.#isListening
  }

  get connections(): number {
    return this.#listener.connections
  }

  async listen(): Promise<Listening> {
    const bound = await this.#listener.listen()
    this.#isListening = true
    return bound
  }

  forward(exchange: Exchange, onward: Onward): Promise<ForwardResult> {
    const upstream = onward.transport.protocol === 'h2' ? this.#http2Upstream : this.#http1
    return upstream.forward(exchange, onward)
  }

  /** Ends idle connections to all addresses but these. */
  retain(addresses: readonly Address[]): void {
    this.#http1.retain(addresses)
    this.#http2Upstream.retain(addresses)
  }

  /** Ends connections without a request, and the others after theirs. New ones are still taken. */
  leave(): void {
    for (const connection of this.#connections) connection.leave()
    this.#http2.drain()
  }

  /**
   * Takes no more connections. Resolves when each client has read what was said and closed, or did not in time. Closing
   * before would cost some their answers: what is unsent is lost, and a client that still sends is reset.
   */
  async clientsGone(): Promise<void> {
    this.#listener.stopAccepting()
    while (this.#connections.size + this.#http2.size > 0)
      await Promise.all([this.#connections.empty(), this.#http2.empty()])
  }

  async close(): Promise<void> {
    this.#isListening = false
    this.#http2.closeNow()
    await this.#listener.close()
    this.#http1.close()
    this.#http2Upstream.close()
    this.#upstreamTls.close()
  }

  #openHttp1(socket: Socket, first: Buffer, peer: Peer): void {
    const connection = new Http1Connection(socket, peer, this.#context)
    this.#connections.enter(connection)
    connection.onData(first)
  }

  #connect({ host, port }: Address, { tls, protocol }: Transport): Socket {
    if (!tls) return connectPlain(host, port)
    return connectTls({ host, port, ALPNProtocols: [protocol], ...this.#upstreamTls.optionsFor(host) })
  }
}

/** The Date header's value, made once a second. */
function secondly(clock: Clock): () => string {
  let second = -1
  let text = ''
  return () => {
    const now = Math.floor(clock.now() / 1000)
    if (now !== second) {
      second = now
      text = httpDate(now * 1000)
    }
    return text
  }
}
