import { bigintOf, isMilli, wrapInt64, type Milli } from './milli.ts'
import type { HpaMetric } from './policy.ts'
import type { PodUsage, Reading } from './observation.ts'
import type { Sample } from './pods.ts'

/** The numbers of a reading, or why there are none. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string }

/** Samples by pod. A pod counts when each of its containers has the resource, or the one that is asked for. */
export function resourceSamples(
  reading: Reading | undefined,
  { resource, container }: { readonly resource: string; readonly container?: string | undefined },
): Read<Map<string, Sample>> {
  const answer = answerOf(reading, 'resource')
  if (!answer.ok) return answer
  const { pods } = answer.value
  if (pods.length === 0) return { ok: false, error: 'no metrics returned from resource metrics API' }
  const wrong = amountsOf(pods, resource).find((amount) => !isMilli(amount))
  if (wrong !== undefined) return notAnAmount(wrong)
  const samples = new Map<string, Sample>()
  for (const usage of pods) {
    const value = usageOf(usage, resource, container)
    if (value !== undefined) {
      samples.set(usage.pod, { value, atMs: usage.atMs, windowMs: usage.windowMs })
    }
  }
  return { ok: true, value: samples }
}

function amountsOf(pods: readonly PodUsage[], resource: string): Milli[] {
  return pods.flatMap(({ containers }) => containers.flatMap(({ usage }) => usage[resource] ?? []))
}

function usageOf({ containers }: PodUsage, resource: string, container?: string): bigint | undefined {
  const asked =
    container === undefined ? containers : containers.filter(({ name }) => name === container).slice(0, 1)
  if (asked.length === 0) return undefined
  let sum = 0n
  for (const { usage } of asked) {
    const amount = usage[resource]
    if (amount === undefined) return undefined
    sum = wrapInt64(sum + bigintOf(amount))
  }
  return sum
}

export function podSamples(reading: Reading | undefined): Read<Map<string, Sample>> {
  const answer = answerOf(reading, 'pods')
  if (!answer.ok) return answer
  const { values } = answer.value
  if (values.length === 0) return { ok: false, error: 'no metrics returned from custom metrics API' }
  const wrong = values.find(({ value }) => !isMilli(value))
  if (wrong !== undefined) return notAnAmount(wrong.value)
  const entries = values.map(
    ({ pod, value }) => [pod, { value: bigintOf(value), atMs: 0, windowMs: 0 }] as const,
  )
  return { ok: true, value: new Map(entries) }
}

export function objectValue(reading: Reading | undefined): Read<bigint> {
  const answer = answerOf(reading, 'object')
  if (!answer.ok) return answer
  const { value } = answer.value
  return isMilli(value) ? { ok: true, value: bigintOf(value) } : notAnAmount(value)
}

export function externalValues(reading: Reading | undefined): Read<readonly bigint[]> {
  const answer = answerOf(reading, 'external')
  if (!answer.ok) return answer
  const { values } = answer.value
  if (values.length === 0) return { ok: false, error: 'no metrics returned from external metrics API' }
  const wrong = values.find((value) => !isMilli(value))
  return wrong === undefined ? { ok: true, value: values.map(bigintOf) } : notAnAmount(wrong)
}

type Answer<K extends Reading['kind']> = Extract<Reading, { readonly kind: K }>

function answerOf<K extends Reading['kind']>(reading: Reading | undefined, kind: K): Read<Answer<K>> {
  if (reading === undefined) return { ok: false, error: 'was not read' }
  if (isOf(reading, kind)) return { ok: true, value: reading }
  if (reading.kind === 'unavailable') return { ok: false, error: reading.error }
  return { ok: false, error: `got a reading of kind ${reading.kind}, and ${kind} was asked for` }
}

function isOf<K extends Reading['kind']>(reading: Reading, kind: K): reading is Answer<K> {
  return reading.kind === kind
}

function notAnAmount(value: Milli): { readonly ok: false; readonly error: string } {
  return { ok: false, error: `${value} is no amount: a whole number of thousandths is` }
}

/** What a metric is called in a decision; Kubernetes' words, without selectors. */
export function nameOf(metric: HpaMetric): string {
  switch (metric.type) {
    case 'Resource':
      return metric.target.averageValue === undefined
        ? `${metric.resource} resource utilization (percentage of request)`
        : `${metric.resource} resource`
    case 'ContainerResource':
      return metric.target.averageValue === undefined
        ? `${metric.resource} container resource utilization (percentage of request)`
        : `${metric.resource} resource`
    case 'Pods':
      return `pods metric ${metric.metric}`
    case 'Object':
      return metric.target.type === 'AverageValue'
        ? `external metric ${metric.metric}`
        : `${metric.kind} metric ${metric.metric}`
    case 'External':
      return `external metric ${metric.metric}`
    case 'Invalid':
      return 'invalid'
    default:
      return metric satisfies never
  }
}
