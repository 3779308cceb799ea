import { autoscalerClassKey, knativeClassKey, knativeHpaClass, type DeploymentMode } from './keys.ts'
import { quantityOf } from './quantity.ts'
import type { AutoScaling, Extension, MetricTarget } from './schema/inference-service.ts'

/**
 * What KServe's validating webhook says of a component's scaling fields; undefined = nothing. The slips of
 * the original are kept, for people compare the two. Source: validateAutoScalingCompExtension.
 */
export function scalingError(
  annotations: Readonly<Record<string, string>>,
  mode: DeploymentMode,
  component: Extension,
): string | undefined {
  if (mode === 'Standard') {
    const autoscaler = annotations[autoscalerClassKey]
    if (autoscaler === 'hpa') return hpaError(component)
    if (autoscaler === 'keda') return kedaError(component)
    // Without the annotation KServe makes an HPA all the same, and checks nothing.
    return undefined
  }
  return annotations[knativeClassKey] === knativeHpaClass ? hpaError(component) : kpaError(component)
}

const percentError = 'the target utilization percentage should be a [1-100] integer'

function kpaError({ scaleMetric, scaleTarget }: Extension): string | undefined {
  if (scaleMetric === 'cpu' || scaleMetric === 'memory') return `[${scaleMetric}] is not a supported metric`
  if (scaleMetric === 'rps' && scaleTarget !== undefined && scaleTarget < 1) {
    return 'the target for rps should be greater than 1'
  }
  return undefined
}

function hpaError({ scaleMetric = 'cpu', scaleTarget, autoScaling }: Extension): string | undefined {
  if (scaleMetric !== 'cpu' && scaleMetric !== 'memory') return `[${scaleMetric}] is not a supported metric`
  if (scaleTarget !== undefined) {
    // As in `metric == cpu && target < 1 || target > 100`: the upper bound holds for memory too.
    if ((scaleMetric === 'cpu' && scaleTarget < 1) || scaleTarget > 100) return percentError
    if (scaleMetric === 'memory' && scaleTarget < 1) return 'the target memory should be greater than 1 MiB'
  }
  return firstError(autoScaling, (metric) => {
    if (metric.type !== 'Resource') {
      return `invalid HPA metric source type with value [${metric.type}],valid metric source types are Resource`
    }
    if (metric.resource === undefined) return 'metricSpec.Resource is not set for resource metric source type'
    const { name, target } = metric.resource
    if (name === 'cpu') return percentOutOfRange(target) ? percentError : undefined
    return belowOneMebibyte(target) ? 'the target memory should be greater than 1 MiB' : undefined
  })
}

function kedaError({ scaleMetric, autoScaling }: Extension): string | undefined {
  if (scaleMetric !== undefined) return 'ScaleMetric is not supported for KEDA'
  return firstError(autoScaling, (metric) => {
    if (metric.type === 'Resource') return kedaResourceError(metric.resource)
    const source = metric.type === 'External' ? metric.external : metric.podmetric
    if (source === undefined) {
      return metric.type === 'External'
        ? 'metricSpec.External is not set for external metric source type'
        : 'metricSpec.PodMetric is not set for pod metric source type'
    }
    if ((source.metric?.query ?? '') === '') return 'the query should not be empty'
    return source.target?.value === undefined ? 'the target threshold value should not be empty' : undefined
  })
}

function kedaResourceError(resource: Metric['resource']): string | undefined {
  if (resource === undefined) return 'metricSpec.Resource is not set for resource metric source type'
  const { name, target } = resource
  if (name === 'cpu') {
    if (target?.type !== 'Utilization') return 'the cpu target value type should be Utilization'
    return percentOutOfRange(target) ? percentError : undefined
  }
  if (target?.type === 'AverageValue') {
    return belowOneMebibyte(target) ? 'the memory target value should be greater than 1 MiB' : undefined
  }
  if (target?.type !== 'Utilization')
    return 'the memory target value type should be AverageValue or Utilization'
  return target.averageUtilization === undefined ? 'the AverageUtilization type should be set' : undefined
}

type Metric = NonNullable<AutoScaling['metrics']>[number]

function firstError(
  autoScaling: AutoScaling | undefined,
  check: (metric: Metric) => string | undefined,
): string | undefined {
  for (const metric of autoScaling?.metrics ?? []) {
    const error = check(metric)
    if (error !== undefined) return error
  }
  return undefined
}

function percentOutOfRange(target: MetricTarget | undefined): boolean {
  const percent = target?.averageUtilization
  return percent !== undefined && (percent < 1 || percent > 100)
}

function belowOneMebibyte(target: MetricTarget | undefined): boolean {
  const value = target?.averageValue
  return value !== undefined && quantityOf(String(value)) < 2 ** 20
}
