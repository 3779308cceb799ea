import { INT32_MAX, int32Of } from './milli.ts'
import { keep, type HpaMemory, type ScaleEvent } from './memory.ts'
import type { HpaBehavior, ScalingPolicy, ScalingRules } from './policy.ts'

/**
 * How fast, and between which bounds.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `convertDesiredReplicasWithRules`,
 * `convertDesiredReplicasWithBehaviorRate`.
 */

export interface Limited {
  readonly replicas: number
  /** Of the condition ScalingLimited. */
  readonly reason:
    | 'DesiredWithinRange'
    | 'TooFewReplicas'
    | 'TooManyReplicas'
    | 'ScaleUpLimit'
    | 'ScaleDownLimit'
}

export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Without `behavior`: at most twice the current size, or 4, in one decision; down at any rate. */
export function limit(desired: number, current: number, { min, max }: Bounds): Limited {
  const rate = Math.max(2 * current, 4)
  if (desired < min) return { replicas: min, reason: 'TooFewReplicas' }
  if (desired > Math.min(max, rate)) {
    return max > rate
      ? { replicas: rate, reason: 'ScaleUpLimit' }
      : { replicas: max, reason: 'TooManyReplicas' }
  }
  return { replicas: desired, reason: 'DesiredWithinRange' }
}

export type Events = Pick<HpaMemory, 'scaleUpEvents' | 'scaleDownEvents'>

/** With `behavior`: at most what its policies allow, counted from the size at the start of each period. */
export function limitByBehavior(
  desired: number,
  current: number,
  { min, max }: Bounds,
  { scaleUp, scaleDown }: HpaBehavior,
  events: Events & { readonly nowMs: number },
): Limited {
  if (desired > current) {
    const rate = Math.max(highestOf(scaleUp, current, events), current)
    if (desired > Math.min(max, rate)) {
      return max > rate
        ? { replicas: rate, reason: 'ScaleUpLimit' }
        : { replicas: max, reason: 'TooManyReplicas' }
    }
  }
  if (desired < current) {
    const rate = Math.min(lowestOf(scaleDown, current, events), current)
    if (desired < Math.max(min, rate)) {
      return min < rate
        ? { replicas: rate, reason: 'ScaleDownLimit' }
        : { replicas: min, reason: 'TooFewReplicas' }
    }
  }
  return { replicas: desired, reason: 'DesiredWithinRange' }
}

/** 25 replicas and 12 % more: 28.000000000000004 in doubles, so 29, as in Kubernetes. */
function highestOf(
  rules: ScalingRules,
  current: number,
  events: Events & { readonly nowMs: number },
): number {
  if (rules.selectPolicy === 'Disabled') return current
  const proposals = rules.policies.map((policy) => {
    const start = startOf(policy, current, events)
    return policy.type === 'Pods'
      ? // Kubernetes adds 32-bit integers: beyond the largest the sum is negative, and nothing is added.
        (start + policy.value) | 0
      : int32Of(Math.ceil(start * (1 + policy.value / 100)))
  })
  return rules.selectPolicy === 'Min' ? Math.min(INT32_MAX, ...proposals) : Math.max(-INT32_MAX, ...proposals)
}

/** Of several policies `Max` is the largest change: the lowest number. */
function lowestOf(rules: ScalingRules, current: number, events: Events & { readonly nowMs: number }): number {
  if (rules.selectPolicy === 'Disabled') return current
  const proposals = rules.policies.map((policy) => {
    const start = startOf(policy, current, events)
    return policy.type === 'Pods'
      ? (start - policy.value) | 0
      : int32Of(Math.trunc(start * (1 - policy.value / 100)))
  })
  return rules.selectPolicy === 'Min' ? Math.max(-INT32_MAX, ...proposals) : Math.min(INT32_MAX, ...proposals)
}

/** The size at the start of the policy's period: what was added since is taken off, what was removed is added. */
function startOf(
  { periodMs }: ScalingPolicy,
  current: number,
  { scaleUpEvents, scaleDownEvents, nowMs }: Events & { readonly nowMs: number },
): number {
  const changed = (events: readonly ScaleEvent[]): number =>
    events.reduce((sum, { atMs, change }) => (atMs > nowMs - periodMs ? sum + change : sum), 0)
  return current - changed(scaleUpEvents) + changed(scaleDownEvents)
}

/** The events with a change of size that was made now. Without `behavior` none are kept. */
export function withEvent(
  events: Events,
  behavior: HpaBehavior | undefined,
  { from, to, atMs }: { readonly from: number; readonly to: number; readonly atMs: number },
): Events {
  const { scaleUpEvents, scaleDownEvents } = events
  if (behavior === undefined || from === to) return { scaleUpEvents, scaleDownEvents }
  const longestMs = Math.max(
    0,
    ...(to > from ? behavior.scaleUp : behavior.scaleDown).policies.map(({ periodMs }) => periodMs),
  )
  const event: ScaleEvent = { atMs, change: Math.abs(to - from) }
  const isOutdated = (each: ScaleEvent): boolean => each.atMs < atMs - longestMs
  return to > from
    ? { scaleUpEvents: keep(scaleUpEvents, event, isOutdated), scaleDownEvents }
    : { scaleUpEvents, scaleDownEvents: keep(scaleDownEvents, event, isOutdated) }
}
