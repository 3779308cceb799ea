import { BucketRing } from './bucket-ring.ts'
import type { Window } from './window.ts'

const SMALLEST_COEFFICIENT = 0.2
/** The weights of a full window sum to at least this. */
const WEIGHT_SUM = 0.9999

/**
 * How fast the past fades: the weight of the newest bucket. Enough that a full window's weights sum to 0.9999,
 * but at least 0.2, as very long windows would otherwise be almost a plain average. 5 buckets: 0.8415.
 */
export function smoothingCoefficient(buckets: number): number {
  return Math.max(SMALLEST_COEFFICIENT, 1 - (1 - WEIGHT_SUM) ** (1 / buckets))
}

/**
 * Each bucket counts a fixed share less than the one after it. The weights are not normalised: a single
 * bucket of 2 in a window of 5 gives 2 * 0.8415 = 1.683.
 */
export class WeightedWindow implements Window {
  readonly ring: BucketRing
  #coefficient: number

  constructor(windowMs: number, granularityMs = 1000) {
    this.ring = new BucketRing(windowMs, granularityMs)
    this.#coefficient = smoothingCoefficient(this.ring.size)
  }

  get coefficient(): number {
    return this.#coefficient
  }

  record(atMs: number, value: number): void {
    this.ring.record(atMs, value)
  }

  average(nowMs: number): number {
    const { ring } = this
    if (ring.isEmpty(nowMs)) return 0
    const age = Math.max(0, ring.age(nowMs))
    const fade = 1 - this.#coefficient
    let weight = this.#coefficient * fade ** age
    let sum = 0
    for (let back = 0; back < ring.size - age; back += 1) {
      sum += ring.at(back) * weight
      weight *= fade
    }
    return sum
  }

  isEmpty(nowMs: number): boolean {
    return this.ring.isEmpty(nowMs)
  }

  resize(windowMs: number, nowMs: number): void {
    this.ring.resize(windowMs, nowMs)
    this.#coefficient = smoothingCoefficient(this.ring.size)
  }
}
