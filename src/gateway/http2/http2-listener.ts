import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer } from '../exchange.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { Http2Exchange, type ExchangeContext } from './http2-exchange.ts'
import { Http2RequestHead } from './http2-request-head.ts'

/** Bounds on clients; a time of 0 = for ever. */
export interface Http2Bounds {
  readonly headBytesMax: number
  readonly headersMax: number
  /** From the first byte of a connection to its first request. */
  readonly headTimeoutMs: number
  /** The longest silence of a client in mid-body, gRPC apart, and of one that takes nothing. */
  readonly bodyIdleTimeoutMs: number
  /** How long a connection stays open without a request. */
  readonly keepAliveTimeoutMs: number
  /** Requests of one connection; 0 = any number. */
  readonly requestsPerConnectionMax: number
  /**
   * Requests of one connection at a time. Default: 250, as Go's servers allow: few enough that one connection cannot fill
   * a queue, and with bodies read ahead 16 MB per connection at most; many enough that 200 connections hold 50,000.
   */
  readonly maxConcurrentStreams?: number
}

export interface Http2ListenerOptions {
  readonly wheel: TimerWheel
  readonly bounds: Http2Bounds
  /** Takes each request. */
  readonly handle: (exchange: Exchange) => void
  /** A request or a connection was refused before it came to `handle`. */
  readonly onRefused: (refusal: Refusal) => void
}

const CONCURRENT_STREAMS_DEFAULT = 250

/** A connection may send so much before it is read; each stream is bounded by its own window of 65,535 bytes. */
const CONNECTION_WINDOW_BYTES = 1_048_576

/**
 * Streams that a client may cancel at once and per second before its connection is closed: what a client needs that
 * cancels on every key stroke, and no more (CVE-2023-44487).
 */
const RESETS_BURST = 1_000
const RESETS_PER_SECOND = 33

/**
 * Serves HTTP/2 on connections that were accepted elsewhere. Floods are bounded by node:http2 and nghttp2: resets (above),
 * CONTINUATION (8 per head), unacknowledged PING and SETTINGS (1,000 answers that wait to be sent), settings per frame (32),
 * invalid and empty DATA frames (1,000), rejected streams (100), memory of a connection (10 MB).
 */
export class Http2Listener {
  readonly #options: Http2ListenerOptions
  readonly #connections = new Set<ClientConnection>()
  readonly #endOfTurn = new EndOfTurn()
  #state: 'serving' | 'draining' | 'closed' = 'serving'

  constructor(options: Http2ListenerOptions) {
    this.#options = options
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size
  }

  /**
   * Serves a connection: a plain socket whose preface is still to be read (or was unshifted), or a TLS socket that agreed
   * on `h2`. Nobody else may listen for its data.
   */
  accept(socket: Socket, peer: Peer): void {
    if (socket.destroyed) return
    if (this.#state === 'closed') {
      socket.destroy()
      return
    }
    const connection = new ClientConnection(socket, peer, {
      ...this.#options,
      endOfTurn: this.#endOfTurn,
      isClosed: () => this.#state === 'closed',
      onEnd: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    if (this.#state === 'draining') connection.drain()
  }

  /** Says GOAWAY on each connection: streams that are open go on, the connection closes after the last one. */
  drain(): void {
    if (this.#state === 'serving') this.#state = 'draining'
    for (const connection of this.#connections) connection.drain()
  }

  /** Ends every stream and connection now; exchanges that are open are aborted with SHUTTING_DOWN. */
  closeNow(): void {
    this.#state = 'closed'
    for (const connection of this.#connections) connection.destroy()
  }
}

interface ConnectionOptions extends Http2ListenerOptions {
  readonly endOfTurn: EndOfTurn
  readonly isClosed: () => boolean
  readonly onEnd: () => void
}

/** One client's connection. */
class ClientConnection {
  readonly #session: ServerHttp2Session
  readonly #options: ConnectionOptions
  readonly #streamsMax: number
  readonly #context: ExchangeContext
  readonly #quiet = new WheelTimer(() => this.drain())
  /** Exchanges at work. */
  #open = 0
  #served = 0

  constructor(socket: Socket, peer: Peer, options: ConnectionOptions) {
    const { wheel, bounds } = options
    this.#options = options
    this.#streamsMax = bounds.maxConcurrentStreams ?? CONCURRENT_STREAMS_DEFAULT
    this.#context = {
      peer,
      wheel,
      endOfTurn: options.endOfTurn,
      bodyIdleTimeoutMs: bounds.bodyIdleTimeoutMs,
      goneReason: () => new Refusal(options.isClosed() ? 'SHUTTING_DOWN' : 'CLIENT_GONE'),
      over: () => this.#over(),
    }
    this.#session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: this.#streamsMax,
        // Between the bound and its double a request is refused with 431; beyond, node:http2 resets the stream.
        maxHeaderListSize: bounds.headBytesMax * 2,
        enablePush: false,
      },
      maxHeaderListPairs: bounds.headersMax * 2 + PSEUDO_FIELDS,
      streamResetBurst: RESETS_BURST,
      streamResetRate: RESETS_PER_SECOND,
      // A field that comes twice is the replica's and the client's matter.
      strictSingleValueFields: false,
    })
    this.#session.on('stream', (stream, _headers, flags, flat) => this.#serve(stream, flags, flat))
    this.#session.on('error', (error) => this.#failed(error))
    this.#session.on('close', () => this.#ended())
    this.#session.once('connect', () => {
      if (!this.#session.destroyed) this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    })
    // A socket that may stay half open would stay: HTTP/2 does not go on without one direction.
    socket.once('end', () => this.#session.destroy())
    if (bounds.headTimeoutMs > 0) wheel.arm(this.#quiet, bounds.headTimeoutMs)
  }

  drain(): void {
    this.#session.close()
  }

  destroy(): void {
    // With a code, so that no stream ends as if it were whole.
    this.#session.destroy(new Error('the gateway is stopping'), constants.NGHTTP2_CANCEL)
  }

  #serve(stream: ServerHttp2Stream, flags: number, flat: string[]): void {
    const { bounds, wheel, handle, onRefused } = this.#options
    if (stream.destroyed) return
    if (this.#open >= this.#streamsMax) {
      // A client that has not read our settings yet.
      stream.on('error', () => undefined).close(constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    if (this.#open === 0) wheel.cancel(this.#quiet)
    this.#open += 1
    this.#served += 1
    const head = new Http2RequestHead(flat, bounds)
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const exchange = new Http2Exchange(stream, head, isWhole, this.#context)
    if (this.#served === bounds.requestsPerConnectionMax) this.drain()
    if (head.refusal === undefined) {
      handle(exchange)
      return
    }
    onRefused(head.refusal)
    exchange.reply.refuse(head.refusal, [])
  }

  #over(): void {
    this.#open -= 1
    const { wheel, bounds } = this.#options
    if (this.#open === 0 && bounds.keepAliveTimeoutMs > 0 && !this.#session.destroyed)
      wheel.arm(this.#quiet, bounds.keepAliveTimeoutMs)
  }

  /** A connection that breaks is the network's matter; one that does not speak HTTP/2 is counted. */
  #failed(error: Error): void {
    if (error.name === 'Error' && 'code' in error && error.code === 'ERR_HTTP2_ERROR')
      this.#options.onRefused(new Refusal('BAD_REQUEST', { detail: error.message, cause: error }))
  }

  #ended(): void {
    this.#options.wheel.cancel(this.#quiet)
    this.#options.onEnd()
  }
}

/** `:method`, `:scheme`, `:authority`, `:path`. */
const PSEUDO_FIELDS = 4
