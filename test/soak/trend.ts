/** One value at a time. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/**
 * How much a series grows from its first to its last point along its trend: the median of the slopes of all pairs
 * (Theil and Sen), which a few peaks do not bend. Points 0, 1, 90, 3, 4 a second apart: slope 1, growth 4.
 */
export function growthOf(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [at, first] of points.entries()) {
    for (const second of points.slice(at + 1)) {
      if (second.atMs > first.atMs) slopes.push((second.value - first.value) / (second.atMs - first.atMs))
    }
  }
  const last = points.at(-1)
  const [first] = points
  if (first === undefined || last === undefined || slopes.length === 0) return 0
  slopes.sort((a, b) => a - b)
  return slopes[slopes.length >> 1]! * (last.atMs - first.atMs)
}

export function meanOf(points: readonly Point[]): number {
  return points.reduce((sum, { value }) => sum + value, 0) / Math.max(1, points.length)
}
