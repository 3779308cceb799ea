/** What a meter saw in one period. */
export interface ConcurrencyReport {
  /** Time-weighted mean of the requests under way. */
  readonly averageConcurrency: number
  /** Requests that entered in the period. */
  readonly requests: number
}

/**
 * Time-weighted concurrency: the area under the number of requests under way, divided by the time. Two
 * requests that each take a quarter of a second in a period of one give 0.5, whether they overlap or not.
 * Source: knative.dev/networking pkg/http/stats.
 */
export class ConcurrencyMeter {
  #underWay = 0
  #requests = 0
  /** Request-milliseconds of this period. */
  #area = 0
  #elapsedMs = 0
  #lastMs: number

  constructor(nowMs: number) {
    this.#lastMs = nowMs
  }

  get underWay(): number {
    return this.#underWay
  }

  enter(nowMs: number): void {
    this.#advance(nowMs)
    this.#underWay += 1
    this.#requests += 1
  }

  leave(nowMs: number): void {
    this.#advance(nowMs)
    this.#underWay -= 1
  }

  /** Ends the period. Requests still under way go on into the next. */
  report(nowMs: number): ConcurrencyReport {
    this.#advance(nowMs)
    const averageConcurrency = this.#elapsedMs > 0 ? this.#area / this.#elapsedMs : 0
    const report = { averageConcurrency, requests: this.#requests }
    this.#area = 0
    this.#elapsedMs = 0
    this.#requests = 0
    return report
  }

  #advance(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs
    // A clock that stands still or was set back adds nothing, rather than a negative area.
    if (passedMs > 0) {
      this.#area += this.#underWay * passedMs
      this.#elapsedMs += passedMs
    }
    this.#lastMs = nowMs
  }
}
