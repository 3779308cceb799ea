import type { Signal } from '../../src/core/decision.ts'
import { inWords, missingOf, valuesOf, type Hearing } from './readings.ts'

/** What an objective says. */
export interface LatencyVerdict {
  readonly signal: Signal
  /** Why the objective keeps one replica less from being enough; undefined: it does not. */
  readonly holds: string | undefined
  readonly missing: readonly string[]
}

export interface LatencyQuestion {
  readonly name: string
  readonly field: 'ttftMs' | 'itlMs'
  readonly objectiveMs: number
  readonly bound: number
  /** Replicas that were ordered, and those that are ready. */
  readonly replicas: number
  readonly ready: number
  /** Requests that are there, in engines and gateways. */
  readonly requests: number
}

/**
 * A latency objective asks for one more replica than are ready where every ready replica is busy and above it: where
 * one is below, routing is at fault and not their number. One at a time, for a latency says little about how many;
 * the next only once that one is ready, as those on their way are not counted. Never for more replicas than there
 * are requests, which nobody would notice.
 *
 * It keeps a replica from going where the slowest would come near the objective with its share of the load:
 * 300 ms on 3 replicas are taken for 450 ms on 2.
 */
export function latencyOf(hearing: Hearing, question: LatencyQuestion): LatencyVerdict {
  const { name, field, objectiveMs, bound, replicas, ready, requests } = question
  const { values, isReported, gaps } = valuesOf(hearing, field)
  const head = { name, unit: 'ms, the slowest', target: objectiveMs, binding: false }
  if (!isReported) {
    const reason = hearing.heard.length === 0 ? 'no engine is heard' : 'no engine reports it'
    return { signal: { ...head, reason }, holds: undefined, missing: [] }
  }
  // An idle engine's last latency is old, and says nothing about how much it could take.
  const isBusy = hearing.heard.map(({ running, waiting }) => running !== 0 || waiting !== 0)
  const latencies = values.flatMap((value, index) =>
    value !== undefined && isBusy[index] === true ? [value] : [],
  )
  const missing = missingOf(gaps.map((gap, index) => (isBusy[index] === true ? gap : undefined)))
  const slowest = Math.max(0, ...latencies)
  const isEveryOne = latencies.length === values.length && latencies.length >= ready
  const isAbove = isEveryOne && latencies.every((latency) => latency > objectiveMs)
  const without = replicas > 1 ? (slowest * replicas) / (replicas - 1) : slowest
  return {
    signal: {
      ...head,
      ...(latencies.length === 0 ? {} : { value: slowest }),
      ...(isAbove ? { proposal: Math.min(ready + 1, Math.ceil(requests)) } : {}),
      ...(isBusy.includes(true) ? {} : { reason: 'every engine is idle' }),
      ...(missing.length === 0 ? {} : { reason: inWords(missing) }),
    },
    holds:
      without > bound * objectiveMs
        ? `${name}: one replica less would come too near ${objectiveMs} ms`
        : undefined,
    missing,
  }
}
