import { z } from 'zod'
import type { HpaMetricSpec, HpaObservation, Reading } from '../../autoscaler/hpa/index.ts'
import { parseSelector } from './hpa-selector.ts'
import {
  externalMetric,
  externalReading,
  milli,
  NOW_MS,
  objectMetric,
  objectReading,
  podOf,
  podShape,
  podsMetric,
  podsReading,
  quantityOf,
  resourceMetrics,
  resourceReading,
} from './hpa-shapes.ts'

/** A cluster as one reconcile finds it, and what each metric of an HPA reads in it. */

export const metricShape = z.object({
  type: z.string(),
  name: z.string().nullish(),
  container: z.string().nullish(),
  described_object: z.object({ kind: z.string(), name: z.string() }).nullish(),
  target: z
    .object({
      type: z.string().nullish(),
      average_utilization: z.number().nullish(),
      value_milli: milli.nullish(),
      average_value_milli: milli.nullish(),
    })
    .nullish(),
  invalid_metric_selector: z.boolean().nullish(),
})
type Metric = z.infer<typeof metricShape>

export const stateShape = z.object({
  spec_replicas: z.number(),
  status_replicas: z.number(),
  selector: z.string(),
  pods: z.array(podShape).nullish(),
  resource_metrics: resourceMetrics.nullish(),
  pods_metrics: z.record(z.string(), podsMetric).nullish(),
  object_metrics: z
    .array(objectMetric.extend({ metric: z.string(), kind: z.string(), name: z.string() }))
    .nullish(),
  external_metrics: z.record(z.string(), externalMetric).nullish(),
  scale_get_error: z.string().nullish(),
  scale_update_error: z.string().nullish(),
  other_hpa_selectors: z.array(z.string()).nullish(),
})
type State = z.infer<typeof stateShape>

export function metricSpec({ type, name, container, described_object, target }: Metric): HpaMetricSpec {
  const targetSpec = {
    type: target?.type ?? undefined,
    averageUtilization: target?.average_utilization ?? undefined,
    averageValue: target?.average_value_milli == null ? undefined : quantityOf(target.average_value_milli),
    value: target?.value_milli == null ? undefined : quantityOf(target.value_milli),
  }
  const named = name ?? ''
  const metric = { name: named }
  switch (type) {
    case 'Resource':
      return { type, resource: { name: named, target: targetSpec } }
    case 'ContainerResource':
      return {
        type,
        containerResource: { name: named, container: container ?? '', target: targetSpec },
      }
    case 'Pods':
      return { type, pods: { metric, target: targetSpec } }
    case 'Object':
      return {
        type,
        object: {
          metric,
          describedObject: described_object ?? { kind: '', name: '' },
          target: targetSpec,
        },
      }
    case 'External':
      return { type, external: { metric, target: targetSpec } }
    default:
      return { type }
  }
}

/** Without metrics the default is read: cpu. */
const defaultMetrics: readonly Metric[] = [{ type: 'Resource', name: 'cpu' }]

export function observationOf(state: State, metrics: readonly Metric[] | null | undefined): HpaObservation {
  const selector = parseSelector(state.selector)
  const pods = (state.pods ?? []).filter((pod) => selector?.(pod.labels ?? { app: 'web' }) === true)
  const others = (state.other_hpa_selectors ?? []).map(parseSelector)
  const isShared = pods.some((pod) => others.some((other) => other?.(pod.labels ?? { app: 'web' }) === true))
  const read = metrics == null || metrics.length === 0 ? defaultMetrics : metrics
  const problem =
    state.selector === ''
      ? ({ reason: 'InvalidSelector', error: 'selector is required' } as const)
      : selector === undefined
        ? ({ reason: 'InvalidSelector', error: `${state.selector} cannot be read` } as const)
        : isShared
          ? ({ reason: 'AmbiguousSelector', error: 'another HPA has these pods too' } as const)
          : undefined
  return {
    nowMs: NOW_MS,
    replicas: state.spec_replicas,
    present: state.status_replicas,
    pods: pods.map(podOf),
    readings: read.map((metric) => readingOf(state, metric)),
    ...(problem === undefined ? {} : { selectorProblem: problem }),
  }
}

function readingOf(state: State, { type, name, described_object, invalid_metric_selector }: Metric): Reading {
  if (invalid_metric_selector === true) {
    return { kind: 'unavailable', error: '"Bogus" is not a valid label selector operator' }
  }
  const metric = name ?? ''
  switch (type) {
    case 'Pods':
      return podsReading(state.pods_metrics?.[metric])
    case 'Object':
      return objectReading(
        state.object_metrics?.find(
          (each) =>
            each.metric === metric &&
            each.kind === described_object?.kind &&
            each.name === described_object.name,
        ),
      )
    case 'External':
      return externalReading(state.external_metrics?.[metric])
    default:
      return resourceReading(state.resource_metrics)
  }
}
