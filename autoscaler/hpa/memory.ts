import type { Condition } from './conditions.ts'

/** What one decision leaves for the next. Plain data: with policy and observation it replays to the same number. */
export interface HpaMemory {
  /** What was recommended, before any limit; null: nothing yet, as in a controller that has just started. */
  readonly recommendations: readonly Recommendation[] | null
  /** What was added and removed, kept only for a policy with `behavior`. */
  readonly scaleUpEvents: readonly ScaleEvent[]
  readonly scaleDownEvents: readonly ScaleEvent[]
  readonly conditions: readonly Condition[]
}

export interface Recommendation {
  readonly atMs: number
  readonly replicas: number
}

export interface ScaleEvent {
  readonly atMs: number
  /** How many were added or removed; never negative. */
  readonly change: number
}

/** The memory of a revision that was never decided on. */
export const initialHpaMemory: HpaMemory = Object.freeze({
  recommendations: null,
  scaleUpEvents: [],
  scaleDownEvents: [],
  conditions: [],
})

/**
 * The list with `entry` in it, in place of the last entry that is of no use any more, so that it does not grow.
 */
export function keep<T>(entries: readonly T[], entry: T, isOutdated: (entry: T) => boolean): readonly T[] {
  const place = entries.findLastIndex(isOutdated)
  return place === -1 ? [...entries, entry] : entries.with(place, entry)
}
