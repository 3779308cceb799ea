import type { Cancellation, CancellationListener } from '../src/core/cancellation.ts'
import type { HeldPermit } from './permit.ts'
import type { Place } from './queue.ts'
import type { Slot } from './slot.ts'

/**
 * A request that waits. A gateway may hold 50,000 of them at 0.3 kB each, so one object is the request's place in the
 * queue and the listener on its signal, and it keeps one of its promise's two functions.
 */
export class Waiter implements Place<Waiter>, CancellationListener {
  /** Slots on which this request has failed before. */
  readonly avoid: readonly Slot[]
  /** No replica was ready when it came. */
  readonly cold: boolean
  readonly bytes: number
  readonly sinceMs: number
  before: Waiter | undefined = undefined
  after: Waiter | undefined = undefined
  queued = false
  /** Where it stands in the line that threads share; 0 = nowhere. */
  node = 0
  readonly #signal: Cancellation
  readonly #settle: (outcome: HeldPermit | Promise<never>) => void
  readonly #onGone: (waiter: Waiter) => void

  constructor(options: {
    readonly avoid: readonly Slot[]
    readonly cold: boolean
    readonly bytes: number
    readonly sinceMs: number
    readonly signal: Cancellation
    readonly settle: (outcome: HeldPermit | Promise<never>) => void
    /** Told when the signal is aborted before this is granted or refused. One function for all waiters. */
    readonly onGone: (waiter: Waiter) => void
  }) {
    this.avoid = options.avoid
    this.cold = options.cold
    this.bytes = options.bytes
    this.sinceMs = options.sinceMs
    this.#signal = options.signal
    this.#settle = options.settle
    this.#onGone = options.onGone
    this.#signal.addEventListener('abort', this, { once: true })
  }

  /** Why its client went away. */
  get reason(): unknown {
    return this.#signal.reason
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#onGone(this)
  }

  /** It never came to wait. */
  withdraw(): void {
    this.#signal.removeEventListener('abort', this)
  }

  grant(permit: HeldPermit): void {
    this.#signal.removeEventListener('abort', this)
    this.#settle(permit)
  }

  refuse(reason: unknown): void {
    this.#signal.removeEventListener('abort', this)
    this.#settle(Promise.reject(reason))
  }
}
