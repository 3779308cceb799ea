/**
 * A whole value that is replaced, never edited, and that many may follow. A slow follower skips the
 * values in between and sees the newest: level-triggered, as every loop here.
 */
export class Latest<T> {
  #value: T
  #version = 0
  #changed = Promise.withResolvers<void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  set(value: T): void {
    this.#value = value
    this.#version += 1
    const changed = this.#changed
    this.#changed = Promise.withResolvers<void>()
    changed.resolve()
  }

  /** The value now, then the newest after each change; ends without an error when `signal` is aborted. */
  async *values(signal: AbortSignal): AsyncGenerator<T, void, void> {
    let wakeUp = (): void => {}
    const onAbort = (): void => wakeUp()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      let seen = -1
      while (!signal.aborted) {
        if (seen === this.#version) {
          // A promise of its own each time: a race with one for the whole life would grow with every change.
          const turn = Promise.withResolvers<void>()
          wakeUp = turn.resolve
          void this.#changed.promise.then(turn.resolve)
          await turn.promise
        } else {
          seen = this.#version
          yield this.#value
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
