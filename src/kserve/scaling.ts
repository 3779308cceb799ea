import type { ScalingBehavior, ScalingMetric, ScalingRulesSpec, ScalingSpec } from '../core/revision.ts'
import {
  autoscalerClassKey,
  knativeClassKey,
  knativeHpaClass,
  knativeMetricKey,
  knativeTargetKey,
  legacyMetricKeys,
  legacyTargetKey,
  policyKey,
  progressDeadlineKey,
  type DeploymentMode,
} from './keys.ts'
import { knativeAnnotations } from './knative.ts'
import { namedMetric, writtenMetric } from './scaling-metrics.ts'
import type { AutoScaling, Extension } from './schema/inference-service.ts'

/** How a component scales with us. */
export interface ComponentScaling {
  readonly scaling: ScalingSpec
  /** What it asks for that it does not get, each with its field and what is allowed. */
  readonly warnings: readonly string[]
}

const INITIAL_SCALE = 'autoscaling.knative.dev/initial-scale'
/** What says where a replica's metrics are, and how a policy is set. */
const METRIC_KEYS =
  /^(?:prometheus\.(?:kserve\.)?io\/(?:port|path|scheme)|pilotlight\.dev\/(?:engine|policy|llm-[a-z-]+))$/

/** What was found of the metrics that class hpa is to scale on. */
interface Found {
  readonly metrics: readonly ScalingMetric[]
  readonly warnings: readonly string[]
}

const NOTHING: Found = { metrics: [], warnings: [] }

/**
 * KServe's scaling fields as what our autoscaler reads. The class: `none`, `external` and `pilotlight.dev/policy: llm` are
 * said outright; hpa is what any metric asks for that gateways do not count by themselves; all else is kpa. KServe honours
 * its autoscalerClass in Standard mode alone, we honour it always.
 * @param annotations of the runtime and the service; the component's go before them
 * @param path of the component, for messages
 */
export function scalingOf(
  component: Extension,
  annotations: Readonly<Record<string, string>>,
  mode: DeploymentMode,
  path: string,
  allowZeroInitialScale = false,
): ComponentScaling {
  const given = { ...annotations, ...component.annotations }
  const own = knativeAnnotations(component, annotations)
  if (allowZeroInitialScale && given[INITIAL_SCALE] === '0') own[INITIAL_SCALE] = '0'
  const deadline = given[progressDeadlineKey]
  if (deadline !== undefined) own[progressDeadlineKey] = deadline
  delete own[knativeClassKey]
  const autoscaler = given[autoscalerClassKey]
  if (autoscaler === 'none') return { scaling: { class: 'fixed', annotations: own }, warnings: [] }
  if (autoscaler === 'external') return { scaling: { class: 'external', annotations: own }, warnings: [] }
  const measured = Object.entries(given).filter(([key]) => METRIC_KEYS.test(key))
  if (given[policyKey] === 'llm') {
    const llm = { ...withoutMetric(own), ...Object.fromEntries(measured) }
    return { scaling: { class: 'llm', annotations: llm }, warnings: [] }
  }
  const { metrics, warnings } = metricsOf(component, given, mode, path)
  if (metrics.length > 0) {
    const hpa = { ...withoutMetric(own), ...Object.fromEntries(measured) }
    const behavior = behaviorOf(component.autoScaling?.behavior)
    const scaling = {
      class: 'hpa',
      annotations: hpa,
      metrics,
      ...(behavior === undefined ? {} : { behavior }),
    } as const
    return { scaling, warnings }
  }
  // A metric that cannot be measured gives way to concurrency at its default target: its own would mean something else.
  const kept = warnings.length > 0 ? withoutMetric(own) : withLegacyMetric(own, given)
  return { scaling: { class: 'kpa', annotations: kept }, warnings }
}

function withoutMetric(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const { [knativeMetricKey]: _metric, [knativeTargetKey]: _target, ...rest } = annotations
  return rest
}

/** `serving.kserve.io/metric: rps` means what Knative's own key means. */
function withLegacyMetric(
  own: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const metric = legacyMetricKeys
    .map((key) => given[key])
    .find((name) => name === 'concurrency' || name === 'rps')
  if (metric === undefined || own[knativeMetricKey] !== undefined) return own
  return { ...own, [knativeMetricKey]: metric }
}

/** The first that says something: the list of metrics, the component's own metric, an annotation, the class. */
function metricsOf(
  component: Extension,
  given: Readonly<Record<string, string>>,
  mode: DeploymentMode,
  path: string,
): Found {
  const { scaleMetric, scaleTarget, autoScaling } = component
  const target = scaleTarget === undefined ? undefined : String(scaleTarget)
  const written = autoScaling?.metrics ?? []
  if (written.length > 0) {
    return collected(
      written.map((metric, index) => writtenMetric(metric, `${path}.autoScaling.metrics[${index}]`)),
    )
  }
  if (scaleMetric !== undefined) return collected([namedMetric(scaleMetric, target, `${path}.scaleMetric`)])
  const key = [knativeMetricKey, ...legacyMetricKeys].find((name) => given[name] !== undefined)
  const named = key === undefined ? undefined : given[key]
  if (key !== undefined && named !== undefined) {
    const aim =
      target ??
      (key === knativeMetricKey
        ? given[knativeTargetKey]
        : (given[legacyTargetKey] ?? given[knativeTargetKey]))
    return collected([namedMetric(named, aim, `metadata.annotations[${key}]`)])
  }
  // KServe's and Knative's HPA go by the CPU where nothing else is said, and so does a target without a metric in Standard
  // mode.
  const autoscaler = given[autoscalerClassKey]
  const isHpa = autoscaler === 'hpa' || autoscaler === 'keda' || given[knativeClassKey] === knativeHpaClass
  if (isHpa) {
    const aim = target ?? given[legacyTargetKey] ?? given[knativeTargetKey]
    const field = autoscaler === undefined ? knativeClassKey : autoscalerClassKey
    return collected([namedMetric('cpu', aim, `metadata.annotations[${field}]`)])
  }
  return mode === 'Standard' && target !== undefined
    ? collected([namedMetric('cpu', target, `${path}.scaleTarget`)])
    : NOTHING
}

function collected(found: readonly (ScalingMetric | { readonly problem: string } | undefined)[]): Found {
  const metrics = found.flatMap((metric) => (metric === undefined || 'problem' in metric ? [] : [metric]))
  const problems = found.flatMap((metric) =>
    metric !== undefined && 'problem' in metric ? [metric.problem] : [],
  )
  const instead = metrics.length === 0 ? '; it is scaled on concurrency with the default target instead' : ''
  return { metrics, warnings: problems.map((problem) => `${problem}${instead}`) }
}

type WrittenBehavior = AutoScaling['behavior']
type WrittenRules = NonNullable<WrittenBehavior>['scaleUp']

/** What is missing in a policy is refused where all of it is checked: as Kubernetes has it, it is zero then. */
function behaviorOf(written: WrittenBehavior): ScalingBehavior | undefined {
  if (written === undefined) return undefined
  const scaleUp = rulesOf(written.scaleUp)
  const scaleDown = rulesOf(written.scaleDown)
  return {
    ...(scaleUp === undefined ? {} : { scaleUp }),
    ...(scaleDown === undefined ? {} : { scaleDown }),
  }
}

function rulesOf(written: WrittenRules): ScalingRulesSpec | undefined {
  if (written === undefined) return undefined
  const { stabilizationWindowSeconds, selectPolicy, tolerance, policies } = written
  return {
    ...(stabilizationWindowSeconds === undefined ? {} : { stabilizationWindowSeconds }),
    ...(selectPolicy === undefined ? {} : { selectPolicy }),
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(policies === undefined
      ? {}
      : {
          policies: policies.map(({ type = '', value = 0, periodSeconds = 0 }) => ({
            type,
            value,
            periodSeconds,
          })),
        }),
  }
}
