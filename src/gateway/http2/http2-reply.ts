import { Refusal } from '../../core/refusals.ts'
import type { Reply, ReplyHead } from '../exchange.ts'
import { NO_FIELDS, valueOf, type Fields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { NOT_OF_REPLICA } from '../pass-on.ts'
import { refusalAnswer } from '../refusal-answer.ts'
import { grpcRefusalFields } from './grpc-status.ts'
import { appendFields, trailersOf } from './http2-fields.ts'
import { CODE, type Http2Stream } from './session/index.ts'

/** What a reply asks and tells whoever made it. */
export interface ReplyWatch {
  /** All of the request has arrived. */
  readonly isRequestRead: boolean
  /** The Date header's value now. */
  date(): string
  /** The client takes no more for now. */
  stalled(): void
  /** It takes more again. */
  drained(): void
  /** The whole answer was handed over. */
  answered(): void
}

/** Beyond it a status means nothing (RFC 9110, 15). */
const STATUS_MAX = 599
const EMPTY = Buffer.alloc(0)

/** The answer to one HTTP/2 request. */
export class Http2Reply implements Reply {
  readonly #stream: Http2Stream
  readonly #isHead: boolean
  readonly #isGrpc: boolean
  readonly #watch: ReplyWatch
  #state: 'waiting' | 'answering' | 'bodyless' | 'over' = 'waiting'
  #status = 0
  #isStalled = false
  onDrain: (() => void) | undefined = undefined

  constructor(
    stream: Http2Stream,
    request: { readonly method: string; readonly isGrpc: boolean },
    watch: ReplyWatch,
  ) {
    this.#stream = stream
    this.#isHead = request.method === 'HEAD'
    this.#isGrpc = request.isGrpc
    this.#watch = watch
  }

  get began(): boolean {
    return this.#status !== 0
  }

  get status(): number {
    return this.#status
  }

  /** The answer was handed over or broken off. */
  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Some of it has not left, for want of a client that reads. */
  get isStalled(): boolean {
    return this.#isStalled
  }

  inform(status: number, fields: Fields): void {
    if (this.#state !== 'waiting') return
    const flat = [':status', String(status)]
    if (appendFields(flat, fields, NOT_OF_REPLICA, undefined)) this.#stream.sendHeaders(flat, false)
  }

  begin(head: ReplyHead): void {
    if (this.#state !== 'waiting') return
    const { status, fields, length } = head
    const flat = [':status', String(status)]
    if (!appendFields(flat, fields, NOT_OF_REPLICA, head.listed) || status > STATUS_MAX) {
      this.refuse(new Refusal('UPSTREAM_INVALID', { detail: 'an answer that HTTP/2 cannot say' }), head.ours)
      return
    }
    if (valueOf(fields, FIELD.date) === undefined) flat.push('date', this.#watch.date())
    for (const text of head.ours) flat.push(text)
    const isBodyless = this.#isHead || length === 0 || status === 204 || status === 205 || status === 304
    this.#status = status
    this.#state = isBodyless ? 'bodyless' : 'answering'
    this.#stream.sendHeaders(flat, isBodyless)
  }

  write(chunk: Buffer): boolean {
    if (this.#state !== 'answering' || this.#stream.sendData(chunk, false)) return true
    this.#isStalled = true
    this.#watch.stalled()
    return false
  }

  end(trailers: Fields): void {
    const state = this.#state
    if (state !== 'answering' && state !== 'bodyless') return
    this.#state = 'over'
    this.onDrain = undefined
    if (state === 'answering') {
      const flat = trailersOf(trailers)
      if (flat.length > 0) this.#stream.sendHeaders(flat, true)
      else this.#stream.sendData(EMPTY, true)
    }
    // The answer is whole though the request is not: the client is told to stop (RFC 9113, 8.1).
    if (!this.#watch.isRequestRead) this.#stream.reset(CODE.noError)
    this.#watch.answered()
  }

  /** Does nothing: the session writes at the end of each turn. */
  flush(): void {}

  refuse(refusal: Refusal, ours: readonly string[]): void {
    if (this.#state === 'over') return
    if (this.#state !== 'waiting') {
      this.reset()
      return
    }
    const isGrpc = this.#isGrpc
    const { fields, body } = isGrpc
      ? { fields: grpcRefusalFields(refusal), body: undefined }
      : refusalAnswer(refusal)
    const status = isGrpc ? 200 : refusal.status
    const length = body?.length ?? 0
    this.begin({
      status,
      reason: '',
      fields: NO_FIELDS,
      listed: undefined,
      ours: [...fields, ...ours],
      length,
    })
    if (body !== undefined) this.write(body)
    this.end(NO_FIELDS)
  }

  /** RST_STREAM with INTERNAL_ERROR, and no END_STREAM before it: no client takes the answer for whole. */
  reset(): void {
    if (this.#state === 'over') return
    this.abandon()
    this.#stream.reset(CODE.internal)
    this.#watch.answered()
  }

  /** The client is gone: from here on all calls do nothing. */
  abandon(): void {
    this.#state = 'over'
    this.#isStalled = false
    this.onDrain = undefined
  }

  /** All that waited has left. */
  drained(): void {
    this.#isStalled = false
    this.#watch.drained()
    this.onDrain?.()
  }
}
