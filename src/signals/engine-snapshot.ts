import type { EngineName, Series } from './engine-spec.ts'
import { engineOfNames, enginePlan, spellings, type HistogramRef } from './engines.ts'
import type { Labels, Sample } from './exposition-sample.ts'
import { histogramOf, type Histogram } from './histogram.ts'

/** What stands where a number was to be. */
export type NotANumber = 'NaN' | '+Inf' | '-Inf'

/**
 * What one scrape said, as few numbers: plain data that holds nothing of the text. Two of them give rates, so the last
 * one of each replica is kept, or one of some time ago.
 */
export interface EngineSnapshot {
  /** undefined: the scrape is of no engine that we know. */
  readonly engine: EngineName | undefined
  /** When it was read, epoch ms. */
  readonly atMs: number
  /** By `keyOf` of the series. */
  readonly values: Readonly<Record<string, number | NotANumber>>
  /** Of values that say themselves when they were measured: the oldest of their series. */
  readonly timesMs: Readonly<Record<string, number>>
  /** By name. */
  readonly histograms: Readonly<Record<string, Histogram>>
}

type Groups = ReadonlyMap<string, readonly Sample[]>

/**
 * @param samples of a scrape that was read for `engineSampleNames`
 * @param expected the engine that the manifest names: it counts if it is among those whose metrics are there, and where
 *   there are metrics of none
 */
export function snapshotOf(
  samples: readonly Sample[],
  { atMs, expected }: { readonly atMs: number; readonly expected?: EngineName | undefined },
): EngineSnapshot {
  const groups = grouped(samples)
  const engine = engineOfNames(groups.keys(), expected) ?? expected
  const values: Record<string, number | NotANumber> = {}
  const timesMs: Record<string, number> = {}
  const histograms: Record<string, Histogram> = {}
  if (engine === undefined) return { engine, atMs, values, timesMs, histograms }
  const plan = enginePlan(engine)
  for (const [key, series] of plan.series) {
    const found = samplesOf(groups, series.name, series.where)
    if (found.length === 0) continue
    values[key] = plainOf(acrossOf(found, series))
    const measured = found.flatMap(({ timestampMs }) => (timestampMs === undefined ? [] : [timestampMs]))
    if (measured.length > 0) timesMs[key] = Math.min(...measured)
  }
  for (const [key, ref] of plan.histograms) {
    const histogram = histogramIn(groups, ref)
    if (histogram !== undefined) histograms[key] = histogram
  }
  return { engine, atMs, values, timesMs, histograms }
}

function grouped(samples: readonly Sample[]): Groups {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const group = groups.get(sample.name)
    if (group === undefined) groups.set(sample.name, [sample])
    else group.push(sample)
  }
  return groups
}

/** Of the spellings of a name the first that is there. */
function samplesOf(groups: Groups, name: string, where?: Labels, suffix = ''): readonly Sample[] {
  for (const spelt of spellings(name)) {
    const group = groups.get(spelt + suffix)
    if (group === undefined) continue
    if (where === undefined) return group
    const wanted = Object.entries(where)
    return group.filter(({ labels }) => wanted.every(([label, value]) => labels[label] === value))
  }
  return []
}

function histogramIn(groups: Groups, { name, where, unitSeconds }: HistogramRef): Histogram | undefined {
  const buckets = samplesOf(groups, name, where, '_bucket')
  const sums = samplesOf(groups, name, where, '_sum')
  const counts = samplesOf(groups, name, where, '_count')
  return histogramOf({ buckets, sums, counts }, unitSeconds)
}

function acrossOf(samples: readonly Sample[], series: Series): number {
  const numbers = withoutCopies(withoutParts(samples, series.parts), series.copies)
  const sum = numbers.reduce((total, value) => total + value, 0)
  return series.across === 'mean' ? sum / numbers.length : sum
}

function withoutParts(samples: readonly Sample[], label: string | undefined): readonly Sample[] {
  if (label === undefined || samples.length === 1) return samples
  const whole = samples.filter(({ labels }) => (labels[label] ?? '') === '')
  return whole.length === 0 ? samples : whole
}

/** Of series that differ in nothing but the labels of copies, the largest: a copy may not have been written yet. */
function withoutCopies(samples: readonly Sample[], copies: readonly string[] = []): readonly number[] {
  if (copies.length === 0 || samples.length === 1) return samples.map(({ value }) => value)
  const largest = new Map<string, number>()
  for (const { labels, value } of samples) {
    const rest = Object.entries(labels).filter(([label]) => !copies.includes(label))
    const key = JSON.stringify(rest.sort(([a], [b]) => (a < b ? -1 : 1)))
    largest.set(key, Math.max(largest.get(key) ?? -Infinity, value))
  }
  return [...largest.values()]
}

function plainOf(value: number): number | NotANumber {
  if (Number.isFinite(value)) return value
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}
