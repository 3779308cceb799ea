import {
  knativeAutoscaling,
  knativeClassKey,
  knativeHpaClass,
  knativeMaxScaleKey,
  knativeMetricKey,
  knativeMinScaleKey,
  knativeTargetKey,
} from './keys.ts'
import type { Extension } from './schema/inference-service.ts'

/** How many replicas and on what, as text for people; '' where it does not apply. */
export interface ScalingView {
  readonly autoscaler: string
  readonly min: string
  readonly max: string
  readonly metric: string
  readonly target: string
}

/**
 * The `autoscaling.knative.dev/*` annotations of a revision: those of the service and the component, with
 * the spec's own fields over them. Source: KServe's ksvc reconciler and SetAutoScalingAnnotations.
 */
export function knativeAnnotations(
  component: Extension,
  serviceAnnotations: Readonly<Record<string, string>>,
): Record<string, string> {
  const given = { ...serviceAnnotations, ...component.annotations }
  const annotations = Object.fromEntries(
    Object.entries(given).filter(([key]) => key.startsWith(knativeAutoscaling)),
  )
  delete annotations[knativeMaxScaleKey]
  annotations[knativeMinScaleKey] = String(component.minReplicas ?? 1)
  if ((component.maxReplicas ?? 0) !== 0) annotations[knativeMaxScaleKey] = String(component.maxReplicas)
  if (component.scaleTarget !== undefined) annotations[knativeTargetKey] = String(component.scaleTarget)
  if (component.scaleMetric !== undefined) annotations[knativeMetricKey] = component.scaleMetric
  const initialKey = `${knativeAutoscaling}initial-scale`
  // 0 needs allow-zero-initial-scale, which is not set by default; what is no integer is dropped as well.
  if (!/^[+-]?[0-9]+$/.test(annotations[initialKey] ?? '') || Number(annotations[initialKey]) === 0) {
    delete annotations[initialKey]
  }
  return annotations
}

export function knativeScaling(annotations: Readonly<Record<string, string>>): ScalingView {
  const hpa = annotations[knativeClassKey] === knativeHpaClass
  return {
    autoscaler: hpa ? 'hpa' : 'kpa',
    min: annotations[knativeMinScaleKey] ?? '1',
    max: annotations[knativeMaxScaleKey] ?? 'unlimited',
    metric: annotations[knativeMetricKey] ?? (hpa ? 'cpu' : 'concurrency'),
    target: annotations[knativeTargetKey] ?? 'default',
  }
}

/** Fields of a pod spec that a default Knative refuses: they need a flag in config-features. */
const refusedPodFields = [
  'activeDeadlineSeconds',
  'affinity',
  'dnsConfig',
  'dnsPolicy',
  'ephemeralContainers',
  'hostAliases',
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'hostname',
  'initContainers',
  'nodeName',
  'nodeSelector',
  'overhead',
  'preemptionPolicy',
  'priority',
  'priorityClassName',
  'readinessGates',
  'restartPolicy',
  'runtimeClassName',
  'schedulerName',
  'securityContext',
  'shareProcessNamespace',
  'subdomain',
  'terminationGracePeriodSeconds',
  'tolerations',
  'topologySpreadConstraints',
] as const

export interface KnativeService {
  /** The component's fields and the runtime's, as they would stand in the pod spec. */
  readonly podSpec: Readonly<Record<string, unknown>>
  readonly containerConcurrency?: number | undefined
  readonly timeoutSeconds?: number | undefined
  readonly traffic: readonly { readonly percent: number }[]
  /** What Knative says of the revision's annotations. */
  readonly annotationErrors: readonly string[]
}

/** Limits of Knative's config-defaults. */
const containerConcurrencyMax = 1000
const timeoutSecondsMax = 600

/** What Knative's webhook says of the Service that KServe generates; undefined = it is taken. */
export function knativeServiceError(service: KnativeService): string | undefined {
  const errors: string[] = [...service.annotationErrors]
  const refused = refusedPodFields.filter((field) => isSet(service.podSpec[field]))
  if (refused.length > 0) {
    errors.push(
      `must not set the field(s): ${refused.map((field) => `spec.template.spec.${field}`).join(', ')}`,
    )
  }
  const bounds = (value: number | undefined, max: number, field: string): void => {
    if (value !== undefined && (value < 0 || value > max)) {
      errors.push(`expected 0 <= ${value} <= ${max}: ${field}`)
    }
  }
  bounds(service.containerConcurrency, containerConcurrencyMax, 'spec.template.spec.containerConcurrency')
  bounds(service.timeoutSeconds, timeoutSecondsMax, 'spec.template.spec.timeoutSeconds')
  const sum = service.traffic.reduce((total, { percent }) => total + percent, 0)
  if (sum !== 100) errors.push(`Traffic targets sum to ${sum}, want 100: spec.traffic`)
  for (const [index, { percent }] of service.traffic.entries()) {
    bounds(percent, 100, `spec.traffic[${index}].percent`)
  }
  return errors.length === 0 ? undefined : errors.sort().join('\n')
}

/** Go leaves an empty value out of the JSON, so Knative does not see it. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
