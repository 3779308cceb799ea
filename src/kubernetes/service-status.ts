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

/**
 * Why the model of a revision does not run, once for each reason: how it goes on is in the status. The word is that of
 * `lastFailureInfo`.
 */
export function failureEvent(
  before: unknown,
  { modelStatus }: InferenceServiceStatus,
): ServiceEvent | undefined {
  const info = modelStatus?.lastFailureInfo
  if (info === undefined) return undefined
  const was = lastFailureIn(before)
  if (was?.reason === info.reason && was.modelRevisionName === info.modelRevisionName) return undefined
  const of = info.modelRevisionName === undefined ? '' : `${info.modelRevisionName}: `
  return { type: 'Warning', reason: info.reason, message: `${of}${info.message}` }
}

function lastFailureIn(
  status: unknown,
): { readonly reason?: unknown; readonly modelRevisionName?: unknown } | undefined {
  if (typeof status !== 'object' || status === null || !('modelStatus' in status)) return undefined
  const { modelStatus } = status
  if (typeof modelStatus !== 'object' || modelStatus === null || !('lastFailureInfo' in modelStatus))
    return undefined
  const { lastFailureInfo } = modelStatus
  return typeof lastFailureInfo === 'object' && lastFailureInfo !== null ? lastFailureInfo : undefined
}

function conditionsIn(status: unknown): readonly Condition[] {
  if (typeof status !== 'object' || status === null || !('conditions' in status)) return []
  return Array.isArray(status.conditions) ? status.conditions : []
}
