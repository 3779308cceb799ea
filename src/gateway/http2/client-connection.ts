import type { Socket } from 'node:net'
import { Refusal } from '../../core/refusals.ts'
import type { Peer } from '../exchange.ts'
import { WheelTimer } from '../timer-wheel.ts'
import { Http2Exchange, type ExchangeContext } from './http2-exchange.ts'
import type { Http2ListenerOptions } from './http2-listener.ts'
import { Http2RequestHead } from './http2-request-head.ts'
import { CODE, Http2Session, type Http2Error, type Http2Stream, type SessionHooks } from './session/index.ts'

const CONCURRENT_STREAMS_DEFAULT = 250
/** What each stream may send before it is read; one whose body flows gets more (http2-exchange.ts). */
const STREAM_WINDOW_BYTES = 65_535
/** As HTTP/2 counts a field of a head besides its name and value (RFC 9113, 6.5.2). */
const FIELD_BYTES = 32
const WINDOW_BYTES_MAX = 2 ** 31 - 1
const LIST_BYTES_MIN = 1_024
/** How long a client may take to answer the PING after which no more of its requests are taken. */
const PONG_TIMEOUT_MS = 5_000
/** How long it may take to read the rest and to close, after we have said our last. */
const CLOSE_TIMEOUT_MS = 30_000
/** The same for one that had no request open and nothing unread when it was told to go. */
const QUIET_CLOSE_TIMEOUT_MS = 2_000

export interface ConnectionOptions extends Http2ListenerOptions {
  readonly isClosed: () => boolean
  readonly onEnd: () => void
}

/**
 * One client's connection:
 *
 *     quiet <--> busy --drain--> draining --last stream--> ending -> closed
 *       \-- no request in time --/
 */
export class ClientConnection extends WheelTimer implements SessionHooks {
  readonly #socket: Socket
  readonly #session: Http2Session
  readonly #options: ConnectionOptions
  readonly #context: ExchangeContext
  #state: 'serving' | 'draining' | 'ending' = 'serving'
  #served = 0
  #isQuiet = false

  constructor(socket: Socket, peer: Peer, options: ConnectionOptions) {
    super(undefined)
    const { wheel, bounds, slabs, endOfTurn, date } = options
    const streamsMax = bounds.maxConcurrentStreams ?? CONCURRENT_STREAMS_DEFAULT
    this.#socket = socket
    this.#options = options
    this.#context = {
      peer,
      wheel,
      date,
      bodyIdleTimeoutMs: bounds.bodyIdleTimeoutMs,
      goneReason: () => new Refusal(options.isClosed() ? 'SHUTTING_DOWN' : 'CLIENT_GONE'),
    }
    this.#session = new Http2Session(socket, {
      role: 'server',
      hooks: this,
      slabs,
      endOfTurn,
      nowMs: () => wheel.nowMs,
      streamsMax,
      windowBytes: STREAM_WINDOW_BYTES,
      // A credit, not an allocation: streams whose replica is slow do not stop the others. 16 MiB for 250 streams.
      connectionWindowBytes: Math.min(streamsMax * STREAM_WINDOW_BYTES, WINDOW_BYTES_MAX),
      // Between the bound and its double a request is refused with 431; beyond, the stream is reset.
      listBytesMax: Math.max(LIST_BYTES_MIN, bounds.headBytesMax * 2 + bounds.headersMax * FIELD_BYTES),
    })
    // Whoever read the preface and put it back may have paused it.
    socket.resume()
    if (bounds.headTimeoutMs > 0) wheel.arm(this, bounds.headTimeoutMs)
  }

  /** Takes no more requests, and closes after those that are open. */
  drain(): void {
    if (this.#state !== 'serving') return
    this.#state = 'draining'
    this.#isQuiet = this.#session.size === 0 && this.#socket.writableLength === 0
    this.#options.wheel.arm(this, PONG_TIMEOUT_MS)
    this.#session.drain()
  }

  /** With a code, so that no stream ends as if it were whole. */
  destroy(): void {
    this.#session.destroy(CODE.cancel, 'the gateway is stopping')
  }

  onStream(stream: Http2Stream, fields: string[], endStream: boolean): void {
    const { bounds, wheel, handle, onRefused } = this.#options
    if (this.#state === 'serving') wheel.cancel(this)
    this.#served += 1
    this.#isQuiet = false
    const head = new Http2RequestHead(fields, bounds)
    const exchange = new Http2Exchange(stream, head, endStream, this.#context)
    stream.owner = exchange
    if (this.#served === bounds.requestsPerConnectionMax) this.drain()
    if (head.refusal === undefined) {
      handle(exchange)
      return
    }
    onRefused(head.refusal)
    exchange.reply.refuse(head.refusal, [])
  }

  onIdle(): void {
    const { wheel, bounds } = this.#options
    if (this.#state === 'serving' && bounds.keepAliveTimeoutMs > 0) wheel.arm(this, bounds.keepAliveTimeoutMs)
  }

  /** A stream that is wrong is reset; a connection that does not speak HTTP/2 is counted. */
  onError(error: Http2Error): void {
    if (error.scope === 'connection')
      this.#options.onRefused(new Refusal('BAD_REQUEST', { detail: error.message, cause: error }))
  }

  onEnding(): void {
    this.#state = 'ending'
    this.#options.wheel.arm(this, this.#isQuiet ? QUIET_CLOSE_TIMEOUT_MS : CLOSE_TIMEOUT_MS)
  }

  onClose(): void {
    this.#state = 'ending'
    this.#options.wheel.cancel(this)
    this.#options.onEnd()
  }

  override fire(): void {
    switch (this.#state) {
      case 'serving':
        // One that has not even said that it speaks HTTP/2 hears no long good-bye.
        if (this.#session.isAgreed) this.drain()
        else this.#session.destroy(CODE.noError, 'no request in time')
        break
      case 'draining':
        // The second time it does not wait.
        this.#session.drain()
        break
      case 'ending':
        this.#socket.destroy()
        break
    }
  }
}
