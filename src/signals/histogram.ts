import type { Sample } from './exposition-sample.ts'

/** Observations by size; plain data. As Prometheus counts them: each bucket holds those of the smaller ones, too. */
export interface Histogram {
  /** Upper bounds of the buckets, rising; the last bucket is without bound and not among them. */
  readonly bounds: readonly number[]
  /** Per bound, and at the end all of them. */
  readonly counts: readonly number[]
  /** undefined: not exported. */
  readonly sum?: number
}

export interface HistogramSamples {
  readonly buckets: readonly Sample[]
  readonly sums: readonly Sample[]
  readonly counts: readonly Sample[]
}

/**
 * Series of one histogram (of several models, ranks or engines) added up. Of series with different buckets the bounds
 * that all have remain: there the counts can be added.
 * @param unit what one unit of the histogram is in the unit that is wanted: 0.001 for ms to seconds
 * @returns undefined where there is neither a bucket without bound nor a count
 */
export function histogramOf({ buckets, sums, counts }: HistogramSamples, unit = 1): Histogram | undefined {
  const totals = new Map<number, { total: number; series: number }>()
  for (const { labels, value } of buckets) {
    const le = labels['le'] === '+Inf' ? Infinity : Number(labels['le'] || Number.NaN)
    if (Number.isNaN(le) || !Number.isFinite(value)) continue
    const bucket = totals.get(le)
    if (bucket === undefined) totals.set(le, { total: value, series: 1 })
    else {
      bucket.total += value
      bucket.series += 1
    }
  }
  const all = totals.get(Infinity)
  const count = all?.total ?? sumOf(counts)
  if (count === undefined) return undefined
  const kept = [...totals]
    .filter(([le, { series }]) => le !== Infinity && series === (all?.series ?? counts.length))
    .sort(([a], [b]) => a - b)
  const sum = sumOf(sums)
  return {
    bounds: kept.map(([le]) => le * unit),
    counts: [...kept.map(([, { total }]) => total), count],
    ...(sum === undefined ? {} : { sum: sum * unit }),
  }
}

function sumOf(samples: readonly Sample[]): number | undefined {
  const total = samples.reduce((sum, { value }) => sum + value, 0)
  return samples.length > 0 && Number.isFinite(total) ? total : undefined
}

/** What was observed after `before` and until `now`; a word where the two cannot be compared. */
export function increaseOf(before: Histogram, now: Histogram): Histogram | 'went back' | 'changed' {
  const { bounds } = now
  const isSame = bounds.length === before.bounds.length && bounds.every((le, at) => le === before.bounds[at])
  if (!isSame) return 'changed'
  const counts = now.counts.map((count, at) => count - (before.counts[at] ?? 0))
  if (counts.some((count) => count < 0)) return 'went back'
  if (now.sum === undefined || before.sum === undefined) return { bounds, counts }
  return { bounds, counts, sum: now.sum - before.sum }
}

/** Of several replicas as one, for a quantile over all of them; undefined where their buckets differ, or there are none. */
export function mergedHistogram(parts: readonly Histogram[]): Histogram | undefined {
  const [first, ...rest] = parts
  if (first === undefined) return undefined
  const isSame = rest.every(
    ({ bounds }) =>
      bounds.length === first.bounds.length && bounds.every((le, at) => le === first.bounds[at]),
  )
  if (!isSame) return undefined
  const counts = first.counts.map((_, at) => parts.reduce((total, part) => total + (part.counts[at] ?? 0), 0))
  const sum = parts.reduce((total, part) => total + (part.sum ?? Number.NaN), 0)
  return { bounds: first.bounds, counts, ...(Number.isNaN(sum) ? {} : { sum }) }
}

export function countOf({ counts }: Histogram): number {
  return counts.at(-1) ?? 0
}

/** undefined: nothing was observed, or no sum is known. */
export function meanOf(histogram: Histogram): number | undefined {
  const count = countOf(histogram)
  return histogram.sum === undefined || !(count > 0) ? undefined : histogram.sum / count
}

/**
 * The value below which the share `quantile` of the observations lies, as Prometheus' histogram_quantile: even
 * spread within a bucket, the first bucket begins at 0 (if its bound is above), and what lies beyond the last bound
 * counts as that bound. Half of 100 observations, 40 up to 0.1 and 90 up to 0.2:
 * 0.1 + (0.2 - 0.1) * (50 - 40) / (90 - 40) = 0.12.
 * @param quantile above 0, up to 1
 * @returns undefined where nothing was observed, or there is no bucket with a bound
 */
export function quantileOf({ bounds, counts }: Histogram, quantile: number): number | undefined {
  if (!(quantile > 0 && quantile <= 1)) {
    throw new RangeError(`quantile is ${quantile}; above 0 and up to 1 is allowed`)
  }
  const count = counts.at(-1) ?? 0
  if (!(count > 0) || bounds.length === 0) return undefined
  const rank = quantile * count
  let below = 0
  for (const [at, upper] of bounds.entries()) {
    // A count below that of a smaller bucket is rounding, or a scrape between two writes.
    const upTo = Math.max(below, counts[at] ?? 0)
    if (upTo >= rank) {
      if (at === 0 && upper <= 0) return upper
      const lower = at === 0 ? 0 : (bounds[at - 1] ?? 0)
      return lower + ((upper - lower) * (rank - below)) / (upTo - below)
    }
    below = upTo
  }
  return bounds.at(-1)
}
