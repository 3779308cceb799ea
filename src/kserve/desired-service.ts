import type { DesiredCanary, DesiredService } from '../core/desired.ts'
import type { ScalingSpec } from '../core/revision.ts'
import type { AdmittedObject } from './admit.ts'
import { buildOther, buildPredictor } from './component.ts'
import type { BuildContext } from './component-replica.ts'
import { modelFromFramework } from './defaults.ts'
import type { ManifestDocument } from './documents.ts'
import { knativeVisibilityKey, kserveVisibilityKey, stickyKey, stopKey, tagRoutingKey } from './keys.ts'
import { ownRefusal, stickyOf } from './own-checks.ts'
import type { Runtime } from './runtimes.ts'
import type { InferenceService, Predictor } from './schema/inference-service.ts'
import { canaryReplicas } from './traffic.ts'
import { isObject } from './unknown-fields.ts'
import { serviceWarnings } from './warnings.ts'

export interface DesiredOptions {
  /**
   * `local`: replicas are processes, and runtimes come from the documents alone. `cluster`: on Kubernetes, with the
   * runtimes that are there. `catalogue`: on a Kubernetes where KServe's built-in runtimes are.
   */
  readonly runtimes?: 'local' | 'cluster' | 'catalogue'
  /** The mode of a service whose annotations name none. Default: Knative. */
  readonly defaultMode?: 'Knative' | 'Standard'
  /** KServe's `timeout` where a component gives none, in seconds. Default: 300. */
  readonly timeoutSeconds?: number
  /** config-autoscaler's `allow-zero-initial-scale`: without it an initial-scale of 0 is dropped, as KServe does. */
  readonly allowZeroInitialScale?: boolean
  /** What a transformer is told to listen on. Default: `{{.Port}}` locally, 8080 on Kubernetes. */
  readonly httpPort?: string
  /** How often the spec has changed, and since when the service is there: kept by the caller. */
  metadata(
    namespace: string,
    name: string,
    spec: Readonly<Record<string, unknown>>,
  ): { readonly generation: number; readonly createdAtMs: number }
  /** What transformers and explainers call the predictor: host, or host:port. */
  predictorHost(namespace: string, componentName: string): string
  /** What is wrong with how a component is to be scaled, by whoever does it. */
  validateScaling?(scaling: ScalingSpec): readonly string[]
}

export type ServiceOutcome =
  | {
      readonly service: DesiredService
      readonly warnings: readonly string[]
    }
  | { readonly refusal: string }

/** An admitted InferenceService as it is to be served, or why we refuse it. */
export function serviceOf(
  document: ManifestDocument,
  { value: isvc, mode }: Extract<AdmittedObject, { kind: 'InferenceService' }>,
  runtimes: readonly Runtime[],
  options: DesiredOptions,
): ServiceOutcome {
  if (mode === 'ModelMesh') {
    return {
      refusal:
        'metadata.annotations[serving.kserve.io/deploymentMode]: ModelMesh is not served; allowed are Knative and Standard',
    }
  }
  const own = ownRefusal(isvc)
  if (own !== undefined) {
    const line = document.lineOf(own.path)
    return { refusal: line === 0 ? own.message : `${own.message} (line ${line})` }
  }
  const { name = '', namespace = 'default', annotations = {}, labels = {} } = isvc.metadata
  const local = (options.runtimes ?? 'local') === 'local'
  const context: BuildContext = {
    isvc,
    mode,
    runtimes,
    local,
    baseDir: document.baseDir,
    timeoutSeconds: options.timeoutSeconds ?? 300,
    allowZeroInitialScale: options.allowZeroInitialScale ?? false,
    httpPort: options.httpPort ?? (local ? '{{.Port}}' : '8080'),
    predictorHost: (ns, component) => options.predictorHost(ns, component),
  }
  const predictor = buildPredictor(isvc.spec.predictor, context)
  const transformer = buildOther('transformer', context)
  const explainer = buildOther('explainer', context)
  const built = [predictor, transformer, explainer].filter((part) => part !== undefined)
  for (const { component } of built) {
    const errors = options.validateScaling?.(component.template.scaling) ?? []
    if (errors.length > 0) return { refusal: `spec.${component.kind}: ${errors.join('; ')}` }
  }
  const sticky = stickyOf(annotations[stickyKey] ?? '')
  const failure = built.find((part) => part.failure !== undefined)?.failure
  const spec = specAsWritten(document)
  const service: DesiredService = {
    namespace,
    name,
    ...options.metadata(namespace, name, spec),
    annotations,
    labels,
    spec,
    deploymentMode: mode,
    stopped: annotations[stopKey] === 'true',
    tagRouting: annotations[tagRoutingKey] === 'true',
    clusterLocal: [knativeVisibilityKey, kserveVisibilityKey].some((key) => labels[key] === 'cluster-local'),
    ...(sticky === undefined ? {} : { sticky }),
    components: {
      predictor: predictor.component,
      ...(transformer === undefined ? {} : { transformer: transformer.component }),
      ...(explainer === undefined ? {} : { explainer: explainer.component }),
    },
    canaries: (isvc.spec.canary ?? []).map((_, index) => canaryOf(isvc, index, context)),
    ...(failure === undefined ? {} : { failure }),
  }
  // An annotation of the service holds for every component; what is wrong with it is said once.
  const unmeasured = new Set(built.flatMap(({ warnings }) => warnings))
  return { service, warnings: [...unmeasured, ...serviceWarnings(isvc, local)] }
}

/** A canary is the stable predictor with its own fields over it, and a fixed number of replicas. */
function canaryOf(isvc: InferenceService, index: number, context: BuildContext): DesiredCanary {
  const { predictor: stable, canary = [] } = isvc.spec
  const entry = canary[index] ?? { trafficPercent: 0, predictor: {} }
  const own: Predictor = modelFromFramework(entry.predictor)
  const replicas = canaryReplicas(stable.minReplicas ?? 1, entry.trafficPercent, own.minReplicas)
  const model = own.model === undefined ? stable.model : { ...stable.model, ...own.model }
  const merged: Predictor = {
    ...stable,
    ...own,
    ...(model === undefined ? {} : { model }),
    minReplicas: replicas,
  }
  const { component } = buildPredictor(merged, context, `spec.canary[${index}].predictor`)
  const { template } = component
  return {
    name: own.name ?? '',
    trafficPercent: entry.trafficPercent,
    component: { ...component, template: { ...template, scaling: { ...template.scaling, class: 'fixed' } } },
  }
}

function specAsWritten({ value }: ManifestDocument): Readonly<Record<string, unknown>> {
  return isObject(value) && isObject(value['spec']) ? value['spec'] : {}
}
