import { constants, type ClientHttp2Stream } from 'node:http2'
import type { CancellationListener } from '../../core/cancellation.ts'
import { Refusal } from '../../core/refusals.ts'
import type { BodySink, Exchange } from '../exchange.ts'
import { NO_FIELDS, valueOf, type Fields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { HOP_BY_HOP, maskOf, NOT_IN_TRAILERS } from '../pass-on.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult, Onward } from '../upstream.ts'
import type { EndOfTurn, Flushable } from './end-of-turn.ts'
import { CANCELLED } from './cancelled.ts'
import { watchFor, watchStream, type StreamWatcher } from './client-stream.ts'
import { appendFields, Http2Fields, trailersOf } from './http2-fields.ts'
import type { ReplicaSession } from './replica-session.ts'

export interface AttemptOptions {
  /** Open, with the place of this request taken. */
  readonly session: ReplicaSession
  /** It was open before. */
  readonly isReused: boolean
  readonly wheel: TimerWheel
  readonly endOfTurn: EndOfTurn
}

const NOT_OF_CLIENT = HOP_BY_HOP | maskOf(FIELD.host, FIELD.expect)

/**
 * One request on its way to a replica and its answer on the way back:
 *
 *     waiting -- head --> answering -- END_STREAM --> over
 *            \-- broke, timeout, abort -----------> over
 */
export class Http2Attempt implements BodySink, CancellationListener, Flushable, StreamWatcher {
  readonly #exchange: Exchange
  readonly #onward: Onward
  readonly #options: AttemptOptions
  readonly #result = Promise.withResolvers<ForwardResult>()
  readonly #timer = new WheelTimer(() => this.#timedOut())
  #state: 'waiting' | 'answering' | 'over' = 'waiting'
  #stream: ClientHttp2Stream | undefined
  /** The request, while the stream is not there yet. */
  #gathered: Buffer[] = []
  #requestTrailers: Fields = NO_FIELDS
  #isRequestSent = false
  #listensForDrain = false
  #trailers: Fields = NO_FIELDS
  /** END_STREAM came. */
  #isWhole = false
  #isMarked = false
  #error: Error | undefined

  constructor(exchange: Exchange, onward: Onward, options: AttemptOptions) {
    this.#exchange = exchange
    this.#onward = onward
    this.#options = options
  }

  /** @throws Refusal RESPONSE_START_TIMEOUT; BAD_REQUEST for a head that HTTP/2 cannot say; the signal's reason. */
  run(): Promise<ForwardResult> {
    const { signal, body } = this.#exchange
    const { responseStartTimeoutMs } = this.#onward.limits
    try {
      this.#send()
    } catch (cause) {
      body.detach()
      this.#options.session.leave()
      if (!isOfHttp2(cause)) throw cause
      throw new Refusal('BAD_REQUEST', { detail: 'the head cannot be passed on in HTTP/2', cause })
    }
    signal.addEventListener('abort', this)
    if (responseStartTimeoutMs > 0) this.#options.wheel.arm(this.#timer, responseStartTimeoutMs)
    return this.#result.promise
  }

  /** A body that is at hand goes with its head and in one go. */
  #send(): void {
    const { body } = this.#exchange
    if (body.length === 0) {
      this.#isRequestSent = true
      this.#open({ endStream: true })
    } else if (body.isComplete) {
      body.attach(this)
      const isEmpty = this.#gathered.length === 0 && this.#requestTrailers.count === 0
      const stream = this.#open({ endStream: isEmpty, waitForTrailers: this.#requestTrailers.count > 0 })
      for (const chunk of this.#gathered) stream.write(chunk)
      this.#gathered = []
      if (!isEmpty) this.#endRequest(stream)
    } else {
      this.#open({ endStream: false, waitForTrailers: this.#mayHaveTrailers() })
      body.attach(this)
    }
  }

  /** Waiting for trailers costs a frame: not for gRPC, whose requests have none, nor where a length says enough. */
  #mayHaveTrailers(): boolean {
    const { head, body } = this.#exchange
    if (head.isGrpc) return false
    return body.length === undefined || valueOf(head.fields, FIELD.trailer) !== undefined
  }

  #open(options: { readonly endStream: boolean; readonly waitForTrailers?: boolean }): ClientHttp2Stream {
    const flat = this.#head()
    const stream: ClientHttp2Stream = this.#options.session.request(flat, options)
    // The stream keeps the list that was sent, and is kept itself for long: see client-stream.ts.
    flat.length = 0
    this.#stream = stream
    watchStream(stream, this)
    return stream
  }

  #head(): string[] {
    const { head } = this.#exchange
    const { address, transport, path, added } = this.#onward
    const flat = [
      ':method',
      head.method,
      ':scheme',
      transport.tls ? 'https' : 'http',
      ':authority',
      head.host === '' ? `${address.host}:${address.port}` : head.host,
      ':path',
      path,
    ]
    appendFields(flat, head.fields, added.dropped | NOT_OF_CLIENT, head.listed)
    if (head.isGrpc || /\btrailers\b/i.test(valueOf(head.fields, FIELD.te) ?? '')) flat.push('te', 'trailers')
    for (const text of added.list) flat.push(text)
    return flat
  }

  write(chunk: Buffer): boolean {
    const stream = this.#stream
    if (stream === undefined) {
      this.#gathered.push(chunk)
      return true
    }
    if (this.#state === 'over' || stream.write(chunk)) return true
    if (!this.#listensForDrain) {
      this.#listensForDrain = true
      watchFor(stream, 'drain')
    }
    return false
  }

  end(trailers: Fields): void {
    this.#requestTrailers = trailers
    this.#isRequestSent = true
    if (this.#stream !== undefined && this.#state !== 'over') this.#endRequest(this.#stream)
  }

  #endRequest(stream: ClientHttp2Stream): void {
    if (this.#requestTrailers.count > 0) watchFor(stream, 'wantTrailers')
    stream.end()
  }

  /** Of the request: node:http2 writes at the end of each turn. Of the answer: what EndOfTurn calls. */
  flush(): void {
    if (!this.#isMarked) return
    this.#isMarked = false
    this.#exchange.reply.flush()
  }

  /** Aborted. */
  handleEvent(): void {
    const { signal } = this.#exchange
    if (this.#state === 'answering') this.#cut()
    else if (this.#finish()) this.#result.reject(signal.reason)
    this.#cancel()
  }

  informed(status: number, flat: readonly string[]): void {
    if (this.#state !== 'waiting' || status === 100) return
    this.#exchange.reply.inform(status, new Http2Fields(flat, 2))
  }

  answered(status: number, flags: number, flat: readonly string[]): void {
    if (this.#state !== 'waiting') return
    this.#state = 'answering'
    const { reply, head } = this.#exchange
    const { ours } = this.#onward
    const fields = new Http2Fields(flat, 2)
    const isEnd = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    const declared = isEnd ? '0' : valueOf(fields, FIELD.contentLength)
    // After a length of 0 trailers may come all the same.
    const length =
      declared === undefined || (declared === '0' && !isEnd && head.isGrpc) ? undefined : Number(declared)
    reply.begin({ status, reason: '', fields, listed: undefined, ours, length })
    if (isEnd) this.#answeredWhole()
    else this.#armIdle()
    this.#mark()
  }

  took(chunk: Buffer): void {
    if (this.#state !== 'answering') return
    const { reply } = this.#exchange
    if (reply.write(chunk)) {
      this.#armIdle()
    } else {
      this.#stream?.pause()
      this.#options.wheel.cancel(this.#timer)
      reply.onDrain = () => this.#goOn()
    }
    this.#mark()
  }

  tookTrailers(flat: readonly string[]): void {
    this.#trailers = new Http2Fields(flat, 0)
  }

  sawEnd(): void {
    this.#isWhole = true
  }

  ended(): void {
    if (this.#state !== 'answering') return
    if (this.#isWhole) this.#answeredWhole()
    else this.#cut()
  }

  drained(): void {
    if (this.#state !== 'over') this.#exchange.body.resume()
  }

  failed(error: Error): void {
    this.#error ??= error
  }

  closed(): void {
    const { session, isReused } = this.#options
    const stream = this.#stream
    session.leave()
    if (this.#state === 'answering') this.#cut()
    if (!this.#finish()) return
    const code = stream?.rstCode
    const cause =
      session.failure ?? this.#error ?? new Error(`the replica reset the stream with code ${code}`)
    const isDisowned = code === constants.NGHTTP2_REFUSED_STREAM || session.disowned(stream?.id)
    if (code === constants.NGHTTP2_PROTOCOL_ERROR && !isDisowned)
      this.#result.resolve({ outcome: 'invalid', cause })
    else
      this.#result.resolve({ outcome: 'reset', cause, stale: isDisowned || (isReused && session.hasEnded) })
  }

  sendTrailers(): void {
    const trailers = trailersOf(this.#requestTrailers, NOT_IN_TRAILERS)
    if (this.#stream !== undefined && !this.#stream.closed) this.#stream.sendTrailers(trailers ?? {})
  }

  #answeredWhole(): void {
    if (!this.#finish()) return
    this.#exchange.reply.end(this.#trailers)
    this.#result.resolve({ outcome: 'answered' })
    if (!this.#isRequestSent) this.#cancel()
  }

  #cut(): void {
    if (!this.#finish()) return
    this.#exchange.reply.reset()
    this.#result.resolve({ outcome: 'cut' })
  }

  /** @returns false if it is over already. */
  #finish(): boolean {
    if (this.#state === 'over') return false
    this.#state = 'over'
    this.#options.wheel.cancel(this.#timer)
    this.#exchange.signal.removeEventListener('abort', this)
    this.#exchange.body.detach()
    return true
  }

  /** RST_STREAM with CANCEL, and no END_STREAM before it. */
  #cancel(): void {
    this.#stream?.destroy(CANCELLED)
  }

  #goOn(): void {
    if (this.#state !== 'answering') return
    this.#stream?.resume()
    this.#armIdle()
  }

  #armIdle(): void {
    const { idleTimeoutMs } = this.#onward.limits
    if (idleTimeoutMs > 0) this.#options.wheel.arm(this.#timer, idleTimeoutMs)
    else this.#options.wheel.cancel(this.#timer)
  }

  #timedOut(): void {
    if (this.#state === 'answering') this.#cut()
    else if (this.#finish()) this.#result.reject(new Refusal('RESPONSE_START_TIMEOUT'))
    this.#cancel()
  }

  #mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#options.endOfTurn.mark(this)
  }
}

/** What node:http2 throws for a field that it does not send. */
function isOfHttp2(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_')
}
