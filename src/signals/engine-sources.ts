import type { EngineSnapshot } from './engine-snapshot.ts'
import type { LatencySource, LevelSource, RateSource, Series } from './engine-spec.ts'
import { keyOf } from './engines.ts'
import { countOf, increaseOf, meanOf, quantileOf, type Histogram } from './histogram.ts'
import { absent, isPresent, type Absent, type Signal } from './signal.ts'

/** Two scrapes of one replica, the later one first in importance: without `before` there are no rates. */
export interface Scrapes {
  readonly now: EngineSnapshot
  readonly before?: EngineSnapshot | undefined
}

/** How long something took between two scrapes, in seconds. */
export interface LatencySignals {
  readonly mean: Signal
  readonly p50: Signal
  readonly p90: Signal
  readonly p95: Signal
  readonly p99: Signal
  /** What was observed, for other quantiles, and with `mergedHistogram` for those over several replicas. */
  readonly observed?: Histogram
}

/** undefined: the source is not exported, and the next one may be. */
type Found<T> = T | Absent | undefined

export function levelOf(source: LevelSource, scrapes: Scrapes): Found<Signal> {
  if (source.kind === 'gauge') return gaugeOf(source.series, scrapes.now, source.scale)
  if (source.kind === 'ratio') return ratioOf(source, scrapes.now)
  return perSecond(source.series, scrapes, source.unitSeconds)
}

export function rateOf(source: RateSource, scrapes: Scrapes): Found<Signal> {
  return source.kind === 'gauge' ? gaugeOf(source.series, scrapes.now) : perSecond([source.series], scrapes)
}

export function latencyOf(source: LatencySource, scrapes: Scrapes): Found<LatencySignals> {
  if (source.kind === 'histogram') return histogramSignals(keyOf(source), scrapes)
  if (source.kind === 'counters') {
    return meanOnly(meanOfCounters(source, scrapes), `${keyOf(source.time)} has no buckets`)
  }
  const keys = source.steps.map((step) => keyOf(step))
  return meanOnly(meanOfSteps(keys, scrapes), `of ${keys.join(' + ')} only the mean is known`)
}

function gaugeOf(series: Series, now: EngineSnapshot, scale = 1): Found<Signal> {
  const from = keyOf(series)
  const value = numberAt(now, from)
  if (typeof value !== 'number') return value
  return { value: value * scale, atMs: now.timesMs[from] ?? now.atMs, from }
}

function numberAt(snapshot: EngineSnapshot, key: string): Found<number> {
  const value = snapshot.values[key]
  if (typeof value !== 'string') return value
  return absent('not a number', `${key} is ${value}; a number is allowed`)
}

function ratioOf(source: LevelSource & { kind: 'ratio' }, now: EngineSnapshot): Found<Signal> {
  const part = gaugeOf(source.part, now)
  if (part === undefined || !isPresent(part)) return part
  let whole = 0
  for (const series of source.whole) {
    const value = numberAt(now, keyOf(series))
    if (typeof value !== 'number') return value
    whole += value
  }
  const from = `${part.from} / ${source.whole.map(keyOf).join(' + ')}`
  if (!(whole > 0)) return absent('out of range', `${from}: the whole is ${whole}; above 0 is allowed`)
  return { value: part.value / whole, atMs: part.atMs, from }
}

/** By how much counters grew, together. */
function growthOf(series: readonly Series[], { now, before }: Scrapes): Found<number> {
  let growth = 0
  for (const one of series) {
    const key = keyOf(one)
    const value = numberAt(now, key)
    if (typeof value !== 'number') return value
    if (before === undefined)
      return absent('one scrape so far', `${key} is ${value}; how fast it grows takes two scrapes`)
    const was = numberAt(before, key)
    if (was === undefined) return absent('one scrape so far', `${key} was not exported in the scrape before`)
    if (typeof was !== 'number') return was
    if (value < was) return absent('counter went back', `${key} went from ${was} back to ${value}`)
    growth += value - was
  }
  return growth
}

function perSecond(series: readonly Series[], scrapes: Scrapes, unit = 1): Found<Signal> {
  const growth = growthOf(series, scrapes)
  if (typeof growth !== 'number') return growth
  const { now, before } = scrapes
  const seconds = (now.atMs - (before?.atMs ?? now.atMs)) / 1000
  const from = `growth of ${series.map(keyOf).join(' + ')}`
  if (!(seconds > 0)) return absent('one scrape so far', `${from}: the scrapes are ${seconds} s apart`)
  return { value: (growth * unit) / seconds, atMs: now.atMs, from }
}

function meanOfCounters(source: LatencySource & { kind: 'counters' }, scrapes: Scrapes): Found<Signal> {
  const time = growthOf([source.time], scrapes)
  if (typeof time !== 'number') return time
  const count = growthOf([source.count], scrapes)
  if (typeof count !== 'number') return count
  const from = `${keyOf(source.time)} / ${keyOf(source.count)}`
  if (count === 0) return absent('nothing counted', `${keyOf(source.count)} did not grow between the scrapes`)
  return { value: (time * source.unitSeconds) / count, atMs: scrapes.now.atMs, from }
}

function observedIn(key: string, { now, before }: Scrapes): Found<Histogram> {
  const histogram = now.histograms[key]
  if (histogram === undefined) return undefined
  const was = before?.histograms[key]
  if (was === undefined) return absent('one scrape so far', `what ${key} observed takes two scrapes`)
  const increase = increaseOf(was, histogram)
  if (increase === 'went back') return absent('counter went back', `a bucket of ${key} went back`)
  if (increase === 'changed')
    return absent('series changed', `the buckets of ${key} are not those of the scrape before`)
  return countOf(increase) > 0
    ? increase
    : absent('nothing counted', `${key} observed nothing between the scrapes`)
}

function meanOfSteps(keys: readonly string[], scrapes: Scrapes): Found<Signal> {
  let value = 0
  for (const key of keys) {
    const observed = observedIn(key, scrapes)
    if (observed === undefined || 'absent' in observed) return observed
    const mean = meanOf(observed)
    if (mean === undefined) return absent('not exported', `${key}_sum is not exported`)
    value += mean
  }
  return { value, atMs: scrapes.now.atMs, from: `mean of ${keys.join(' + ')}` }
}

function meanOnly(mean: Found<Signal>, why: string): Found<LatencySignals> {
  if (mean === undefined || !isPresent(mean)) return mean
  const none = absent('not exported', why)
  return { mean, p50: none, p90: none, p95: none, p99: none }
}

function histogramSignals(key: string, scrapes: Scrapes): Found<LatencySignals> {
  const observed = observedIn(key, scrapes)
  if (observed === undefined || 'absent' in observed) return observed
  const present = (value: number | undefined, missing: string): Signal =>
    value === undefined
      ? absent('not exported', `${key}${missing} is not exported`)
      : { value, atMs: scrapes.now.atMs, from: key }
  const at = (quantile: number): Signal => present(quantileOf(observed, quantile), '_bucket')
  return {
    mean: present(meanOf(observed), '_sum'),
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    observed,
  }
}
