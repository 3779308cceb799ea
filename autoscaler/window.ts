import { BucketRing } from './bucket-ring.ts'
import { WeightedWindow } from './weighted-window.ts'

/** What was recorded over the last `windowMs`, averaged. All times are epoch ms. */
export interface Window {
  readonly ring: BucketRing
  /** Adds to the bucket of `atMs`: values of one bucket are summed. */
  record(atMs: number, value: number): void
  /** Per bucket; 0 when nothing was recorded within the window. */
  average(nowMs: number): number
  isEmpty(nowMs: number): boolean
  resize(windowMs: number, nowMs: number): void
}

export type Aggregation = 'linear' | 'weighted-exponential'

export function windowOf(aggregation: Aggregation, windowMs: number, granularityMs = 1000): Window {
  return aggregation === 'linear'
    ? new LinearWindow(windowMs, granularityMs)
    : new WeightedWindow(windowMs, granularityMs)
}

/** Every bucket counts the same. Averaging costs O(1), and O(gap) when reports stopped. */
export class LinearWindow implements Window {
  readonly ring: BucketRing

  constructor(windowMs: number, granularityMs = 1000) {
    this.ring = new BucketRing(windowMs, granularityMs)
  }

  record(atMs: number, value: number): void {
    this.ring.record(atMs, value)
  }

  /**
   * The divisor is the seconds since the first write, at most the window: one second of data already has full
   * strength. When writing stops the average holds its value, as fewer and fewer buckets remain: 60 s of 5, then
   * 20 s of nothing, is 40 * 5 / 40 = 5. To let it fall, record zeros.
   */
  average(nowMs: number): number {
    const { ring } = this
    if (ring.isOutdated(nowMs)) return 0
    const age = ring.age(nowMs)
    if (age <= 0) return roundToMicro(ring.total / Math.min(ring.span, ring.size))
    return roundToMicro((ring.total - ring.staleTotal(nowMs)) / Math.min(ring.span, ring.size - age))
  }

  isEmpty(nowMs: number): boolean {
    return this.ring.isEmpty(nowMs)
  }

  resize(windowMs: number, nowMs: number): void {
    this.ring.resize(windowMs, nowMs)
  }
}

/** To 6 decimals, halves away from zero: the running total drifts by less than that. Never -0. */
export function roundToMicro(value: number): number {
  const rounded = Math.round(Math.abs(value) * 1e6) / 1e6
  return value < 0 && rounded !== 0 ? -rounded : rounded
}
