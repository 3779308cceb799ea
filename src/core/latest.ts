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
    const aborted = Promise.withResolvers<void>()
    const onAbort = (): void => aborted.resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      let seen = -1
      while (!signal.aborted) {
        if (seen === this.#version) {
          await Promise.race([this.#changed.promise, aborted.promise])
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
