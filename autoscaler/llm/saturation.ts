import type { Signal } from '../../src/core/decision.ts'
import { roundToMicro } from '../window.ts'
import type { LlmPolicy } from './policy.ts'
import { inWords, missingOf, valuesOf, type FieldValues, type Hearing } from './readings.ts'

/** What the engines carry. */
export interface Saturation {
  /** Sum over the replicas that are heard: 2.4 fills two replicas and a part of a third. */
  readonly load: number
  readonly signals: readonly Signal[]
  /** What would have to be known before a replica may go, in words. */
  readonly missing: readonly string[]
}

/**
 * How full the replicas are, each by what it has least left of: max(waiting/target, kv/target, running/capacity).
 * The sum over the replicas, rounded up, is how many the same load fills. Two replicas with 20 waiting each at a
 * target of 10 are 4, where a mean divided by the target would say 2.
 *
 * What is missing adds nothing. A field that no engine has is no signal; that of a TGI is the KV cache.
 */
export function saturationOf(policy: LlmPolicy, hearing: Hearing): Saturation {
  const { heard } = hearing
  const waiting = valuesOf(hearing, 'waiting')
  const kv = valuesOf(hearing, 'kv')
  const running = valuesOf(hearing, 'running')
  const capacities = heard.map(({ capacity }) => usableCapacity(capacity) ?? policy.capacity)
  const sides = [
    sideOf('waiting', 'requests', { ...waiting, targets: heard.map(() => policy.waitingTarget) }),
    sideOf('kv cache', 'of 1', { ...kv, targets: heard.map(() => policy.kvTarget) }),
    sideOf('running', 'requests', { ...running, targets: capacities }),
  ]
  const load = roundToMicro(
    heard.reduce((sum, _, index) => sum + Math.max(0, ...sides.map(({ shares }) => shares[index] ?? 0)), 0),
  )
  const mute = heard.filter((_, index) => sides.every(({ shares }) => shares[index] === undefined))
  return {
    load,
    signals: [
      ...sides.map(({ signal }) => signal),
      {
        name: 'saturation',
        unit: 'replicas',
        ...(heard.length === 0
          ? { reason: 'no engine is heard' }
          : { value: load, target: 1, proposal: Math.ceil(load) }),
        binding: false,
        ...(hearing.missing.length === 0 ? {} : { reason: inWords(hearing.missing) }),
      },
    ],
    missing: [
      ...hearing.missing,
      ...sides.flatMap(({ missing }) => missing),
      ...mute.map(({ replica }) => `${replica}: reports no load`),
    ],
  }
}

/** Requests that one replica works on at once; 0 = nobody says so. The smallest that an engine names. */
export function capacityOf({ capacity }: LlmPolicy, { heard }: Hearing): number {
  if (capacity > 0) return capacity
  const named = heard.flatMap((engine) => usableCapacity(engine.capacity) ?? [])
  return named.length === 0 ? 0 : Math.min(...named)
}

/**
 * What one engine works on at once, as far as it was seen: one that queues is full. Without it a load that queued on
 * one replica and no longer does on four would look as if one were enough. It only speaks against shrinking.
 */
export function batchSeen(hearing: Hearing, before: number | null): number | null {
  const waiting = valuesOf(hearing, 'waiting').values
  const running = valuesOf(hearing, 'running').values
  const full = running.flatMap((value = 0, index) => (value > 0 && (waiting[index] ?? 0) > 0 ? [value] : []))
  if (full.length > 0) return Math.max(...full)
  return before === null ? null : Math.max(before, ...running.map((value = 0) => value))
}

function usableCapacity(capacity: number | undefined): number | undefined {
  return capacity !== undefined && Number.isFinite(capacity) && capacity > 0 ? capacity : undefined
}

interface Side {
  readonly signal: Signal
  /** How full each replica is of it; undefined: not known. */
  readonly shares: readonly (number | undefined)[]
  readonly missing: readonly string[]
}

function sideOf(
  name: string,
  unit: string,
  {
    values,
    isReported,
    gaps,
    targets,
  }: FieldValues & {
    /** 0 = none, so the value says nothing about how full a replica is. */
    readonly targets: readonly number[]
  },
): Side {
  const none = (reason: string): Side => ({
    signal: { name, unit, binding: false, reason },
    shares: values.map(() => undefined),
    missing: [],
  })
  if (values.length === 0) return none('no engine is heard')
  if (!isReported) return none('no engine reports it')
  if (targets.every((target) => target === 0)) return none('the capacity of a replica is not known')
  const shares = values.map((value, index) => {
    const target = targets[index] ?? 0
    return value === undefined || target === 0 ? undefined : value / target
  })
  const total = values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  const share = shares.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  const unknown = targets.filter((target) => target === 0).length
  const missing = [
    ...missingOf(gaps),
    ...(unknown === 0 ? [] : [`${unknown} of ${targets.length} engines: capacity is not known`]),
  ]
  return {
    signal: {
      name,
      unit,
      value: roundToMicro(total),
      target: Math.min(...targets.filter((target) => target > 0)),
      proposal: Math.ceil(roundToMicro(share)),
      binding: false,
      ...(missing.length === 0 ? {} : { reason: inWords(missing) }),
    },
    shares,
    missing,
  }
}
