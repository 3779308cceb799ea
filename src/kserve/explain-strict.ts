import type { Admission } from './admit.ts'
import { emptyColumns, plainNumber, type Columns, type ScalingFunctions } from './explain-row.ts'
import { knativeVisibilityKey, kserveVisibilityKey, stopKey, type DeploymentMode } from './keys.ts'
import { knativeAnnotations, knativeScaling, knativeServiceError, type ScalingView } from './knative.ts'
import { selectRuntime, servingContainer, type Runtime } from './runtimes.ts'
import { podFieldNames } from './schema/kubernetes.ts'
import type { InferenceGraph } from './schema/inference-graph.ts'
import type { Extension, InferenceService } from './schema/inference-service.ts'
import { standardScaling } from './standard.ts'
import { unsupportedStorage } from './storage.ts'
import { canaryReplicas, componentName, trafficAfterDeploy } from './traffic.ts'

/** KServe's shipped ingressDomain. */
const domain = 'example.com'

/** What KServe itself does with an admission, in one deployment mode. */
export function strictColumns(
  admission: Admission,
  runtimes: readonly Runtime[],
  scaling: ScalingFunctions,
): Columns {
  if (admission.refusal !== undefined) {
    const { stage, message } = admission.refusal
    return { verdict: 'reject', stage, kserve_message: message, kubectl_strict_error: admission.strictError }
  }
  const { admitted } = admission
  const accepted: Columns = { verdict: 'accept', kubectl_strict_error: admission.strictError }
  if (admitted.kind === 'InferenceGraph') return { ...accepted, ...graphColumns(admitted.value, scaling) }
  if (admitted.kind !== 'InferenceService' || admitted.mode === 'ModelMesh') return accepted
  return { ...accepted, ...serviceColumns(admitted.value, admitted.mode, runtimes, scaling) }
}

function serviceColumns(
  isvc: InferenceService,
  mode: DeploymentMode,
  runtimes: readonly Runtime[],
  scaling: ScalingFunctions,
): Columns {
  const { predictor } = isvc.spec
  const reconciled = reconcileRuntime(isvc, runtimes)
  const columns: Columns = {
    mode,
    model_format: predictor.model?.modelFormat.name ?? '',
    protocol: predictor.model?.protocolVersion ?? '',
    runtime: reconciled.runtime?.name ?? '',
  }
  if (isvc.metadata.annotations?.[stopKey] === 'true') return columns
  if (reconciled.failure !== undefined) {
    const kserve_message = `fails to reconcile component: ${reconciled.failure}`
    return { ...columns, verdict: 'accept, reconcile fails', kserve_message }
  }
  return mode === 'Knative'
    ? { ...columns, ...knativeColumns(isvc, reconciled.runtime, scaling) }
    : { ...columns, ...standardColumns(isvc) }
}

interface Reconciled {
  readonly runtime?: Runtime
  readonly failure?: string
}

function reconcileRuntime({ metadata, spec }: InferenceService, runtimes: readonly Runtime[]): Reconciled {
  const { predictor } = spec
  const { model } = predictor
  if (model === undefined) return {}
  const storage = unsupportedStorage(model.storageUri ?? '')
  if (storage !== undefined) return { failure: storage }
  const selection = selectRuntime({ ...predictor, model }, metadata.namespace ?? 'default', runtimes)
  if ('failure' in selection) return { failure: selection.failure.message }
  const { runtime } = selection
  return servingContainer(runtime.spec, true) === undefined
    ? { runtime, failure: 'failed to find kserve-container in ServingRuntime containers' }
    : { runtime }
}

function knativeColumns(
  isvc: InferenceService,
  runtime: Runtime | undefined,
  scaling: ScalingFunctions,
): Columns {
  const { metadata, spec } = isvc
  const { predictor } = spec
  const annotations = knativeAnnotations(predictor, metadata.annotations ?? {})
  const view = knativeScaling(annotations)
  const traffic = trafficAfterDeploy(isvc)
  const others = otherComponents(isvc).map(
    ([kind, component]) =>
      [kind, knativeScaling(knativeAnnotations(component, metadata.annotations ?? {}))] as const,
  )
  const error = [predictor, ...otherComponents(isvc).map(([, component]) => component)]
    .map((component, index) =>
      knativeServiceError({
        podSpec: podSpecOf(component, index === 0 ? runtime : undefined),
        containerConcurrency: component.containerConcurrency,
        timeoutSeconds: component.timeout,
        traffic: index === 0 ? traffic : [{ percent: 100 }],
        annotationErrors:
          scaling.validateAnnotations?.(knativeAnnotations(component, metadata.annotations ?? {})) ?? [],
      }),
    )
    .find((message) => message !== undefined)
  const { namespace = 'default', name = '' } = metadata
  const local = metadata.labels?.[knativeVisibilityKey] === 'cluster-local'
  return {
    ...(error === undefined ? {} : { verdict: 'accept, Knative webhook rejects', kserve_message: error }),
    ...view,
    kpa_effective_target: effective(view, annotations, predictor.containerConcurrency ?? 0, scaling),
    container_concurrency: textOf(predictor.containerConcurrency),
    timeout_s: textOf(predictor.timeout),
    traffic_after_deploy: traffic
      .map(({ tag, revision, percent }) => `${tag}:${revision}=${percent}`)
      .join(';'),
    other_components: others.map(([kind, other]) => summary(kind, other)).join('; '),
    url: local ? `http://${name}.${namespace}.svc.cluster.local` : `http://${name}.${namespace}.${domain}`,
  }
}

function standardColumns(isvc: InferenceService): Columns {
  const { metadata, spec } = isvc
  const { namespace = 'default', name = '' } = metadata
  const annotations = metadata.annotations ?? {}
  const canaries = spec.canary ?? []
  const stableMin = spec.predictor.minReplicas ?? 1
  const counts = canaries.map(({ trafficPercent, predictor }) =>
    canaryReplicas(stableMin, trafficPercent, predictor.minReplicas),
  )
  const taken = counts.reduce((total, replicas) => total + replicas, 0)
  // Canary replicas come out of the stable ones, of which one always stays: 2 become 1 + 1.
  const stable =
    canaries.length === 0
      ? spec.predictor
      : { ...spec.predictor, minReplicas: Math.max(1, stableMin - taken) }
  const deployment = (kind: string, of?: string) => ({ namespace, name: componentName(name, kind, of) })
  const view = standardScaling(stable, annotations, deployment('predictor', spec.predictor.name))
  const others = otherComponents(isvc).map(([kind, component]) =>
    summary(kind, standardScaling(component, annotations, deployment(kind))),
  )
  const canaryParts = canaries.map(({ predictor }, index) => {
    const replicas = String(counts[index] ?? 0)
    const fixed = { autoscaler: 'none/external', min: replicas, max: replicas, metric: '', target: '' }
    return summary(`predictor:${componentName(name, 'predictor', predictor.name)}`, fixed)
  })
  const local = metadata.labels?.[kserveVisibilityKey] === 'cluster-local'
  const head = spec.transformer === undefined ? 'predictor' : 'transformer'
  return {
    ...view,
    other_components: [...canaryParts, ...others].join('; '),
    url: local
      ? `http://${componentName(name, head)}.${namespace}.svc.cluster.local`
      : `http://${name}-${namespace}.${domain}`,
  }
}

/** The canary's percent, from the manifest: shown whatever became of it. */
export function canaryPercent(admission: Admission, raw: unknown): string {
  const spec = specOf(raw)
  const canaries = Array.isArray(spec['canary']) ? spec['canary'] : []
  if (canaries.length > 0) {
    return canaries
      .map((canary: unknown) => {
        const { predictor, trafficPercent } = asRecord(canary)
        return `${textOf(asRecord(predictor)['name'])}=${textOf(trafficPercent)}`
      })
      .join(';')
  }
  if (admission.refusal !== undefined) return ''
  return textOf(asRecord(spec['predictor'])['canaryTrafficPercent'])
}

function graphColumns(graph: InferenceGraph, scaling: ScalingFunctions): Columns {
  const { metadata, spec } = graph
  const annotations = knativeAnnotations(
    {
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      scaleTarget: spec.scaleTarget,
      scaleMetric: spec.scaleMetric,
    },
    metadata.annotations ?? {},
  )
  const view = knativeScaling(annotations)
  return {
    ...view,
    kpa_effective_target: effective(view, annotations, 0, scaling),
    timeout_s: textOf(spec.timeout),
    url: `http://${metadata.name ?? ''}.${metadata.namespace ?? 'default'}.${domain}`,
  }
}

/** The `std_*` columns: the same document under Standard mode. */
export function underStandard(
  admission: Admission,
  shipped: Columns,
  runtimes: readonly Runtime[],
  scaling: ScalingFunctions,
): Columns {
  const columns = { ...emptyColumns, ...strictColumns(admission, runtimes, scaling) }
  const graph =
    admission.admitted?.kind === 'InferenceGraph' ? graphStandard(admission.admitted.value) : undefined
  // KServe says the same in both modes: it is told once.
  const message = columns.kserve_message === shipped.kserve_message ? '' : columns.kserve_message
  return {
    std_verdict: columns.verdict,
    std_message: message,
    std_autoscaler: graph?.autoscaler ?? columns.autoscaler,
    std_min: graph?.min ?? columns.min,
    std_max: graph?.max ?? columns.max,
    std_metric: graph?.metric ?? columns.metric,
    std_target: graph?.target ?? columns.target,
    std_url: graph?.url ?? columns.url,
  }
}

function graphStandard({ metadata, spec }: InferenceGraph): ScalingView & { readonly url: string } {
  const { name = '', namespace = 'default' } = metadata
  const component = {
    minReplicas: spec.minReplicas,
    maxReplicas: spec.maxReplicas,
    scaleTarget: spec.scaleTarget,
    scaleMetric: spec.scaleMetric,
  }
  return {
    ...standardScaling(component, metadata.annotations ?? {}, { namespace, name }),
    url: `http://${name}-${namespace}.${domain}`,
  }
}

function otherComponents({ spec }: InferenceService): (readonly ['transformer' | 'explainer', Extension])[] {
  return (['transformer', 'explainer'] as const).flatMap((kind) => {
    const component = spec[kind]
    return component === undefined ? [] : [[kind, component] as const]
  })
}

/** `transformer: kpa 1..unlimited concurrency default` */
function summary(label: string, { autoscaler, min, max, metric, target }: ScalingView): string {
  return `${label}: ${autoscaler} ${min}..${max} ${metric} ${target}`
}

function effective(
  view: ScalingView,
  annotations: Readonly<Record<string, string>>,
  containerConcurrency: number,
  scaling: ScalingFunctions,
): string {
  if (view.autoscaler !== 'kpa') return ''
  const target = scaling.effectiveTarget(annotations, containerConcurrency)
  return target === undefined ? '' : plainNumber(target)
}

/** The pod's fields: the component's over the runtime's. */
function podSpecOf(component: object, runtime: Runtime | undefined): Record<string, unknown> {
  const podFields = (object: object): [string, unknown][] =>
    Object.entries(object).filter(([key]) => podFieldNames.has(key))
  return Object.fromEntries([...podFields(runtime?.spec ?? {}), ...podFields(component)])
}

function specOf(raw: unknown): Record<string, unknown> {
  return asRecord(asRecord(raw)['spec'])
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
