import { constants, type ServerHttp2Stream } from 'node:http2'
import { Refusal } from '../../core/refusals.ts'
import type { Reply, ReplyHead } from '../exchange.ts'
import { NO_FIELDS, valueOf, type Fields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { NOT_IN_TRAILERS, NOT_OF_REPLICA } from '../pass-on.ts'
import { refusalAnswer } from '../refusal-answer.ts'
import { grpcRefusalFields } from './grpc-status.ts'
import { appendFields, trailersOf } from './http2-fields.ts'

/** What a reply tells whoever made it. */
export interface ReplyWatch {
  /** All of the request has arrived. */
  readonly isRequestRead: boolean
  /** The client takes no more for now. */
  stalled(): void
  /** It takes more again. */
  drained(): void
  /** The stream shall tell of this event: the reply is called by that name. */
  listen(event: 'drain' | 'wantTrailers'): void
  /** The whole answer was handed over. */
  answered(): void
}

const WHOLE = { endStream: true }
const WITH_BODY = {}
const WITH_TRAILERS = { waitForTrailers: true }

/** The answer to one HTTP/2 request. */
export class Http2Reply implements Reply {
  readonly #stream: ServerHttp2Stream
  readonly #isHead: boolean
  readonly #isGrpc: boolean
  readonly #watch: ReplyWatch
  #state: 'waiting' | 'answering' | 'bodyless' | 'over' = 'waiting'
  #status = 0
  #listensForDrain = false
  #waitsForTrailers = false
  #sendsTrailers = false
  #trailers: Record<string, string | string[]> | undefined
  onDrain: (() => void) | undefined = undefined

  constructor(
    stream: ServerHttp2Stream,
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

  inform(status: number, fields: Fields): void {
    if (this.#state !== 'waiting' || this.#stream.closed) return
    this.#stream.additionalHeaders({ ':status': status, ...trailersOf(fields, NOT_OF_REPLICA) })
  }

  begin(head: ReplyHead): void {
    if (this.#state !== 'waiting' || this.#stream.closed) return
    const { status, fields, length } = head
    const flat = [':status', String(status)]
    appendFields(flat, fields, NOT_OF_REPLICA, head.listed)
    for (const text of head.ours) flat.push(text)
    // With 204, 205 and 304, and for HEAD, node:http2 ends the stream by itself.
    const isBodyless = this.#isHead || length === 0 || status === 204 || status === 205 || status === 304
    this.#waitsForTrailers = !isBodyless && this.#mayHaveTrailers(head)
    try {
      this.#stream.respond(flat, isBodyless ? WHOLE : this.#waitsForTrailers ? WITH_TRAILERS : WITH_BODY)
      // The stream keeps the list that was sent, and native code keeps the stream for long after its end.
      flat.length = 0
    } catch (cause) {
      // A status beyond 599, or a name that is no token: HTTP/2 cannot say it.
      this.refuse(new Refusal('UPSTREAM_INVALID', { cause }), head.ours)
      return
    }
    this.#status = status
    this.#state = isBodyless ? 'bodyless' : 'answering'
  }

  write(chunk: Buffer): boolean {
    if (this.#state !== 'answering' || this.#stream.write(chunk)) return true
    if (!this.#listensForDrain) {
      this.#listensForDrain = true
      this.#watch.listen('drain')
    }
    this.#watch.stalled()
    return false
  }

  end(trailers: Fields): void {
    const state = this.#state
    if (state !== 'answering' && state !== 'bodyless') return
    this.#state = 'over'
    this.onDrain = undefined
    const isRequestRead = this.#watch.isRequestRead
    if (this.#waitsForTrailers && (trailers.count > 0 || !isRequestRead)) {
      this.#trailers = trailersOf(trailers, NOT_IN_TRAILERS)
      this.#sendsTrailers = true
      this.#watch.listen('wantTrailers')
    }
    if (state === 'answering') this.#stream.end()
    if (!isRequestRead && !this.#waitsForTrailers) this.#stopRequest()
    this.#watch.answered()
  }

  /** Does nothing: node:http2 writes at the end of each turn. */
  flush(): void {}

  refuse(refusal: Refusal, ours: readonly string[]): void {
    if (this.#state === 'over' || this.#stream.closed) return
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

  /**
   * RST_STREAM with INTERNAL_ERROR. By `destroy` and not by `close`, which first ends the stream: a client could take the
   * END_STREAM that then leaves for the end of a whole answer.
   */
  reset(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.onDrain = undefined
    this.#stream.destroy(new Error('the answer broke off'))
  }

  /** The client is gone: from here on all calls do nothing. */
  abandon(): void {
    this.#state = 'over'
    this.onDrain = undefined
  }

  /** Waiting for trailers costs a frame: not where a length is known and none are announced. */
  #mayHaveTrailers({ fields, length }: ReplyHead): boolean {
    return this.#isGrpc || length === undefined || valueOf(fields, FIELD.trailer) !== undefined
  }

  /**
   * The answer is whole though the request is not: the client is told to stop (RFC 9113, 8.1). Not before the answer has
   * left, which a reset would overtake: where the client does not read, the rest of its body is dropped as it comes.
   */
  #stopRequest(turnsLeft = 3): void {
    setImmediate(() => {
      const { closed, session } = this.#stream
      if (closed || session === undefined) return
      if (session.state.outboundQueueSize === 0) this.#stream.close(constants.NGHTTP2_NO_ERROR)
      else if (turnsLeft > 1) this.#stopRequest(turnsLeft - 1)
    })
  }

  /** Trailers will be sent as soon as all else has left. */
  get sendsTrailers(): boolean {
    return this.#sendsTrailers
  }

  /** The stream is ready for them. */
  wantTrailers(): void {
    this.#sendsTrailers = false
    this.#stream.sendTrailers(this.#trailers ?? {})
    // They leave in the next turn, and not at all from a stream that is closed.
    if (!this.#watch.isRequestRead) this.#stopRequest()
  }

  /** The stream takes more. */
  drain(): void {
    if (this.#state !== 'answering') return
    this.#watch.drained()
    this.onDrain?.()
  }
}
