import type { Report } from '../src/core/report.ts'

/** What a meter saw in one period. */
export interface ConcurrencyReport {
  /** Time-weighted mean of the requests under way. */
  readonly averageConcurrency: number
  /** Requests that entered in the period. */
  readonly requests: number
  /** Of requests that left the queue in the period. */
  readonly waited?: NonNullable<Report['waited']>
  readonly tokens?: NonNullable<Report['tokens']>
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
  #waited: Report['waited']
  #tokens: Report['tokens']

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

  /** A request left the queue. */
  waited(waitMs: number): void {
    const { requests = 0, totalMs = 0 } = this.#waited ?? {}
    this.#waited = { requests: requests + 1, totalMs: totalMs + Math.max(0, waitMs) }
  }

  used({ prompt, generated }: NonNullable<Report['tokens']>): void {
    const before = this.#tokens ?? { prompt: 0, generated: 0 }
    this.#tokens = { prompt: before.prompt + prompt, generated: before.generated + generated }
  }

  /** Ends the period. Requests still under way go on into the next. */
  report(nowMs: number): ConcurrencyReport {
    this.#advance(nowMs)
    const averageConcurrency = this.#elapsedMs > 0 ? this.#area / this.#elapsedMs : 0
    const report = {
      averageConcurrency,
      requests: this.#requests,
      ...(this.#waited === undefined ? {} : { waited: this.#waited }),
      ...(this.#tokens === undefined ? {} : { tokens: this.#tokens }),
    }
    this.#waited = undefined
    this.#tokens = undefined
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
