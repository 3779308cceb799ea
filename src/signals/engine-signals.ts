import { latencyOf, levelOf, rateOf, type LatencySignals, type Scrapes } from './engine-sources.ts'
import type { EngineName, EngineSpec } from './engine-spec.ts'
import { engineSpec } from './engines.ts'
import { absent, amountOf, isPresent, shareOf, type Absent, type Signal } from './signal.ts'
import { freshAt } from './staleness.ts'

/** What an engine says of one replica, or why it does not. Plain data. */
export interface EngineSignals {
  readonly engine: EngineName | undefined
  /** Requests in execution. */
  readonly running: Signal
  /** The most that can be in execution at once. */
  readonly runningMax: Signal
  /** Requests that wait within the engine. */
  readonly waiting: Signal
  /** How full the KV cache is, 0 to 1. */
  readonly kvCache: Signal
  /** 0 to 1, mean over the replica's GPUs. */
  readonly gpuUtilization: Signal
  /** 0 to 1, of all memory of the replica's GPUs. */
  readonly gpuMemory: Signal
  readonly timeToFirstToken: LatencySignals
  /** Between two tokens of one answer. */
  readonly interToken: LatencySignals
  /** In the engine's own queue. */
  readonly queueWait: LatencySignals
  readonly generatedTokensPerSecond: Signal
  readonly promptTokensPerSecond: Signal
  readonly requestsPerSecond: Signal
}

/** Where one source says nothing useful, the next may: an older name beside a newer one that is NaN, a gauge beside a counter. */
const PASSES_ON: ReadonlySet<string> = new Set(['not a number', 'one scrape so far'])

/** The first source that has a value; else the first reason; else that none of them is exported. */
function firstOf<Source, Value extends object>(
  sources: readonly Source[],
  read: (source: Source) => Value | Absent | undefined,
  none: () => Absent,
): Value | Absent {
  let reason: Absent | undefined
  for (const source of sources) {
    const found = read(source)
    if (found === undefined) continue
    if (!('absent' in found)) return found
    reason ??= found
    if (!PASSES_ON.has(found.absent)) return found
  }
  return reason ?? none()
}

/** All of them absent for one reason. */
export function absentEngineSignals(reason: Absent, engine?: EngineName): EngineSignals {
  const latency = { mean: reason, p50: reason, p90: reason, p95: reason, p99: reason }
  return {
    engine,
    running: reason,
    runningMax: reason,
    waiting: reason,
    kvCache: reason,
    gpuUtilization: reason,
    gpuMemory: reason,
    timeToFirstToken: latency,
    interToken: latency,
    queueWait: latency,
    generatedTokensPerSecond: reason,
    promptTokensPerSecond: reason,
    requestsPerSecond: reason,
  }
}

/**
 * @param scrapes.now the newest scrape of a replica
 * @param scrapes.before an earlier one: the last for quick rates, one of a minute ago for steady quantiles
 */
export function engineSignals({ now, before }: Scrapes): EngineSignals {
  if (now.engine === undefined) {
    return absentEngineSignals(absent('engine unknown', 'the metrics are of no engine that is known'))
  }
  const spec = engineSpec(now.engine)
  const scrapes = { now, before: before?.engine === now.engine ? before : undefined }
  const none = (what: string): Absent => absent('not exported', `${spec.title} exports no ${what}`)
  const level = (
    key: 'running' | 'runningMax' | 'waiting' | 'kvCache' | 'gpuUtilization' | 'gpuMemory',
  ): Signal =>
    firstOf(
      spec[key],
      (source) => levelOf(source, scrapes),
      () => none(WHAT[key]),
    )
  const rate = (key: 'generatedTokens' | 'promptTokens' | 'requests'): Signal =>
    amountOf(
      firstOf(
        spec[key],
        (source) => rateOf(source, scrapes),
        () => none(WHAT[key]),
      ),
    )
  return {
    engine: now.engine,
    running: amountOf(level('running')),
    runningMax: amountOf(level('runningMax')),
    waiting: amountOf(level('waiting')),
    kvCache: shareOf(level('kvCache')),
    gpuUtilization: shareOf(level('gpuUtilization')),
    gpuMemory: shareOf(level('gpuMemory')),
    timeToFirstToken: latencySignals(spec, 'timeToFirstToken', scrapes),
    interToken: latencySignals(spec, 'interToken', scrapes),
    queueWait: latencySignals(spec, 'queueWait', scrapes),
    generatedTokensPerSecond: rate('generatedTokens'),
    promptTokensPerSecond: rate('promptTokens'),
    requestsPerSecond: rate('requests'),
  }
}

const WHAT = {
  running: 'number of running requests',
  runningMax: 'limit of running requests',
  waiting: 'number of waiting requests',
  kvCache: 'use of its KV cache',
  gpuUtilization: 'GPU utilization',
  gpuMemory: 'GPU memory',
  timeToFirstToken: 'time to the first token',
  interToken: 'time between tokens',
  queueWait: 'time in its queue',
  generatedTokens: 'number of generated tokens',
  promptTokens: 'number of prompt tokens',
  requests: 'number of requests',
} as const

function latencySignals(
  spec: EngineSpec,
  key: 'timeToFirstToken' | 'interToken' | 'queueWait',
  scrapes: Scrapes,
): LatencySignals {
  const found = firstOf(
    spec[key],
    (source) => latencyOf(source, scrapes),
    () => absent('not exported', `${spec.title} exports no ${WHAT[key]}`),
  )
  if (!('absent' in found)) return found
  return { mean: found, p50: found, p90: found, p95: found, p99: found }
}

/** Each signal as `freshAt` has it: what a scrape of some time ago said is absent once it is too old. */
export function freshEngineSignals(
  signals: EngineSignals,
  nowMs: number,
  staleAfterMs: number,
): EngineSignals {
  const fresh = (signal: Signal): Signal => freshAt(signal, nowMs, staleAfterMs)
  const latency = (of: LatencySignals): LatencySignals => {
    const { observed, ...each } = of
    const mean = fresh(each.mean)
    const quantiles = {
      p50: fresh(each.p50),
      p90: fresh(each.p90),
      p95: fresh(each.p95),
      p99: fresh(each.p99),
    }
    return isPresent(mean) && observed !== undefined
      ? { mean, ...quantiles, observed }
      : { mean, ...quantiles }
  }
  return {
    engine: signals.engine,
    running: fresh(signals.running),
    runningMax: fresh(signals.runningMax),
    waiting: fresh(signals.waiting),
    kvCache: fresh(signals.kvCache),
    gpuUtilization: fresh(signals.gpuUtilization),
    gpuMemory: fresh(signals.gpuMemory),
    timeToFirstToken: latency(signals.timeToFirstToken),
    interToken: latency(signals.interToken),
    queueWait: latency(signals.queueWait),
    generatedTokensPerSecond: fresh(signals.generatedTokensPerSecond),
    promptTokensPerSecond: fresh(signals.promptTokensPerSecond),
    requestsPerSecond: fresh(signals.requestsPerSecond),
  }
}
