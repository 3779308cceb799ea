import { rfc3339 } from '../core/clock.ts'
import type { Condition, InferenceServiceStatus } from '../core/status.ts'

/** An event about a service, in KServe's words. */
export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/**
 * The status of a service whose present spec we refuse. What was accepted before goes on and keeps its status; the
 * refusal stands beside it. One that was never accepted is not ready.
 */
export function refusedStatus(input: {
  readonly reached: InferenceServiceStatus | undefined
  /** `status` as it stands in the cluster. */
  readonly before: unknown
  readonly message: string
  readonly nowMs: number
}): InferenceServiceStatus {
  const { reached, before, message, nowMs } = input
  const type = reached === undefined ? 'Ready' : 'SpecAccepted'
  const standing = conditionsIn(before).find((condition) => condition.type === type)
  const condition: Condition = {
    type,
    status: 'False',
    ...(reached === undefined ? {} : { severity: 'Info' }),
    reason: 'InvalidSpec',
    message,
    lastTransitionTime:
      standing?.status === 'False' ? standing.lastTransitionTime : rfc3339(Math.floor(nowMs / 1000) * 1000),
  }
  if (reached !== undefined) return { ...reached, conditions: [...(reached.conditions ?? []), condition] }
  return {
    conditions: [condition],
    modelStatus: {
      transitionStatus: 'InvalidSpec',
      lastFailureInfo: { reason: 'InvalidPredictorSpec', message },
    },
  }
}

/** What KServe's controller says when a service becomes ready, or is no longer. */
export function readinessEvent(
  name: string,
  before: unknown,
  { conditions = [] }: InferenceServiceStatus,
): ServiceEvent | undefined {
  const was = conditionsIn(before).find(({ type }) => type === 'Ready')?.status
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (ready === undefined || ready.status === was) return undefined
  if (ready.status === 'True') {
    return { type: 'Normal', reason: 'InferenceServiceReady', message: `InferenceService [${name}] is Ready` }
  }
  if (was !== 'True') return undefined
  const failed = conditions.filter(({ type, status }) => type !== 'Ready' && status === 'False')
  const why = failed.map(({ type }) => type).join(', ')
  return {
    type: 'Warning',
    reason: 'InferenceServiceNotReady',
    message: `InferenceService [${name}] is no longer Ready because of: ${why || (ready.message ?? ready.reason ?? '')}`,
  }
}

function conditionsIn(status: unknown): readonly Condition[] {
  if (typeof status !== 'object' || status === null || !('conditions' in status)) return []
  return Array.isArray(status.conditions) ? status.conditions : []
}
