import type { ServerHttp2Stream } from 'node:http2'
import { Cancel } from '../../core/cancellation.ts'
import { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer, RequestBody } from '../exchange.ts'
import { NO_FIELDS, type Fields } from '../fields.ts'
import { EMPTY_BODY, KeptBody, type BodySource } from '../request-body.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import type { EndOfTurn, Flushable } from './end-of-turn.ts'
import { Http2Fields } from './http2-fields.ts'
import { Http2Reply, type ReplyWatch } from './http2-reply.ts'
import type { Http2RequestHead } from './http2-request-head.ts'

/** What all exchanges of one connection share. */
export interface ExchangeContext {
  readonly peer: Peer
  readonly wheel: TimerWheel
  readonly endOfTurn: EndOfTurn
  /** The longest silence of a client in mid-body, and of one that takes nothing; 0 = for ever. */
  readonly bodyIdleTimeoutMs: number
  /** Why the stream ends that the client did not end. */
  readonly goneReason: () => Refusal
  /** One stream less is at work. */
  readonly over: () => void
}

/** A stream and its exchange: handlers of events are shared by all streams, so that a held one has no closures. */
interface ExchangedStream extends ServerHttp2Stream {
  [EXCHANGE]?: Http2Exchange | undefined
}

const EXCHANGE = Symbol('exchange')

/** One HTTP/2 request and its answer. */
export class Http2Exchange implements Exchange, BodySource, ReplyWatch, Flushable {
  readonly head: Http2RequestHead
  readonly body: RequestBody
  readonly reply: Http2Reply
  readonly signal = new Cancel()
  readonly #stream: ExchangedStream
  readonly #context: ExchangeContext
  /** The body, where there is one. */
  readonly #kept: KeptBody | undefined
  #trailers: Fields = NO_FIELDS
  #idle: WheelTimer | undefined
  #isMarked = false
  #isOver = false

  /** @param isWhole the head was all of the request. */
  constructor(stream: ServerHttp2Stream, head: Http2RequestHead, isWhole: boolean, context: ExchangeContext) {
    this.head = head
    this.#stream = stream
    this.#context = context
    this.reply = new Http2Reply(stream, head, this)
    this.#stream[EXCHANGE] = this
    // The writable side of a HEAD ends at once, and a stream whose writable side has ended is not `aborted`.
    stream.on('error', ignore).on(head.method === 'HEAD' ? 'close' : 'aborted', gone)
    if (isWhole) {
      this.#kept = undefined
      this.body = EMPTY_BODY
      return
    }
    this.#kept = new KeptBody(this, head.length)
    this.body = this.#kept
    stream.on('data', took).on('trailers', tookTrailers).on('end', ended)
    this.#watchBody()
  }

  get peer(): Peer {
    return this.#context.peer
  }

  get isRequestRead(): boolean {
    return this.body.isComplete
  }

  abort(reason: Refusal): void {
    this.signal.abort(reason)
  }

  pause(): void {
    this.#stream.pause()
    this.#stopTimer()
  }

  resume(): void {
    this.#stream.resume()
    this.#watchBody()
  }

  wanted(): void {
    if (this.head.expectsContinue) this.reply.inform(100, NO_FIELDS)
  }

  flush(): void {
    this.#isMarked = false
    this.#kept?.flush()
  }

  listen(event: 'drain' | 'wantTrailers'): void {
    this.#stream.on(event, event === 'drain' ? drain : wantTrailers)
  }

  stalled(): void {
    this.#arm()
  }

  drained(): void {
    this.#stopTimer()
    this.#watchBody()
  }

  answered(): void {
    this.#finish()
    if (!this.isRequestRead) this.body.discard()
  }

  /** Silence in mid-body. A gRPC stream may be silent for hours: its deadline and its pings tell whether it lives. */
  #watchBody(): void {
    const kept = this.#kept
    if (kept !== undefined && !kept.isComplete && !this.head.isGrpc && !this.#isOver) this.#arm()
  }

  #arm(): void {
    const { wheel, bodyIdleTimeoutMs } = this.#context
    if (bodyIdleTimeoutMs === 0) return
    this.#idle ??= new WheelTimer(() => this.#timedOut())
    wheel.arm(this.#idle, bodyIdleTimeoutMs)
  }

  #stopTimer(): void {
    if (this.#idle !== undefined) this.#context.wheel.cancel(this.#idle)
  }

  #timedOut(): void {
    this.abort(new Refusal('CLIENT_TIMEOUT'))
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    this.#idle = undefined
    this.#letGo()
    this.#context.over()
  }

  /** Native code keeps a stream for long after its end: what belongs to the request shall not stay with it. */
  #letGo(): void {
    if (this.#isOver && this.isRequestRead && !this.reply.sendsTrailers) this.#stream[EXCHANGE] = undefined
  }

  /** For the handlers below, as the next four. */
  wantTrailers(): void {
    this.reply.wantTrailers()
    this.#letGo()
  }

  took(chunk: Buffer): void {
    if (this.#idle !== undefined && !this.#isOver) this.#arm()
    this.#kept?.take(chunk)
    this.#mark()
  }

  tookTrailers(flat: readonly string[]): void {
    this.#trailers = new Http2Fields(flat, 0)
  }

  /** After a reset node:http2 tells of an end that is none. */
  ended(): void {
    if (this.#stream.aborted) return
    this.#stopTimer()
    this.#idle = undefined
    this.#kept?.finish(this.#trailers)
    this.#mark()
    this.#letGo()
  }

  gone(): void {
    if (!this.reply.isOver) {
      this.reply.abandon()
      this.abort(this.#context.goneReason())
    }
    this.#finish()
  }

  #mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#context.endOfTurn.mark(this)
  }
}

/** What breaks a stream is told by `gone`. */
function ignore(): void {}

function took(this: ExchangedStream, chunk: Buffer): void {
  this[EXCHANGE]?.took(chunk)
}

function tookTrailers(this: ExchangedStream, _headers: unknown, _flags: number, flat: string[]): void {
  this[EXCHANGE]?.tookTrailers(flat)
}

function ended(this: ExchangedStream): void {
  this[EXCHANGE]?.ended()
}

function gone(this: ExchangedStream): void {
  this[EXCHANGE]?.gone()
}

function drain(this: ExchangedStream): void {
  this[EXCHANGE]?.reply.drain()
}

function wantTrailers(this: ExchangedStream): void {
  this[EXCHANGE]?.wantTrailers()
}
