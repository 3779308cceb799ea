const WEIGHT = 0.2

/**
 * How fast a queue empties, for a truthful `Retry-After`: exponentially weighted means of how long a permit
 * is held and of how long a cold start takes.
 */
export class DrainRate {
  #heldMs: number | undefined
  #coldStartMs: number | undefined

  permitHeld(ms: number): void {
    this.#heldMs = mean(this.#heldMs, ms)
  }

  coldStarted(ms: number): void {
    this.#coldStartMs = mean(this.#coldStartMs, ms)
  }

  /**
   * Seconds until a request that is turned away now would find room, from 1 to 120. With 20 waiting, 4 slots
   * and 500 ms a request: 20 * 0.5 / 4 = 2.5, so 3. While cold, what is left of a usual start comes on top; if
   * none was ever seen, as long again as the oldest has waited.
   * @param slots permits that can be held at one time; Infinity without a limit.
   */
  retryAfterSeconds(state: {
    readonly depth: number
    readonly slots: number
    readonly oldestWaitMs: number
    readonly cold: boolean
  }): number {
    const startMs = !state.cold
      ? 0
      : this.#coldStartMs === undefined
        ? state.oldestWaitMs
        : Math.max(0, this.#coldStartMs - state.oldestWaitMs)
    const workMs = (state.depth * (this.#heldMs ?? 0)) / Math.max(1, state.slots)
    return Math.min(120, Math.max(1, Math.ceil((startMs + workMs) / 1000)))
  }
}

function mean(before: number | undefined, value: number): number {
  return before === undefined ? value : before + WEIGHT * (value - before)
}
