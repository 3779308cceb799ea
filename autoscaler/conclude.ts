import type { Decision, DecisionCondition, Signal } from '../src/core/decision.ts'
import type { Decided, Memory, Observation } from './decide.ts'
import { scaleDownWindowMs, type Policy } from './policy.ts'
import type { KpaResult } from './scale-kpa.ts'
import { withWaiting } from './signals.ts'

/** What a class came to. */
export interface Outcome {
  /** undefined: nothing is changed. */
  readonly replicas: number | undefined
  readonly limits: readonly string[]
  readonly signals?: readonly Signal[]
  readonly conditions?: readonly DecisionCondition[] | undefined
  readonly kpa?: KpaResult
}

/** What a class says that goes by metrics. */
export interface Answer extends Omit<Outcome, 'kpa'> {
  /** Why the revision may not sleep though nobody asks for it, in words. */
  readonly keepsAwake?: string
}

/** An outcome as a decision, and what is remembered of it. */
export function conclude(
  policy: Policy,
  observation: Observation,
  memory: Memory,
  outcome: Outcome,
): Decided {
  const { replicas, limits } = withinPlaces(outcome, observation, memory)
  const { signals = [], conditions, kpa } = outcome
  const kpaMemory = kpa?.memory ?? memory.kpa
  const isWoken = (memory.replicas ?? 0) === 0 && (replicas ?? 0) > 0 && observation.ready === 0
  const isPanic = policy.class === 'kpa' && kpaMemory.panicSinceMs !== null
  return {
    decision: {
      class: policy.class,
      atMs: observation.nowMs,
      replicas,
      mode: isPanic ? 'panic' : 'stable',
      limits,
      signals: withWaiting(signals, observation, { replicas, limits }),
      inputs: {
        metric: policy.metric,
        stable: observation.stable ?? 0,
        panic: observation.panic ?? 0,
        ready: observation.ready,
        starting: observation.starting,
        waiting: observation.waiting,
        target: policy.target,
      },
      windowsMs: windowsOf(policy),
      ...(conditions === undefined ? {} : { conditions }),
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

function windowsOf(policy: Policy): Decision['windowsMs'] {
  const { stableWindowMs: stable, panicWindowMs: panic } = policy
  const scaleDown = scaleDownWindowMs(policy)
  return { stable, panic, ...(scaleDown > 0 ? { 'scale down': scaleDown } : {}) }
}

/** As long as a replica waits for a place, one more would only wait as well. */
function withinPlaces(
  outcome: Pick<Outcome, 'replicas' | 'limits'>,
  { ready, starting, unplaced = 0 }: Observation,
  memory: Memory,
): Pick<Outcome, 'replicas' | 'limits'> {
  const present = Math.max(ready + starting, memory.replicas ?? 0)
  const { replicas, limits } = outcome
  if (unplaced === 0 || replicas === undefined || replicas <= present) return outcome
  return { replicas: present, limits: [...limits, `no place for ${unplaced}: not above ${present}`] }
}
