import type { HeldPermit } from './permit.ts'
import type { Slot } from './slots.ts'

/**
 * A request that waits. A gateway may hold 50,000 of them at 0.9 kB each, most of it Node's promise and event
 * listener, so it is itself the listener on its signal.
 */
export class Waiter {
  /** Slots on which this request has failed before. */
  readonly avoid: readonly Slot[]
  /** No replica was ready when it came. */
  readonly cold: boolean
  readonly promise: Promise<HeldPermit>
  readonly #signal: AbortSignal
  readonly #resolve: (permit: HeldPermit) => void
  readonly #reject: (reason: unknown) => void
  #onGone: (() => void) | undefined

  constructor(options: {
    readonly avoid: readonly Slot[]
    readonly cold: boolean
    readonly signal: AbortSignal
  }) {
    this.avoid = options.avoid
    this.cold = options.cold
    this.#signal = options.signal
    const { promise, resolve, reject } = Promise.withResolvers<HeldPermit>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Calls `onGone` when the signal is aborted before this is granted or refused. */
  listen(onGone: () => void): void {
    this.#onGone = onGone
    this.#signal.addEventListener('abort', this, { once: true })
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.#onGone?.()
  }

  grant(permit: HeldPermit): void {
    this.#signal.removeEventListener('abort', this)
    this.#resolve(permit)
  }

  refuse(reason: unknown): void {
    this.#signal.removeEventListener('abort', this)
    this.#reject(reason)
  }
}
