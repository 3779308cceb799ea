import { withCondition, type Condition } from './conditions.ts'
import type { HpaMemory, Recommendation } from './memory.ts'
import type { HpaObservation } from './observation.ts'
import type { HpaPolicy } from './policy.ts'
import { limit, limitByBehavior, type Limited } from './rate.ts'
import { stabilize, stabilizeByBehavior, type Stabilized } from './stabilize.ts'

/** What is left of a proposal after the windows, the rates and the bounds. */
export interface Normalized {
  readonly replicas: number
  readonly limits: readonly string[]
  readonly memory: Pick<HpaMemory, 'recommendations' | 'conditions'>
}

/**
 * First what was recommended before, then how fast and how far.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `normalizeDesiredReplicas`,
 * `normalizeDesiredReplicasWithBehaviors`.
 */
export function normalize(
  policy: HpaPolicy,
  { nowMs, replicas: current }: HpaObservation,
  memory: HpaMemory,
  proposed: number,
): Normalized {
  const { behavior, downscaleStabilizationMs } = policy
  const bounds = { min: policy.minReplicas, max: policy.maxReplicas }
  const recommended: Recommendation = { atMs: nowMs, replicas: proposed }
  const remembered = memory.recommendations ?? []
  const stabilized =
    behavior === undefined
      ? stabilize(recommended, remembered, downscaleStabilizationMs)
      : stabilizeByBehavior(recommended, remembered, current, behavior)
  const limited =
    behavior === undefined
      ? limit(stabilized.replicas, current, bounds)
      : limitByBehavior(stabilized.replicas, current, bounds, behavior, { ...memory, nowMs })
  const able: Condition = {
    type: 'AbleToScale',
    status: 'True',
    reason: stabilized.reason ?? 'ReadyForNewScale',
  }
  const scalingLimited: Condition = {
    type: 'ScalingLimited',
    status: limited.replicas === stabilized.replicas ? 'False' : 'True',
    reason: limited.reason,
  }
  return {
    replicas: limited.replicas,
    limits: [
      ...stabilizationOf(stabilized, policy),
      ...(limited.replicas === stabilized.replicas ? [] : [`${words[limited.reason]} ${limited.replicas}`]),
    ],
    memory: {
      recommendations: stabilized.recommendations,
      conditions: withCondition(withCondition(memory.conditions, able), scalingLimited),
    },
  }
}

/** What the windows held back. */
function stabilizationOf(
  { replicas, reason }: Stabilized,
  { behavior, downscaleStabilizationMs }: HpaPolicy,
): string[] {
  const upMs = behavior?.scaleUp.stabilizationWindowMs ?? 0
  const downMs = behavior?.scaleDown.stabilizationWindowMs ?? downscaleStabilizationMs
  if (reason === undefined) return []
  return reason === 'ScaleUpStabilized'
    ? [`scale-up stabilization ${upMs / 1000} s: not above ${replicas}`]
    : [`scale-down stabilization ${downMs / 1000} s: not below ${replicas}`]
}

const words = {
  TooFewReplicas: 'min replicas',
  TooManyReplicas: 'max replicas',
  ScaleUpLimit: 'scale-up rate: not above',
  ScaleDownLimit: 'scale-down rate: not below',
  DesiredWithinRange: 'within range',
} as const satisfies Record<Limited['reason'], string>
