import type { Decision } from '../src/core/decision.ts'
import { applyBounds } from './bounds.ts'
import { conclude } from './conclude.ts'
import { decideBlind } from './decide-blind.ts'
import { decideByMetrics } from './decide-by-metrics.ts'
import type { HpaPod, Reading } from './hpa/index.ts'
import type { HpaTurn } from './hpa-turn.ts'
import { initialFloor, isProving } from './initial-scale.ts'
import type { EngineReading, LlmMemory } from './llm/index.ts'
import type { Policy } from './policy.ts'
import { initialKpaMemory, scaleKpa, type KpaMemory } from './scale-kpa.ts'
import { judgeZero } from './scale-to-zero.ts'
import { kpaSignals } from './signals.ts'

/** All that is seen of a revision at one moment. */
export interface Observation {
  readonly nowMs: number
  /** Ready replicas. */
  readonly ready: number
  /** Replicas that exist and are not ready yet. */
  readonly starting: number
  /** Those of them for which there is no place: no GPU is left, a quota is used up. Default 0. */
  readonly unplaced?: number
  /** Totals of the policy's metric over the revision, averaged per window; undefined = no data. */
  readonly stable: number | undefined
  readonly panic: number | undefined
  /** Requests held now because no replica has room. With one waiting the answer is never 0. */
  readonly waiting: number
  /** Requests on replicas now. Default 0. */
  readonly inFlight?: number
  /**
   * A route leads to the revision, with any share above 0 or by a tag. A new revision that gets its share once
   * it is ready counts as reachable: else it would never start.
   */
  readonly reachable: boolean
  /** What metric sources said, for the classes `hpa` and `llm`: without it their number stays. */
  readonly readings?: Readings
}

export interface Readings {
  /** Of class `hpa`: the revision's pods, and what each metric's source said, in the order of its metrics. */
  readonly pods?: readonly HpaPod[]
  readonly metrics?: readonly Reading[]
  /** Of class `llm`: what the engine of each ready replica said, or why there is nothing. */
  readonly engines?: readonly EngineReading[]
}

/** What one decision leaves for the next. Plain data: with policy and observation it replays to the same number. */
export interface Memory {
  readonly kpa: KpaMemory
  /** Of the class that has it, while the revision is up. */
  readonly hpa?: HpaTurn | undefined
  readonly llm?: LlmMemory | undefined
  readonly createdMs: number
  /** The revision once had its initial scale ready. Until then it is proving that it can start. */
  readonly initialised: boolean
  /** Since when it is up: it was woken, then became ready, or was first seen. */
  readonly upSinceMs: number
  /** Since when it could go to zero; null when it is not idle. */
  readonly idleSinceMs: number | null
  /** Ready replicas and answer of the last decision. */
  readonly ready: number
  readonly replicas: number | undefined
}

export interface Decided {
  readonly decision: Decision
  readonly memory: Memory
}

/**
 * The memory of a revision that was never decided on.
 * @param start.initialised whether the revision was ready in an earlier life of the controller: without it a
 *   restarted controller would start a replica of every sleeping revision.
 */
export function initialMemory(start: {
  readonly nowMs: number
  readonly ready: number
  readonly initialised: boolean
}): Memory {
  return {
    kpa: initialKpaMemory(start.ready, start.nowMs),
    createdMs: start.nowMs,
    initialised: start.initialised,
    upSinceMs: start.nowMs,
    idleSinceMs: null,
    ready: start.ready,
    replicas: undefined,
  }
}

/**
 * How many replicas a revision should have. A function of its arguments: nothing is read or changed besides.
 * Called every 2 s, and at once when a sleeping revision is woken.
 */
export function decide(policy: Policy, observation: Observation, memory: Memory): Decided {
  const seen = look(policy, observation, memory)
  switch (policy.class) {
    case 'fixed':
      return decideFixed(policy, observation, seen)
    case 'external':
      return decideExternal(policy, observation, seen)
    case 'kpa':
      return decideByRequests(policy, observation, seen)
    case 'hpa':
    case 'llm':
      return decideByMetrics(policy, observation, seen)
    default:
      return policy satisfies never
  }
}

/** Knative's arithmetic, then the bounds, then the rules of the last replica. */
function decideByRequests(policy: Policy, observation: Observation, seen: Memory): Decided {
  const { stable, panic } = observation
  if (stable === undefined || panic === undefined) return decideBlind(policy, observation, seen)

  const kpa = scaleKpa(policy, { ...observation, stable, panic }, seen.kpa)
  const signals = kpaSignals(policy, { stable, panic }, kpa)
  const bounded = applyBounds(policy, kpa, {
    reachable: observation.reachable,
    isProving: isProving(policy, observation, seen),
  })
  if (bounded.replicas > 0) {
    return conclude(policy, observation, { ...seen, idleSinceMs: null }, { ...bounded, signals, kpa })
  }
  const { proposal, idleSinceMs } = judgeZero(policy, { ...observation, stable }, seen, bounded)
  return conclude(policy, observation, { ...seen, idleSinceMs }, { ...proposal, signals, kpa })
}

/** The memory with what this observation tells before anything is decided. */
function look(policy: Policy, { nowMs, ready }: Observation, memory: Memory): Memory {
  return {
    ...memory,
    initialised: memory.initialised || ready >= initialFloor(policy),
    upSinceMs: ready > 0 && memory.ready === 0 ? nowMs : memory.upSinceMs,
    ready,
  }
}

/** KServe's autoscaler class `none`: as many as the manifest says, while anything leads there. */
function decideFixed(policy: Policy, observation: Observation, memory: Memory): Decided {
  const isNeeded = observation.reachable || observation.waiting > 0
  const replicas = isNeeded ? policy.minScale : 0
  const limits = [isNeeded ? `fixed at ${replicas}` : 'not reachable']
  return conclude(policy, observation, memory, { replicas, limits })
}

/**
 * KServe's autoscaler class `external`: a new revision is started, and one that no request can reach any more is ended.
 * Everything between is somebody else's.
 */
function decideExternal(policy: Policy, observation: Observation, memory: Memory): Decided {
  const { reachable, waiting, inFlight = 0, ready, starting } = observation
  if (!reachable && waiting === 0 && inFlight === 0) {
    return conclude(policy, observation, memory, { replicas: 0, limits: ['not reachable'] })
  }
  // New, or reachable again after we ended it.
  const isOurs = memory.replicas === 0 || (memory.replicas === undefined && !memory.initialised)
  if (isOurs && ready + starting === 0) {
    const replicas = Math.max(policy.minScale, policy.initialScale)
    return conclude(policy, observation, memory, { replicas, limits: [`started with ${replicas}`] })
  }
  return conclude(policy, observation, memory, { replicas: undefined, limits: ['scaled from outside'] })
}
