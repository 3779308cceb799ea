import type { Estimate, Scale } from './estimate.ts'
import { bigintOf } from './milli.ts'
import type { HpaObservation, Reading } from './observation.ts'
import { averageEstimate, utilizationEstimate, type PodsSeen } from './per-pod.ts'
import type { Sample } from './pods.ts'
import { toleranceOf, type HpaMetric, type HpaPolicy } from './policy.ts'
import { externalValues, nameOf, objectValue, podSamples, resourceSamples } from './samples.ts'
import { nonNegativeSumOf, shareEstimate, sumOf, valueEstimate } from './total.ts'

/** What one metric proposes on its own. */
export type Proposal = Estimate & { readonly name: string; readonly failure?: FailureReason }

/** Of the condition ScalingActive, where the metric cannot say. */
export type FailureReason =
  | 'FailedGetResourceMetric'
  | 'FailedGetContainerResourceMetric'
  | 'FailedGetPodsMetric'
  | 'FailedGetObjectMetric'
  | 'FailedGetExternalMetric'
  | 'InvalidMetricSourceType'

/**
 * One metric's proposal; a metric that cannot say fails with Kubernetes' reason.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `computeReplicasForMetric`.
 */
export function propose(
  policy: HpaPolicy,
  metric: HpaMetric,
  reading: Reading | undefined,
  observation: HpaObservation,
): Proposal {
  const name = nameOf(metric)
  const estimate = estimateOf(policy, metric, reading, observation)
  return estimate.ok ? { ...estimate, name } : { ...estimate, name, failure: failureOf(metric) }
}

function failureOf({ type }: HpaMetric): FailureReason {
  return type === 'Invalid' ? 'InvalidMetricSourceType' : `FailedGet${type}Metric`
}

function estimateOf(
  policy: HpaPolicy,
  metric: HpaMetric,
  reading: Reading | undefined,
  observation: HpaObservation,
): Estimate {
  const scale: Scale = { replicas: observation.replicas, tolerance: toleranceOf(policy) }
  switch (metric.type) {
    case 'Resource':
    case 'ContainerResource':
      return resourceEstimate(policy, metric, reading, { observation, scale })
    case 'Pods': {
      const { averageValue } = metric.target
      if (averageValue === undefined)
        return failed('invalid pods metric source: no average value target was set')
      const samples = podSamples(reading)
      if (!samples.ok) return failed(`unable to get metric ${metric.metric}: ${samples.error}`)
      const seen = seenOf(policy, { observation, scale }, samples.value, undefined)
      return averageEstimate(seen, bigintOf(averageValue))
    }
    case 'Object':
      return objectEstimate(metric, reading, { observation, scale })
    case 'External':
      return externalEstimate(metric, reading, { observation, scale })
    case 'Invalid':
      return failed(metric.error)
    default:
      return metric satisfies never
  }
}

interface Situation {
  readonly observation: HpaObservation
  readonly scale: Scale
}

function resourceEstimate(
  policy: HpaPolicy,
  metric: Extract<HpaMetric, { readonly resource: string }>,
  reading: Reading | undefined,
  situation: Situation,
): Estimate {
  const { resource, container, target } = metric
  const { averageValue, averageUtilization } = target
  if (averageValue === undefined && averageUtilization === undefined) {
    const either = 'neither an average utilization target nor an average value (usage) target was set'
    return failed(`invalid resource metric source: ${either}`)
  }
  const samples = resourceSamples(reading, { resource, container })
  if (!samples.ok) return failed(`unable to get metrics for resource ${resource}: ${samples.error}`)
  const seen = seenOf(policy, situation, samples.value, resource)
  // Of both, the average value counts.
  if (averageValue !== undefined) return averageEstimate(seen, bigintOf(averageValue))
  const { podLevelResources } = policy
  const utilization = averageUtilization ?? 0
  return utilizationEstimate(seen, { resource, container, utilization, podLevelResources })
}

/** A target has to be of the type that it names. */
function objectEstimate(
  { metric, target }: Extract<HpaMetric, { readonly type: 'Object' }>,
  reading: Reading | undefined,
  { observation, scale }: Situation,
): Estimate {
  const whole = target.type === 'Value' ? target.value : undefined
  const average = target.type === 'AverageValue' ? target.averageValue : undefined
  if (whole === undefined && average === undefined) {
    return failed('invalid object metric source: neither a value target nor an average value target was set')
  }
  const value = objectValue(reading)
  if (!value.ok) return failed(`unable to get metric ${metric}: ${value.error}`)
  if (whole !== undefined) return valueEstimate(value.value, bigintOf(whole), scale, observation.pods)
  return shareEstimate(value.value, bigintOf(average ?? 0), observation.present, scale.tolerance)
}

/** An average value counts before a value, whatever type the target names. */
function externalEstimate(
  { metric, target }: Extract<HpaMetric, { readonly type: 'External' }>,
  reading: Reading | undefined,
  { observation, scale }: Situation,
): Estimate {
  const { averageValue, value } = target
  if (averageValue === undefined && value === undefined) {
    return failed(
      'invalid external metric source: neither a value target nor an average value target was set',
    )
  }
  const values = externalValues(reading)
  if (!values.ok) return failed(`unable to get external metric ${metric}: ${values.error}`)
  if (averageValue !== undefined) {
    const total = nonNegativeSumOf(values.value)
    return shareEstimate(total, bigintOf(averageValue), observation.present, scale.tolerance)
  }
  return valueEstimate(sumOf(values.value), bigintOf(value ?? 0), scale, observation.pods)
}

function seenOf(
  policy: HpaPolicy,
  { observation, scale }: Situation,
  samples: ReadonlyMap<string, Sample>,
  resource: string | undefined,
): PodsSeen {
  const { cpuInitializationPeriodMs, initialReadinessDelayMs } = policy
  const times = { nowMs: observation.nowMs, cpuInitializationPeriodMs, initialReadinessDelayMs }
  return { pods: observation.pods, samples, resource, times, scale }
}

function failed(error: string): Estimate {
  return { ok: false, error }
}
