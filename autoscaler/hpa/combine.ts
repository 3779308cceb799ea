import { withCondition, type Condition } from './conditions.ts'
import type { HpaObservation } from './observation.ts'
import type { HpaPolicy } from './policy.ts'
import { propose, type Proposal } from './propose.ts'

/** What all metrics say together. */
export interface Combined {
  /** undefined: unusable, so nothing may be changed. */
  readonly replicas: number | undefined
  /** Which of the metrics gave the number. */
  readonly binding: number | undefined
  readonly proposals: readonly Proposal[]
  readonly conditions: readonly Condition[]
  /** Something failed, also where the rest was enough for a number. */
  readonly error: string | undefined
}

/**
 * The largest proposal wins; of equal ones the first. A metric that fails does not hold up growth, for the
 * others already ask for it, but it does forbid to shrink: it might have asked for more.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `computeReplicasForMetrics`.
 */
export function combine(
  policy: HpaPolicy,
  observation: HpaObservation,
  conditions: readonly Condition[],
): Combined {
  const { selectorProblem } = observation
  if (selectorProblem !== undefined) {
    const { reason, error } = selectorProblem
    return { ...nothing, conditions: inactive(conditions, reason), error }
  }
  const proposals = policy.metrics.map((metric, index) =>
    propose(policy, metric, observation.readings[index], observation),
  )
  let replicas = 0
  let binding: number | undefined
  for (const [index, proposal] of proposals.entries()) {
    if (!proposal.ok || (replicas !== 0 && proposal.replicas <= replicas)) continue
    replicas = proposal.replicas
    binding = index
  }
  const failures = proposals.filter((proposal) => !proposal.ok)
  const [first] = failures
  const error =
    first === undefined
      ? undefined
      : `invalid metrics (${failures.length} invalid out of ${proposals.length}), first error is: ${first.error}`
  const isUnusable =
    failures.length === proposals.length || (failures.length > 0 && replicas < observation.replicas)
  if (isUnusable && first !== undefined) {
    const reason = first.failure ?? 'InvalidMetricSourceType'
    return { ...nothing, proposals, conditions: inactive(conditions, reason), error }
  }
  const active = { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' } as const
  return { replicas, binding, proposals, conditions: withCondition(conditions, active), error }
}

const nothing = { replicas: undefined, binding: undefined, proposals: [] } as const

function inactive(conditions: readonly Condition[], reason: string): readonly Condition[] {
  return withCondition(conditions, { type: 'ScalingActive', status: 'False', reason })
}
