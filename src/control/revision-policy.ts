import {
  hpaPolicyOf,
  llmPolicyOf,
  policyOf,
  validateAnnotations,
  validateHpa,
  validateLlm,
  type AutoscalerConfig,
  type HpaMetricSpec,
  type Policy,
} from '../../autoscaler/index.ts'
import { SHARE_METRICS } from '../core/measurements.ts'
import type { MetricTarget, Revision, ScalingMetric, ScalingSpec } from '../core/revision.ts'

const INT32_MAX = 2 ** 31 - 1

export interface RevisionPolicySource {
  readonly config: AutoscalerConfig
  readonly progressDeadlineMs: number
  /** In place of the revision's own: canaries change it. */
  readonly minScale?: number | undefined
}

/**
 * How a revision scales, as its template says.
 * @throws LlmPolicyError for class llm where an annotation cannot be read: admission lets none through.
 */
export function revisionPolicyOf(revision: Revision, source: RevisionPolicySource): Policy {
  const { scaling, limits } = revision.template
  const { containerConcurrency } = limits
  const { config, progressDeadlineMs, minScale } = source
  const annotations =
    minScale === undefined
      ? scaling.annotations
      : { ...scaling.annotations, 'autoscaling.knative.dev/min-scale': String(minScale) }
  const common = { annotations, containerConcurrency, config, progressDeadlineMs }
  switch (scaling.class) {
    case 'hpa':
      return policyOf({ ...common, class: 'hpa', hpa: hpaOf(scaling, config) })
    case 'llm':
      return policyOf({ ...common, class: 'llm', llm: llmPolicyOf(annotations, { containerConcurrency }) })
    case 'kpa':
    case 'fixed':
    case 'external':
      return policyOf({ ...common, class: scaling.class })
    default:
      return scaling.class satisfies never
  }
}

/** What is wrong with how a component is to be scaled, each with its field, its value and what is allowed. */
export function scalingProblems(scaling: ScalingSpec, config: AutoscalerConfig): readonly string[] {
  const { annotations, class: kind } = scaling
  return [
    ...validateAnnotations(annotations, config),
    ...(kind === 'llm' ? validateLlm(annotations) : []),
    ...(kind === 'hpa' ? hpaProblems(scaling) : []),
  ]
}

/** What an API server would say of a HorizontalPodAutoscaler with these metrics and this behavior. */
function hpaProblems({ metrics = [], behavior }: ScalingSpec): readonly string[] {
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'revision' },
    minReplicas: 1,
    maxReplicas: INT32_MAX,
    metrics: metrics.map(hpaMetricOf),
    behavior,
  }
  const verdict = validateHpa({ metadata: { name: 'revision' }, spec })
  if (verdict.accepted) return []
  if ('decodeError' in verdict) return [`autoScaling: ${verdict.decodeError}`]
  return verdict.causes.map(({ field, message }) => `${field.replace(/^spec\./, 'autoScaling.')}: ${message}`)
}

/** Bounds come from the annotations, as for every class; these are the ones for where they are silent. */
function hpaOf({ metrics = [], behavior }: ScalingSpec, { minScale, maxScale }: AutoscalerConfig) {
  return hpaPolicyOf({
    minReplicas: minScale,
    maxReplicas: maxScale === 0 ? INT32_MAX : maxScale,
    metrics: metrics.map(hpaMetricOf),
    behavior,
  })
}

/**
 * The metric as an HPA has it. What replicas say of themselves is `Pods`, which has only averages; what is asked of
 * somebody else is `External`.
 */
function hpaMetricOf(metric: ScalingMetric): HpaMetricSpec {
  switch (metric.kind) {
    case 'resource':
      return { type: 'Resource', resource: { name: metric.resource, target: shareable(metric.target) } }
    case 'replica': {
      const isPercent = metric.target.type === 'Utilization' && SHARE_METRICS.has(metric.metric)
      const value = isPercent ? `${Number(metric.target.value) * 10}m` : metric.target.value
      return { type: 'Pods', pods: { metric: { name: metric.metric }, target: averageOf(value) } }
    }
    case 'series':
      return {
        type: 'Pods',
        pods: { metric: { name: metric.query }, target: averageOf(metric.target.value) },
      }
    case 'gateway':
      // A mean time is not divided among replicas.
      return external(
        metric.metric,
        metric.metric === 'queue-wait' ? { ...metric.target, type: 'Value' } : metric.target,
      )
    case 'prometheus':
      return external(metric.query, metric.target)
    default:
      return metric satisfies never
  }
}

type TargetSpec = NonNullable<NonNullable<HpaMetricSpec['external']>['target']>

function averageOf(value: string | number): TargetSpec {
  return { type: 'AverageValue', averageValue: value }
}

function shareable({ type, value }: MetricTarget): TargetSpec {
  return type === 'Utilization' ? { type, averageUtilization: Number(value) } : averageOf(value)
}

function external(name: string, { type, value }: MetricTarget): HpaMetricSpec {
  const target: TargetSpec = type === 'Value' ? { type, value } : averageOf(value)
  return { type: 'External', external: { metric: { name }, target } }
}
