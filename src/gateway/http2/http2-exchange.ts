import { Cancel } from '../../core/cancellation.ts'
import { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer, RequestBody } from '../exchange.ts'
import { NO_FIELDS, type Fields } from '../fields.ts'
import { EMPTY_BODY, KeptBody, type BodySource } from '../request-body.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import { Http2Fields } from './http2-fields.ts'
import { Http2Reply, type ReplyWatch } from './http2-reply.ts'
import type { Http2RequestHead } from './http2-request-head.ts'
import { CODE, type Http2Stream, type StreamOwner } from './session/index.ts'

/** What all exchanges of one connection share. */
export interface ExchangeContext {
  readonly peer: Peer
  readonly wheel: TimerWheel
  /** The longest silence of a client in mid-body, and of one that takes nothing; 0 = for ever. */
  readonly bodyIdleTimeoutMs: number
  /** The Date header's value now. */
  readonly date: () => string
  /** Why the stream ends that the client did not end. */
  readonly goneReason: () => Refusal
}

/**
 * A body that flows gets a window of 256 KiB, so that an upload over 100 ms goes at 2.5 MB/s and not at 0.6. It begins with
 * the 64 KiB of HTTP/2: a body that waits for a replica is read ahead no further than what is kept and that window.
 */
const FLOWS_AFTER_BYTES = 65_536
const WIDER_BY_BYTES = 196_608

/** One HTTP/2 request and its answer, and its own timer: 50,000 of these may be held, so there are no closures. */
export class Http2Exchange extends WheelTimer implements Exchange, BodySource, ReplyWatch, StreamOwner {
  readonly head: Http2RequestHead
  readonly body: RequestBody
  readonly reply: Http2Reply
  readonly signal = new Cancel()
  readonly #stream: Http2Stream
  readonly #context: ExchangeContext
  /** The body, where there is one. */
  readonly #kept: KeptBody | undefined
  #bodyBytes = 0
  /** Bytes that came and that the client has not got back as room. */
  #owedBytes = 0
  #isPaused = false
  #isOver = false

  /** @param isWhole the head was all of the request. */
  constructor(stream: Http2Stream, head: Http2RequestHead, isWhole: boolean, context: ExchangeContext) {
    super(undefined)
    this.head = head
    this.#stream = stream
    this.#context = context
    this.reply = new Http2Reply(stream, head, this)
    if (isWhole) {
      this.#kept = undefined
      this.body = EMPTY_BODY
      return
    }
    this.#kept = new KeptBody(this, head.length)
    this.body = this.#kept
    this.#watchBody()
  }

  get peer(): Peer {
    return this.#context.peer
  }

  get isRequestRead(): boolean {
    return this.body.isComplete
  }

  date(): string {
    return this.#context.date()
  }

  abort(reason: Refusal): void {
    this.signal.abort(reason)
  }

  pause(): void {
    this.#isPaused = true
    if (!this.reply.isStalled) this.#stopTimer()
  }

  resume(): void {
    this.#isPaused = false
    this.#consume()
    this.#watchBody()
  }

  wanted(): void {
    if (this.head.expectsContinue) this.reply.inform(100, NO_FIELDS)
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
    // What was said may still wait for the client, which is not waited for without end.
    if (this.reply.isStalled) this.#arm()
    if (!this.isRequestRead) this.body.discard()
  }

  /** Only answers have heads that come later. */
  onHeaders(): void {}

  onData(chunk: Buffer, endStream: boolean): void {
    const kept = this.#kept
    if (kept === undefined) return
    if (!this.#isOver) this.#watchBody()
    this.#owedBytes += chunk.length
    this.#bodyBytes += chunk.length
    if (chunk.length > 0) kept.take(chunk)
    if (endStream) this.#ended(kept, NO_FIELDS)
    else if (!this.#isPaused) this.#flows(chunk.length)
  }

  onTrailers(fields: string[]): void {
    if (this.#kept !== undefined) this.#ended(this.#kept, new Http2Fields(fields, 0))
  }

  onTurnEnd(): void {
    this.#kept?.flush()
  }

  onReset(): void {
    if (!this.reply.isOver) {
      this.reply.abandon()
      this.abort(this.#context.goneReason())
    }
    this.#finish()
  }

  onWritable(): void {
    this.reply.drained()
  }

  /** The time of a client is up: as what is wrong for the exchange, and after that for the rest of its answer. */
  override fire(): void {
    if (this.#isOver) this.#stream.reset(CODE.cancel)
    else this.abort(new Refusal('CLIENT_TIMEOUT'))
  }

  #flows(bytes: number): void {
    this.#consume()
    const isBeyond = this.#bodyBytes > FLOWS_AFTER_BYTES
    if (isBeyond && this.#bodyBytes - bytes <= FLOWS_AFTER_BYTES) this.#stream.widen(WIDER_BY_BYTES)
  }

  #consume(): void {
    const bytes = this.#owedBytes
    this.#owedBytes = 0
    if (bytes > 0) this.#stream.consumed(bytes)
  }

  #ended(kept: KeptBody, trailers: Fields): void {
    if (!this.reply.isStalled) this.#stopTimer()
    kept.finish(trailers)
  }

  /** Silence in mid-body. A gRPC stream may be silent for hours: its deadline and its pings tell whether it lives. */
  #watchBody(): void {
    const kept = this.#kept
    if (kept !== undefined && !kept.isComplete && !this.head.isGrpc && !this.#isOver) this.#arm()
  }

  #arm(): void {
    const { wheel, bodyIdleTimeoutMs } = this.#context
    if (bodyIdleTimeoutMs > 0) wheel.arm(this, bodyIdleTimeoutMs)
  }

  #stopTimer(): void {
    this.#context.wheel.cancel(this)
  }

  #finish(): void {
    this.#isOver = true
    this.#stopTimer()
  }
}
