import { z } from 'zod'
import { initialHpaMemory, type Condition, type HpaMemory } from '../../autoscaler/hpa/index.ts'

/** What a controller remembers, as the HPA vectors write it. */

const entries = z.array(z.object({ at_ms: z.number(), replicas: z.number() })).nullish()

export const historyShape = z.object({
  recommendations: entries,
  scale_up_events: entries,
  scale_down_events: entries,
})

export function memoryOf(history: z.infer<typeof historyShape>): HpaMemory {
  const eventsOf = (events: z.infer<typeof entries>) =>
    (events ?? []).map(({ at_ms, replicas }) => ({ atMs: at_ms, change: replicas }))
  return {
    ...initialHpaMemory,
    recommendations:
      history.recommendations?.map(({ at_ms, replicas }) => ({ atMs: at_ms, replicas })) ?? null,
    scaleUpEvents: eventsOf(history.scale_up_events),
    scaleDownEvents: eventsOf(history.scale_down_events),
  }
}

const conditionSchema = z.object({
  type: z.enum(['AbleToScale', 'ScalingActive', 'ScalingLimited', 'ScaledToZero']),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
})

/** @throws where it is no condition of an HPA. */
export function parseCondition(condition: unknown): Condition {
  return conditionSchema.parse(condition)
}

/** `AbleToScale=True:ReadyForNewScale` */
export function wordOf({
  type,
  status,
  reason,
}: {
  readonly type: string
  readonly status: string
  readonly reason: string
}): string {
  return `${type}=${status}:${reason}`
}
