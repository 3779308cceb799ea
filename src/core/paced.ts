import type { Clock, Timer } from './clock.ts'

/** Pauses are so many times as long as the work before them: it takes a fifth of the time at most. */
const PAUSE_FACTOR = 4
const PAUSE_MAX_MS = 500

/**
 * Work that costs more the more there is, and that many events ask for. It is done at once where it can be, and else
 * once for all that asked meanwhile: 1 ms of work is done 200 times a second at most, 20 ms of it 10 times.
 */
export class Paced implements Disposable {
  readonly #clock: Clock
  readonly #work: () => void
  #pause: Timer | undefined
  #isAsked = false

  constructor(clock: Clock, work: () => void) {
    this.#clock = clock
    this.#work = work
  }

  /** Before this returns, or at the end of the pause. */
  ask(): void {
    this.#isAsked = true
    if (this.#pause === undefined) this.#do()
  }

  [Symbol.dispose](): void {
    this.#isAsked = false
    this.#pause?.cancel()
  }

  #do(): void {
    this.#isAsked = false
    const beganMs = this.#clock.now()
    this.#work()
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FACTOR * (this.#clock.now() - beganMs))
    // Too short to be worth a timer.
    if (pauseMs < 1) return
    this.#pause = this.#clock.after(pauseMs, () => {
      this.#pause = undefined
      if (this.#isAsked) this.#do()
    })
  }
}
