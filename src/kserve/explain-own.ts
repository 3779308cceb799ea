import { childName } from '../core/names.ts'
import type { DesiredComponent, DesiredService } from '../core/desired.ts'
import type { ScalingMetric } from '../core/revision.ts'
import type { DesiredOptions } from './desired-service.ts'
import type { ManifestDocument } from './documents.ts'
import {
  emptyColumns,
  plainNumber,
  type Columns,
  type ExplainRow,
  type ScalingFunctions,
} from './explain-row.ts'
import { judge, type Outcome } from './judge.ts'
import { knativeMaxScaleKey, knativeMetricKey, knativeMinScaleKey, knativeTargetKey } from './keys.ts'
import { inStandardMode } from './standard-mode.ts'

export interface OwnExplainOptions extends Pick<DesiredOptions, 'defaultMode' | 'timeoutSeconds'> {
  /** Which runtimes there are beside those of the documents. Default: KServe's catalogue. */
  readonly runtimes?: 'local' | 'cluster' | 'catalogue'
  /** Where a service answers. Default: `http://{name}.{namespace}.localhost`. */
  url?(namespace: string, name: string): string
}

type Options = OwnExplainOptions & ScalingFunctions

/** What we make of each document: the same columns as KServe's answer, with ours in them. */
export function ownRows(documents: readonly ManifestDocument[], options: Options): ExplainRow[] {
  const outcomes = judge(documents, desiredOptions(options))
  const standard = judge(documents.map(inStandardMode), {
    ...desiredOptions(options),
    defaultMode: 'Standard',
  })
  return outcomes.map((outcome, index) => {
    const columns = columnsOf(outcome, options)
    const other = standard[index]
    const std = other === undefined ? {} : columnsOf(other, options)
    const { kind, name } = outcome.admission
    return {
      ...emptyColumns,
      ...columns,
      kind,
      name,
      kubectl_strict_error: outcome.admission.strictError,
      std_verdict: std.verdict ?? '',
      std_message: std.kserve_message === columns.kserve_message ? '' : (std.kserve_message ?? ''),
      std_autoscaler: std.autoscaler ?? '',
      std_min: std.min ?? '',
      std_max: std.max ?? '',
      std_metric: std.metric ?? '',
      std_target: std.target ?? '',
      std_url: std.url ?? '',
      source: outcome.document.source,
      warnings: outcome.warnings,
      does: whatItDoes(outcome, columns),
      note: noteOf(outcome),
    }
  })
}

function desiredOptions(options: Options): DesiredOptions {
  const { defaultMode, timeoutSeconds } = options
  return {
    runtimes: options.runtimes ?? 'catalogue',
    ...(defaultMode === undefined ? {} : { defaultMode }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    validateScaling: (scaling) => options.validateScaling?.(scaling) ?? [],
    metadata: () => ({ generation: 1, createdAtMs: 0 }),
    predictorHost: (namespace, component) => `${component}.${namespace}`,
  }
}

function columnsOf({ service, problem }: Outcome, options: Options): Columns {
  if (service === undefined) {
    if (problem === undefined) return { verdict: 'accept' }
    return problem.stage === 'not-served'
      ? { verdict: 'accept, not served', kserve_message: problem.message }
      : { verdict: 'reject', stage: problem.stage, kserve_message: problem.message }
  }
  const { predictor, transformer, explainer } = service.components
  const { limits, replica } = predictor.template
  const others = [transformer, explainer].filter((component) => component !== undefined)
  const view = viewOf(predictor, options)
  return {
    verdict: service.failure === undefined ? 'accept' : 'accept, reconcile fails',
    kserve_message: service.failure?.message ?? '',
    mode: service.deploymentMode,
    ...view,
    container_concurrency: limits.containerConcurrency === 0 ? '' : String(limits.containerConcurrency),
    timeout_s: String(limits.timeoutMs / 1000),
    canary_percent:
      predictor.canaryTrafficPercent === undefined
        ? canariesOf(service)
        : String(predictor.canaryTrafficPercent),
    traffic_after_deploy: trafficOf(service),
    other_components: others
      .map((component) => {
        const other = viewOf(component, options)
        return `${component.kind}: ${other.autoscaler} ${other.min}..${other.max} ${other.metric} ${other.target}`
      })
      .join('; '),
    model_format: service.annotations['modelFormat'] ?? '',
    protocol: replica.protocol ?? '',
    runtime: replica.runtime?.name ?? '',
    url: urlOf(service, options),
  }
}

function viewOf({ template }: DesiredComponent, options: Options) {
  const { annotations, class: autoscaler, metrics = [] } = template.scaling
  const min = annotations[knativeMinScaleKey] ?? '1'
  if (autoscaler === 'fixed' || autoscaler === 'external') {
    return { autoscaler, min, max: min, metric: '', target: '', kpa_effective_target: '' }
  }
  if (autoscaler === 'hpa' || autoscaler === 'llm') {
    return {
      autoscaler,
      min,
      max: annotations[knativeMaxScaleKey] ?? 'unlimited',
      metric: metrics.map(nameOf).join(', '),
      target: metrics.map(({ target }) => `${target.value} ${target.type}`).join(', '),
      kpa_effective_target: '',
    }
  }
  const target = options.effectiveTarget(annotations, template.limits.containerConcurrency)
  return {
    autoscaler,
    min,
    max: annotations[knativeMaxScaleKey] ?? 'unlimited',
    metric: annotations[knativeMetricKey] ?? 'concurrency',
    target: annotations[knativeTargetKey] ?? 'default',
    kpa_effective_target: target === undefined ? '' : plainNumber(target),
  }
}

function nameOf(metric: ScalingMetric): string {
  if (metric.kind === 'resource') return metric.resource
  return metric.kind === 'replica' || metric.kind === 'gateway' ? metric.metric : metric.query
}

/** Where we do what KServe does not. */
function noteOf({ service }: Outcome): string {
  const scaling = service?.components.predictor.template.scaling
  if (scaling?.class === 'llm')
    return 'scaled on what its engine says of its queue and its cache; KServe would not'
  const metrics = (scaling?.metrics ?? []).filter(({ kind }) => kind === 'replica' || kind === 'gateway')
  return metrics.length === 0
    ? ''
    : `${metrics.map(nameOf).join(', ')}: measured by us; KServe does not look at it`
}

function canariesOf({ canaries }: DesiredService): string {
  return canaries.map(({ name, trafficPercent }) => `${name}=${trafficPercent}`).join(';')
}

function trafficOf({ canaries, components, tagRouting, stopped }: DesiredService): string {
  if (stopped) return ''
  const { name, canaryTrafficPercent: percent } = components.predictor
  if (canaries.length > 0) {
    const taken = canaries.reduce((total, { trafficPercent }) => total + trafficPercent, 0)
    return [
      `-:latest=${100 - taken}`,
      ...canaries.map((canary) => `${canary.name}:latest=${canary.trafficPercent}`),
    ].join(';')
  }
  const latest = `${tagRouting ? 'latest' : '-'}:latest=${percent ?? 100}`
  return percent === undefined || percent === 100
    ? latest
    : `${latest};prev:${childName(name, '-00001')}=${100 - percent}`
}

function urlOf({ namespace, name, clusterLocal }: DesiredService, options: Options): string {
  if (clusterLocal) return `http://${name}.${namespace}.svc.cluster.local`
  return options.url?.(namespace, name) ?? `http://${name}.${namespace}.localhost`
}

function whatItDoes({ service, problem, admission }: Outcome, columns: Columns): string {
  if (problem !== undefined) {
    const message = sentence(problem.message)
    return problem.stage === 'not-served' ? message : `It is refused: ${message}`
  }
  if (service === undefined) {
    return admission.admitted?.kind === 'ServingRuntime'
      ? 'It offers a way to run models; services choose it by format or by name.'
      : 'It has no effect here.'
  }
  if (service.failure !== undefined) {
    return `It is accepted and cannot be served: ${sentence(service.failure.message)}`
  }
  if (service.stopped) return 'It is stopped: no replica runs and no request is answered.'
  const runs = columns.runtime === '' ? 'runs its own container' : `is run by ${columns.runtime}`
  const canary =
    columns.canary_percent === '' ? '' : ` Canary, in percent of the requests: ${columns.canary_percent}.`
  return `It ${runs} and answers at ${columns.url}; ${replicasOf(columns)}.${canary}`
}

function replicasOf({
  autoscaler,
  min = '',
  max = '',
  metric,
  target,
  kpa_effective_target,
}: Columns): string {
  const count = min === '1' ? '1 replica' : `${min} replicas`
  if (autoscaler === 'fixed') return `${count} always`
  if (autoscaler === 'external') return 'somebody else says how many replicas'
  const from = min === '0' ? 'it sleeps at zero replicas while idle' : `at least ${count}`
  const to = max === 'unlimited' ? 'as many as are needed' : `at most ${max}`
  if (autoscaler === 'llm') return `${from} and ${to}, by how full its engines are`
  if (autoscaler === 'hpa') return `${from} and ${to}, by ${metric}, target ${target}`
  const unit = metric === 'rps' ? 'requests per second' : 'requests in flight'
  return `${from} and ${to}, for ${kpa_effective_target} ${unit} each`
}

function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
