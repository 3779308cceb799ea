import type { MetricEntry } from './catalogue.ts'

/**
 * The counts of one series. A counter or gauge has one; a histogram has one for each bucket, from the smallest bound to
 * infinity, not cumulative, and at last the sum of what was observed.
 */
export interface Series {
  /** In the order of the metric's labels. */
  readonly labels: readonly string[]
  readonly counts: Float64Array
}

/** The series of some metrics by name, as one thread gives them to another: it can be cloned. */
export type Dump = Readonly<Record<string, readonly Series[]>>

/** One value as prom-client writes it out; `sharedLabels` are written after `labels`. */
export interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly sharedLabels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * One metric counted in plain arrays: a caller keeps the `counts` of its series, so that a count on the path of a
 * request costs an addition, where prom-client makes and looks up a string of the labels each time.
 */
export class Tally {
  readonly entry: MetricEntry
  /** Upper bounds of a histogram's buckets, ascending; empty for the other types. */
  readonly bounds: readonly number[]
  readonly #series = new Map<string, Series>()
  readonly #revisionAt: number

  constructor(entry: MetricEntry, bounds: readonly number[] = []) {
    this.entry = entry
    this.bounds = bounds
    this.#revisionAt = entry.labels.indexOf('revision')
  }

  get series(): readonly Series[] {
    return [...this.#series.values()]
  }

  /** The counts of the series with these label values, from zero where it is new. */
  counts(...labels: readonly string[]): Float64Array {
    const key = labels.length === 1 ? labels[0]! : labels.join('\n')
    let series = this.#series.get(key)
    if (series === undefined) {
      const size = this.bounds.length === 0 ? 1 : this.bounds.length + 2
      this.#series.set(key, (series = { labels, counts: new Float64Array(size) }))
    }
    return series.counts
  }

  /** Adds what another tally of the same metric counted. */
  add(others: readonly Series[]): void {
    for (const { labels, counts } of others) {
      const own = this.counts(...labels)
      for (let at = 0; at < own.length; at++) own[at]! += counts[at]!
    }
  }

  /** Drops the series of all revisions but these. '' stands for no revision: there is one such for ever. */
  retain(revisions: ReadonlySet<string>): void {
    if (this.#revisionAt < 0) return
    for (const [key, { labels }] of this.#series) {
      const revision = labels[this.#revisionAt]!
      if (revision !== '' && !revisions.has(revision)) this.#series.delete(key)
    }
  }

  /** One after the other, so that the hundreds of thousands of a large installation never exist at once. */
  *samples(): Generator<Sample, void, void> {
    const { name, labels: names } = this.entry
    for (const { labels, counts } of this.#series.values()) {
      const sharedLabels = Object.fromEntries(names.map((label, at) => [label, labels[at]!]))
      if (this.bounds.length === 0) {
        yield { metricName: name, labels: {}, sharedLabels, value: counts[0]! }
        continue
      }
      let count = 0
      for (let at = 0; at <= this.bounds.length; at++) {
        count += counts[at]!
        const le = this.bounds[at] ?? '+Inf'
        yield { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count }
      }
      const sum = counts[this.bounds.length + 1]!
      yield { metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum }
      yield { metricName: `${name}_count`, labels: {}, sharedLabels, value: count }
    }
  }
}

/** Counts one value in the counts of a histogram with these bounds. */
export function observe(counts: Float64Array, bounds: readonly number[], value: number): void {
  let at = 0
  while (at < bounds.length && value > bounds[at]!) at++
  counts[at]! += 1
  counts[bounds.length + 1]! += value
}
