import type { Decision } from '../src/core/decision.ts'
import { applyBounds, moveTo, type Proposal } from './bounds.ts'
import { initialFloor, isProving } from './initial-scale.ts'
import type { Policy } from './policy.ts'
import { initialKpaMemory, scaleKpa, type KpaMemory, type KpaResult } from './scale-kpa.ts'
import { judgeZero, wakeFor } from './scale-to-zero.ts'

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
  /**
   * A route leads to the revision, with any share above 0 or by a tag. A new revision that gets its share once
   * it is ready counts as reachable: else it would never start.
   */
  readonly reachable: boolean
}

/** What one decision leaves for the next. Plain data: with policy and observation it replays to the same number. */
export interface Memory {
  readonly kpa: KpaMemory
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
  if (policy.class === 'fixed') return decideFixed(policy, observation, seen)
  const { stable, panic } = observation
  if (stable === undefined || panic === undefined) return decideBlind(policy, observation, seen)

  const kpa = scaleKpa(policy, { ...observation, stable, panic }, seen.kpa)
  const bounded = applyBounds(policy, kpa, {
    reachable: observation.reachable,
    isProving: isProving(policy, observation, seen),
  })
  if (bounded.replicas > 0) return conclude(policy, observation, { ...seen, idleSinceMs: null }, bounded, kpa)
  const { proposal, idleSinceMs } = judgeZero(policy, { ...observation, stable }, seen, bounded)
  return conclude(policy, observation, { ...seen, idleSinceMs }, proposal, kpa)
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

/** KServe's autoscaler classes `none` and `external`: as many as the manifest says, while anything leads there. */
function decideFixed(policy: Policy, observation: Observation, memory: Memory): Decided {
  const isNeeded = observation.reachable || observation.waiting > 0
  const replicas = isNeeded ? policy.minScale : 0
  const limits = [isNeeded ? `fixed at ${replicas}` : 'not reachable']
  return conclude(policy, observation, memory, { replicas, limits })
}

/**
 * Without data the last number stays, except where it is known to be too small: a request waits, a new
 * revision has to start once, or the minimum is not there.
 */
function decideBlind(policy: Policy, observation: Observation, memory: Memory): Decided {
  const { ready, starting, waiting, reachable } = observation
  const present = Math.max(ready + starting, memory.replicas ?? 0)
  let proposal: Proposal = { replicas: present, limits: [] }
  if (waiting > 0 && present === 0) proposal = wakeFor(policy, waiting, proposal)
  if (reachable) {
    const floor = isProving(policy, observation, memory) ? initialFloor(policy) : policy.minScale
    const name = floor > policy.minScale ? 'initial scale' : 'min scale'
    proposal = moveTo(proposal, Math.max(proposal.replicas, floor), `${name} ${floor}`)
  }
  if (proposal.replicas > present) return conclude(policy, observation, memory, proposal)
  return conclude(policy, observation, memory, { replicas: undefined, limits: ['no data: nothing changes'] })
}

function conclude(
  policy: Policy,
  observation: Observation,
  memory: Memory,
  proposal: { readonly replicas: number | undefined; readonly limits: readonly string[] },
  kpa?: KpaResult,
): Decided {
  const { replicas, limits } = withinPlaces(proposal, observation, memory)
  const kpaMemory = kpa?.memory ?? memory.kpa
  const isWoken = (memory.replicas ?? 0) === 0 && (replicas ?? 0) > 0 && observation.ready === 0
  return {
    decision: {
      atMs: observation.nowMs,
      replicas,
      mode: kpaMemory.panicSinceMs === null ? 'stable' : 'panic',
      limits,
      inputs: {
        metric: policy.metric,
        stable: observation.stable ?? 0,
        panic: observation.panic ?? 0,
        ready: observation.ready,
        target: policy.target,
      },
      excessBurstCapacity: kpa?.excessBurstCapacity ?? 0,
    },
    memory: {
      ...memory,
      kpa: kpaMemory,
      upSinceMs: isWoken ? observation.nowMs : memory.upSinceMs,
      replicas: replicas ?? memory.replicas,
    },
  }
}

/** As long as a replica waits for a place, one more would only wait as well. */
function withinPlaces(
  proposal: { readonly replicas: number | undefined; readonly limits: readonly string[] },
  { ready, starting, unplaced = 0 }: Observation,
  memory: Memory,
): { readonly replicas: number | undefined; readonly limits: readonly string[] } {
  const present = Math.max(ready + starting, memory.replicas ?? 0)
  const { replicas, limits } = proposal
  if (unplaced === 0 || replicas === undefined || replicas <= present) return proposal
  return { replicas: present, limits: [...limits, `no place for ${unplaced}: not above ${present}`] }
}
