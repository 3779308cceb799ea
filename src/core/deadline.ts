import type { Clock, Timer } from './clock.ts'

/**
 * The life of one request: a signal that is aborted when its caller gives up or its time is over, whichever comes
 * first. It lets go of both when disposed: a signal that lives as long as the process must not collect listeners.
 */
export class Deadline implements Disposable {
  readonly #clock: Clock
  readonly #caller: AbortSignal | undefined
  readonly #controller = new AbortController()
  readonly #onAbort = (): void => this.#controller.abort(this.#caller?.reason)
  #timer: Timer | undefined
  #isOver = false

  /** Without a bound until `within` is called. */
  constructor(clock: Clock, caller?: AbortSignal) {
    this.#clock = clock
    this.#caller = caller
    if (caller?.aborted === true) this.#onAbort()
    else caller?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether it was the time that ended it, not the caller. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it `limitMs` from now; replaces the bound before. */
  within(limitMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(limitMs, () => {
      if (this.#controller.signal.aborted) return
      this.#isOver = true
      this.#controller.abort(new Error(`nothing within ${limitMs} ms`))
    })
  }

  /** No bound any more but the caller's. */
  lift(): void {
    this.#timer?.cancel()
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }
}
