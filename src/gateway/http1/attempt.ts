import type { CancellationListener } from '../../core/cancellation.ts'
import { Refusal } from '../../core/refusals.ts'
import type { BodySink, Exchange, RequestBody } from '../exchange.ts'
import type { Fields } from '../fields.ts'
import { KEEP_BYTES_MAX } from '../request-body.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult, Onward } from '../upstream.ts'
import { ParseError } from './llhttp.ts'
import { HeadTooLarge } from './message-parser.ts'
import type { Pool } from './pool.ts'
import { requestText } from './request-text.ts'
import { replyHead, type Http1ResponseHead } from './response-head.ts'
import type { AnswerTaker, UpstreamConnection } from './upstream-connection.ts'

/**
 * One attempt to get an answer from one replica over HTTP/1.1:
 *
 *     connecting -> waiting (for the head) -> answering -> over
 *
 * The request's body flows while it waits and, if the replica answers early, while it answers.
 */
export class Http1Attempt implements AnswerTaker, BodySink, CancellationListener {
  readonly method: string
  readonly #exchange: Exchange
  readonly #onward: Onward
  readonly #pool: Pool
  readonly #wheel: TimerWheel
  readonly #connection: UpstreamConnection
  readonly #resolve: (result: ForwardResult) => void
  readonly #reject: (reason: unknown) => void
  readonly #connectTimeoutMs: number
  #timer: WheelTimer | undefined
  #state: 'connecting' | 'waiting' | 'answering' | 'over' = 'connecting'
  #isSent = false
  /** When the replica last said something, if anybody asks. */
  #heardMs = 0

  constructor(
    exchange: Exchange,
    onward: Onward,
    from: {
      readonly pool: Pool
      readonly wheel: TimerWheel
      readonly connectTimeoutMs: number
      readonly resolve: (result: ForwardResult) => void
      readonly reject: (reason: unknown) => void
    },
  ) {
    this.method = exchange.head.method
    this.#exchange = exchange
    this.#onward = onward
    this.#pool = from.pool
    this.#wheel = from.wheel
    this.#resolve = from.resolve
    this.#reject = from.reject
    this.#connection = from.pool.take(onward.address, onward.transport, needOf(exchange.body, onward.fresh))
    this.#connectTimeoutMs = from.connectTimeoutMs
  }

  start(): void {
    this.#exchange.signal.addEventListener('abort', this)
    if (!this.#connection.isReused)
      this.#arm(this.#connectTimeoutMs, () => this.failed(new Error('no connection in time')))
    this.#connection.use(this)
  }

  /** The request was aborted: the client is gone, its time is up, or the gateway stops. */
  handleEvent(): void {
    this.#refuse(this.#exchange.signal.reason)
  }

  // What the connection says.

  connected(): void {
    if (this.#state !== 'connecting') return
    this.#state = 'waiting'
    const { responseStartTimeoutMs } = this.#onward.limits
    if (responseStartTimeoutMs > 0)
      this.#arm(responseStartTimeoutMs, () => this.#refuse(new Refusal('RESPONSE_START_TIMEOUT')))
    else this.#disarm()
    const { head, body } = this.#exchange
    const { outgoing } = this.#connection
    outgoing.onDrain = () => body.resume()
    const { text, framing } = requestText(this.#exchange, this.#onward)
    outgoing.begin(text, framing, body.length)
    // What a client says after it asked to switch is for the other protocol: it waits for the 101.
    if (head.isWebSocket) outgoing.flushSoon()
    else body.attach(this)
  }

  informed(head: Http1ResponseHead): void {
    // 100 is the gateway's own to send.
    if (head.status > 101) this.#exchange.reply.inform(head.status, head.fields)
  }

  answered(head: Http1ResponseHead): void {
    const { head: request, reply, body } = this.#exchange
    if (head.status === 101 && !request.isWebSocket)
      throw new ParseError('the replica switched protocols without being asked to')
    this.#state = 'answering'
    reply.onDrain = () => this.#connection.socket.resume()
    reply.begin(replyHead(head, this.#onward.ours))
    this.#watchSilence()
    if (head.status === 101) body.attach(this)
  }

  data(chunk: Buffer): void {
    if (this.#heardMs > 0) this.#heardMs = this.#wheel.nowMs
    if (this.#state === 'answering' && !this.#exchange.reply.write(chunk)) this.#connection.socket.pause()
  }

  ended(trailers: Fields): void {
    if (this.#state !== 'answering') return
    this.#over()
    if (this.#isSent) this.#pool.give(this.#connection)
    else this.#connection.destroy()
    this.#exchange.reply.end(trailers)
    this.#resolve(ANSWERED)
  }

  failed(error: Error): void {
    const state = this.#state
    if (state === 'over') return
    const stale = this.#connection.maybeStale
    this.#over()
    this.#connection.destroy()
    if (state === 'answering') {
      this.#exchange.reply.reset()
      this.#resolve(CUT)
    } else if (state === 'connecting') this.#resolve({ outcome: 'unreachable', cause: error })
    else if (error instanceof ParseError || error instanceof HeadTooLarge)
      this.#resolve({ outcome: 'invalid', cause: error })
    else this.#resolve({ outcome: 'reset', cause: error, stale })
  }

  // Where the request's body goes; `flush` is for the answer as well: each turn sends what it has.

  write(chunk: Buffer): boolean {
    return this.#state === 'over' || this.#connection.outgoing.write(chunk)
  }

  end(trailers: Fields): void {
    if (this.#state === 'over') return
    if (!this.#connection.outgoing.end(trailers)) {
      // Both readers of clients count, so it should not come to this; it is no fault of the replica in any case.
      this.#refuse(new Refusal('BAD_REQUEST', { detail: 'the body is not as long as declared' }))
      return
    }
    this.#isSent = true
    if (this.#exchange.reply.status === 101) {
      this.#connection.outgoing.flush()
      this.#connection.socket.end()
    }
  }

  flush(): void {
    if (this.#state === 'over') return
    this.#connection.outgoing.flushSoon()
    this.#exchange.reply.flush()
  }

  /** A client that does not read is no silence of the replica. */
  #watchSilence(): void {
    const { idleTimeoutMs } = this.#onward.limits
    if (idleTimeoutMs === 0) {
      this.#disarm()
      return
    }
    this.#heardMs = this.#wheel.nowMs
    const look = (): void => {
      if (this.#connection.socket.isPaused()) this.#heardMs = this.#wheel.nowMs
      const leftMs = this.#heardMs + idleTimeoutMs - this.#wheel.nowMs
      if (leftMs <= 0) this.failed(new Error('the replica fell silent'))
      else this.#arm(leftMs, look)
    }
    this.#arm(idleTimeoutMs, look)
  }

  #refuse(reason: unknown): void {
    if (this.#state === 'over') return
    const hasBegun = this.#state === 'answering'
    this.#over()
    this.#connection.destroy()
    if (hasBegun) this.#exchange.reply.reset()
    this.#reject(reason)
  }

  #over(): void {
    this.#state = 'over'
    this.#disarm()
    this.#exchange.signal.removeEventListener('abort', this)
    this.#exchange.body.detach()
  }

  #arm(delayMs: number, fire: () => void): void {
    this.#disarm()
    if (delayMs === 0) return
    this.#timer = new WheelTimer(fire)
    this.#wheel.arm(this.#timer, delayMs)
  }

  #disarm(): void {
    if (this.#timer === undefined) return
    this.#wheel.cancel(this.#timer)
    this.#timer = undefined
  }
}

/** What cannot be sent again needs a connection that is known to have lived a moment ago. */
function needOf({ length }: RequestBody, fresh: boolean): 'any' | 'settled' | 'fresh' {
  if (fresh) return 'fresh'
  return length === undefined || length > KEEP_BYTES_MAX ? 'settled' : 'any'
}

const ANSWERED: ForwardResult = { outcome: 'answered' }
const CUT: ForwardResult = { outcome: 'cut' }
