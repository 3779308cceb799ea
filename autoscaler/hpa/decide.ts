import { combine, type Combined } from './combine.ts'
import { isTrue, withCondition, type Condition } from './conditions.ts'
import { inputOf, type DecidedHpa, type HpaDecision } from './decision.ts'
import type { HpaMemory } from './memory.ts'
import { normalize, type Normalized } from './normalize.ts'
import type { HpaObservation } from './observation.ts'
import { measuresAtZero, type HpaPolicy } from './policy.ts'
import { withEvent } from './rate.ts'

/**
 * How many replicas a revision should have, as Kubernetes' HPA v2 decides it (one reconcile): a function of its
 * arguments. Called every 15 s.
 *
 * Where the revision's size cannot be read there is no observation, and `scaleUnknown` keeps the memory.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `reconcileAutoscaler`.
 */
export function decideHpa(policy: HpaPolicy, observation: HpaObservation, memory: HpaMemory): DecidedHpa {
  const { replicas: current } = observation
  const seen = look(policy, observation, memory)
  const isOurZero = isTrue(seen.conditions, 'ScaledToZero')
  if (current === 0 && !(isOurZero && (policy.minReplicas !== 0 || measuresAtZero(policy)))) {
    return decideDisabled(policy, observation, seen)
  }
  if (current > policy.maxReplicas) {
    const limits = [`max replicas ${policy.maxReplicas}`]
    return conclude(policy, observation, seen, { replicas: policy.maxReplicas, limits })
  }
  if (current > 0 && current < policy.minReplicas) {
    const limits = [`min replicas ${policy.minReplicas}`]
    return conclude(policy, observation, seen, { replicas: policy.minReplicas, limits })
  }
  const combined = combine(policy, observation, seen.conditions)
  const measured = { ...seen, conditions: combined.conditions }
  if (combined.replicas === undefined) {
    const limits = ['no metric can be used: nothing changes']
    return conclude(policy, observation, measured, { replicas: undefined, limits }, combined)
  }
  const normalized = normalize(policy, observation, measured, Math.max(0, combined.replicas))
  const raised = current === 0 ? atLeastMin(policy, normalized) : normalized
  return conclude(policy, observation, { ...measured, ...normalized.memory }, raised, combined)
}

/** The memory with what is known before anything is decided: a size that was never judged counts as recommended. */
function look(policy: HpaPolicy, { nowMs, replicas }: HpaObservation, memory: HpaMemory): HpaMemory {
  const { recommendations, conditions } = memory
  const known = policy.scaleToZero ? conditions : conditions.filter(({ type }) => type !== 'ScaledToZero')
  return {
    ...memory,
    recommendations: recommendations ?? [{ atMs: nowMs, replicas }],
    conditions: withCondition(known, ableToScale('True', 'SucceededGetScale')),
  }
}

/** Zero that somebody else ordered is left alone: it is how a workload is switched off. */
function decideDisabled(policy: HpaPolicy, observation: HpaObservation, memory: HpaMemory): DecidedHpa {
  const condition = { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled' } as const
  const disabled = { ...memory, conditions: withCondition(memory.conditions, condition) }
  const limits = ['scaling is disabled: somebody else ordered 0']
  return conclude(policy, observation, disabled, { replicas: 0, limits })
}

/** From zero `behavior` does not clamp to the minimum, as nothing is taken away. */
function atLeastMin({ minReplicas }: HpaPolicy, { replicas, limits }: Normalized): Outcome {
  if (replicas >= minReplicas) return { replicas, limits }
  return { replicas: minReplicas, limits: [...limits, `min replicas ${minReplicas}`] }
}

type Outcome = Pick<HpaDecision, 'replicas' | 'limits'>

function conclude(
  policy: HpaPolicy,
  observation: HpaObservation,
  memory: HpaMemory,
  { replicas, limits }: Outcome,
  combined?: Combined,
): DecidedHpa {
  const { nowMs, replicas: current } = observation
  const isRescale = replicas !== undefined && replicas !== current
  const conditions = isRescale ? rescaled(policy, memory.conditions, current, replicas) : memory.conditions
  const events = withEvent(memory, policy.behavior, { from: current, to: replicas ?? current, atMs: nowMs })
  const proposals = combined?.proposals ?? []
  return {
    decision: {
      class: 'hpa',
      atMs: nowMs,
      replicas,
      limits,
      inputs: {
        replicas: current,
        present: observation.present,
        metrics: policy.metrics.flatMap((metric, index) => {
          const proposal = proposals[index]
          return proposal === undefined ? [] : [inputOf(metric, proposal, combined?.binding === index)]
        }),
      },
      proposed: combined?.replicas,
      conditions,
      error: combined?.error,
    },
    memory: { ...memory, ...events, conditions },
    memoryIfRefused: {
      ...memory,
      conditions: withCondition(memory.conditions, ableToScale('False', 'FailedUpdateScale')),
    },
  }
}

/** Whether a zero is ours is remembered in a condition: only from such a zero the metrics may wake it. */
function rescaled(
  policy: HpaPolicy,
  conditions: readonly Condition[],
  current: number,
  replicas: number,
): readonly Condition[] {
  const done = withCondition(conditions, ableToScale('True', 'SucceededRescale'))
  if (!policy.scaleToZero) return done
  const isOurs = current > 0 && replicas === 0 && policy.minReplicas === 0 && measuresAtZero(policy)
  return withCondition(done, {
    type: 'ScaledToZero',
    status: isOurs ? 'True' : 'False',
    reason: isOurs ? 'ScaledToZero' : 'NotScaledToZero',
  })
}

/** The memory where it cannot be read how many replicas there are: nothing is decided, and nothing recommended. */
export function scaleUnknown(memory: HpaMemory): HpaMemory {
  return { ...memory, conditions: withCondition(memory.conditions, ableToScale('False', 'FailedGetScale')) }
}

function ableToScale(status: 'True' | 'False', reason: string): Condition {
  return { type: 'AbleToScale', status, reason }
}
