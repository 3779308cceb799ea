import type { ScalingSpec } from '../core/revision.ts'
import {
  autoscalerClassKey,
  knativeClassKey,
  knativeHpaClass,
  knativeMetricKey,
  knativeTargetKey,
  legacyMetricKeys,
  legacyTargetKey,
  progressDeadlineKey,
  type DeploymentMode,
} from './keys.ts'
import { knativeAnnotations } from './knative.ts'
import type { Extension } from './schema/inference-service.ts'

/** How a component scales with us, and what it asked for that we do not measure. */
export interface ComponentScaling {
  readonly scaling: ScalingSpec
  /** `gpu-utilization`, with the field that says so. */
  readonly unmeasured?: { readonly metric: string; readonly target: string; readonly field: string }
}

const INITIAL_SCALE = 'autoscaling.knative.dev/initial-scale'

/**
 * KServe's scaling fields as the annotations that our autoscaler reads. A metric that is not measured yet
 * gives way to concurrency at its default target: its own target would mean something else there.
 */
export function scalingOf(
  component: Extension,
  serviceAnnotations: Readonly<Record<string, string>>,
  mode: DeploymentMode,
  path: string,
  allowZeroInitialScale = false,
): ComponentScaling {
  const annotations = knativeAnnotations(component, serviceAnnotations)
  const initial = component.annotations?.[INITIAL_SCALE] ?? serviceAnnotations[INITIAL_SCALE]
  if (allowZeroInitialScale && initial === '0') annotations[INITIAL_SCALE] = initial
  const autoscaler = serviceAnnotations[autoscalerClassKey]
  const isFixed = mode === 'Standard' && (autoscaler === 'none' || autoscaler === 'external')
  const unmeasured = isFixed ? undefined : unmeasuredMetric(component, serviceAnnotations, mode, path)
  const deadline = component.annotations?.[progressDeadlineKey] ?? serviceAnnotations[progressDeadlineKey]
  if (deadline !== undefined) annotations[progressDeadlineKey] = deadline
  delete annotations[knativeClassKey]
  if (unmeasured !== undefined) {
    delete annotations[knativeMetricKey]
    delete annotations[knativeTargetKey]
  }
  return {
    scaling: { class: isFixed ? 'fixed' : 'kpa', annotations },
    ...(unmeasured === undefined ? {} : { unmeasured }),
  }
}

export function unmeasuredWarning({ metric, field }: NonNullable<ComponentScaling['unmeasured']>): string {
  return `${field}: ${metric} is not measured yet; it is scaled on concurrency with the default target instead`
}

function unmeasuredMetric(
  component: Extension,
  annotations: Readonly<Record<string, string>>,
  mode: DeploymentMode,
  path: string,
): ComponentScaling['unmeasured'] {
  const { scaleMetric, scaleTarget, autoScaling } = component
  const target = scaleTarget === undefined ? 'default' : String(scaleTarget)
  if (scaleMetric === 'cpu' || scaleMetric === 'memory') {
    return { metric: scaleMetric, target, field: `${path}.scaleMetric` }
  }
  if (scaleMetric !== undefined) return undefined
  const [metric] = autoScaling?.metrics ?? []
  if (metric !== undefined) {
    const { resource, external, podmetric } = metric
    const name = resource?.name ?? external?.metric?.query ?? podmetric?.metric?.query ?? metric.type
    const asked = (resource ?? external ?? podmetric)?.target
    const value = asked?.value ?? asked?.averageValue ?? asked?.averageUtilization ?? 'default'
    return { metric: name, target: String(value), field: `${path}.autoScaling.metrics[0]` }
  }
  const given = { ...annotations, ...component.annotations }
  const key = [knativeMetricKey, ...legacyMetricKeys].find((name) => given[name] !== undefined)
  const named = key === undefined ? undefined : given[key]
  if (key !== undefined && named !== undefined && named !== 'concurrency' && named !== 'rps') {
    const legacy = key === knativeMetricKey ? given[knativeTargetKey] : given[legacyTargetKey]
    return { metric: named, target: legacy ?? 'default', field: `metadata.annotations[${key}]` }
  }
  if (given[knativeClassKey] === knativeHpaClass && named === undefined) {
    return { metric: 'cpu', target, field: `metadata.annotations[${knativeClassKey}]` }
  }
  // In Standard mode a target without a metric is a percentage of the CPU.
  return mode === 'Standard' && scaleTarget !== undefined
    ? { metric: 'cpu', target, field: `${path}.scaleTarget` }
    : undefined
}
