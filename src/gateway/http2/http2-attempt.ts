import type { CancellationListener } from '../../core/cancellation.ts'
import { Refusal } from '../../core/refusals.ts'
import type { BodySink, Exchange } from '../exchange.ts'
import { NO_FIELDS, valueOf, type Fields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { HOP_BY_HOP, maskOf } from '../pass-on.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult, Onward } from '../upstream.ts'
import { appendFields, Http2Fields, trailersOf } from './http2-fields.ts'
import type { ReplicaSession } from './replica-session.ts'
import { CODE, Http2Error, type Http2Stream, type StreamOwner } from './session/index.ts'

export interface AttemptOptions {
  /** Open, with the place of this request taken. */
  readonly session: ReplicaSession
  /** It was open before. */
  readonly isReused: boolean
  readonly wheel: TimerWheel
}

const NOT_OF_CLIENT = HOP_BY_HOP | maskOf(FIELD.host, FIELD.expect)
const EMPTY = Buffer.alloc(0)

/**
 * One request on its way to a replica and its answer on the way back:
 *
 *     waiting -- head --> answering -- END_STREAM --> over
 *            \-- broke, timeout, abort -----------> over
 */
export class Http2Attempt extends WheelTimer implements BodySink, CancellationListener, StreamOwner {
  readonly #exchange: Exchange
  readonly #onward: Onward
  readonly #options: AttemptOptions
  readonly #result = Promise.withResolvers<ForwardResult>()
  #state: 'waiting' | 'answering' | 'over' = 'waiting'
  #stream: Http2Stream | undefined
  #hasLeft = false
  /** Bytes of the answer that wait for the client. */
  #owedBytes = 0

  constructor(exchange: Exchange, onward: Onward, options: AttemptOptions) {
    super(undefined)
    this.#exchange = exchange
    this.#onward = onward
    this.#options = options
  }

  /** @throws Refusal RESPONSE_START_TIMEOUT; BAD_REQUEST for a head that HTTP/2 cannot say; the signal's reason. */
  run(): Promise<ForwardResult> {
    const { signal, body } = this.#exchange
    const { session, wheel } = this.#options
    const { responseStartTimeoutMs } = this.#onward.limits
    const head = this.#head()
    if (head === undefined) {
      this.#leave()
      return Promise.reject(new Refusal('BAD_REQUEST', { detail: 'the head cannot be passed on in HTTP/2' }))
    }
    const isWhole = body.length === 0
    const stream = session.request(head, isWhole, this)
    if (stream === undefined) {
      this.#leave()
      const cause = new Error('the replica takes no more requests on this connection')
      return Promise.resolve({ outcome: 'reset', cause, stale: true })
    }
    this.#stream = stream
    signal.addEventListener('abort', this)
    if (responseStartTimeoutMs > 0) wheel.arm(this, responseStartTimeoutMs)
    if (!isWhole) body.attach(this)
    return this.#result.promise
  }

  /** undefined for fields that HTTP/2 cannot say. */
  #head(): string[] | undefined {
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
    if (!appendFields(flat, head.fields, added.dropped | NOT_OF_CLIENT, head.listed)) return undefined
    if (head.isGrpc || /\btrailers\b/i.test(valueOf(head.fields, FIELD.te) ?? '')) flat.push('te', 'trailers')
    for (const text of added.list) flat.push(text)
    return flat
  }

  // What the body of the request says.

  write(chunk: Buffer): boolean {
    return this.#state === 'over' || this.#stream === undefined || this.#stream.sendData(chunk, false)
  }

  end(trailers: Fields): void {
    if (this.#state === 'over') return
    const flat = trailersOf(trailers)
    if (flat.length > 0) this.#stream?.sendHeaders(flat, true)
    else this.#stream?.sendData(EMPTY, true)
  }

  /** Does nothing: the session writes at the end of each turn. */
  flush(): void {}

  /** Aborted. */
  handleEvent(): void {
    const { signal } = this.#exchange
    if (this.#state === 'answering') this.#cut()
    else if (this.#finish()) this.#result.reject(signal.reason)
    this.#cancel()
  }

  // What the replica says.

  onHeaders(fields: string[], endStream: boolean): void {
    if (this.#state !== 'waiting') return
    const status = Number(fields[1])
    const view = new Http2Fields(fields, 2)
    if (status >= 200) this.#answered(status, view, endStream)
    else if (status !== 100) this.#exchange.reply.inform(status, view)
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#state !== 'answering') return
    const { reply } = this.#exchange
    if (chunk.length > 0) {
      if (reply.write(chunk)) {
        this.#stream?.consumed(chunk.length)
        this.#armIdle()
      } else {
        this.#owedBytes += chunk.length
        this.#options.wheel.cancel(this)
        reply.onDrain = () => this.#goOn()
      }
    }
    if (endStream) this.#answeredWhole(NO_FIELDS)
  }

  onTrailers(fields: string[]): void {
    if (this.#state === 'answering') this.#answeredWhole(new Http2Fields(fields, 0))
  }

  onTurnEnd(): void {
    if (this.#state === 'over') this.#leave()
    else this.#exchange.reply.flush()
  }

  onReset(code: number, error?: Http2Error): void {
    const { session, isReused } = this.#options
    const wrong = error ?? session.failure
    if (this.#state === 'answering') this.#cut()
    if (this.#finish()) {
      const cause = wrong ?? new Error(`the replica reset the stream with code ${code}`)
      const isUnseen = code === CODE.refusedStream
      if (!isUnseen && (code === CODE.protocol || wrong instanceof Http2Error))
        this.#result.resolve({ outcome: 'invalid', cause })
      else
        this.#result.resolve({ outcome: 'reset', cause, stale: isUnseen || (isReused && session.hasEnded) })
    }
    this.#leave()
  }

  onWritable(): void {
    if (this.#state !== 'over') this.#exchange.body.resume()
  }

  /** Silence. */
  override fire(): void {
    if (this.#state === 'answering') this.#cut()
    else if (this.#finish()) this.#result.reject(new Refusal('RESPONSE_START_TIMEOUT'))
    this.#cancel()
  }

  #answered(status: number, fields: Fields, isEnd: boolean): void {
    this.#state = 'answering'
    const { reply, head } = this.#exchange
    const { ours } = this.#onward
    const declared = isEnd ? '0' : valueOf(fields, FIELD.contentLength)
    // After a length of 0 trailers may come all the same.
    const length =
      declared === undefined || (declared === '0' && !isEnd && head.isGrpc) ? undefined : Number(declared)
    reply.begin({ status, reason: '', fields, listed: undefined, ours, length })
    if (isEnd) this.#answeredWhole(NO_FIELDS)
    else this.#armIdle()
  }

  #answeredWhole(trailers: Fields): void {
    if (!this.#finish()) return
    this.#exchange.reply.end(trailers)
    this.#result.resolve({ outcome: 'answered' })
    // The place is free when the stream is closed: at the end of this read, or at once where the request is not all said.
    if (this.#stream?.isLocalEnded === false) this.#cancel()
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
    this.#options.wheel.cancel(this)
    this.#exchange.signal.removeEventListener('abort', this)
    this.#exchange.body.detach()
    return true
  }

  /** RST_STREAM with CANCEL, and no END_STREAM before it. */
  #cancel(): void {
    this.#stream?.reset(CODE.cancel)
    this.#leave()
  }

  #leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#options.session.leave()
  }

  #goOn(): void {
    if (this.#state !== 'answering') return
    const bytes = this.#owedBytes
    this.#owedBytes = 0
    this.#stream?.consumed(bytes)
    this.#armIdle()
  }

  #armIdle(): void {
    const { idleTimeoutMs } = this.#onward.limits
    if (idleTimeoutMs > 0) this.#options.wheel.arm(this, idleTimeoutMs)
    else this.#options.wheel.cancel(this)
  }
}
