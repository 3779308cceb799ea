import type { DesiredService } from '../core/desired.ts'
import { split as namePartsOf } from '../core/names.ts'
import type { RevisionName } from '../core/names.ts'
import type { ComponentKind } from '../core/revision.ts'
import type { ComponentStatus, InferenceServiceStatus, TrafficStatus } from '../core/status.ts'
import { conditionsOf, findingsOf, isLatestReady, stoppedFindings } from './conditions.ts'
import type { RolledComponent } from './conditions.ts'
import type { ConditionHistory } from './history.ts'
import { modelStatusOf } from './model-status.ts'
import type { RevisionObservation } from './observation.ts'
import { componentHostName } from './routes.ts'
import { clusterUrl, publicUrl, taggedName } from './urls.ts'
import type { UrlOptions } from './urls.ts'

export interface StatusInput {
  readonly desired: DesiredService
  readonly components: readonly RolledComponent[]
  readonly canaries: readonly RolledComponent[]
  /** The component that the service's own hosts lead to. */
  readonly entry: ComponentKind
  readonly conditionsBefore: Readonly<Record<string, ConditionHistory>>
  readonly observe: (revision: RevisionName) => RevisionObservation
  readonly nowMs: number
  readonly options: { readonly strict: boolean; readonly urls: UrlOptions }
}

/** The whole status, as `kubectl get isvc -o yaml` shows it. */
export function statusOf(input: StatusInput): InferenceServiceStatus {
  const { desired, components, canaries, observe, options } = input
  const found = findingsOf(desired, components, canaries, options.strict)
  const served = components.every(({ rollout }) => rollout.history.latestReadyRevision !== undefined)
  const predictor = components.find(({ kind }) => kind === 'predictor')
  return {
    ...(options.strict ? {} : { observedGeneration: desired.generation }),
    ...(served ? addressesOf(input) : {}),
    ...modeAndRuntime(desired),
    components: Object.fromEntries(
      components.map((component) => [component.kind, componentStatus(component, input)]),
    ),
    modelStatus: modelStatusOf(predictor?.rollout.history, observe, {
      strict: options.strict,
      failure: desired.failure,
    }),
    ...(desired.canaries.length === 0 ? {} : { canaryStatuses: canaryStatuses(input) }),
    conditions: conditionsOf(found, input.conditionsBefore, input.nowMs),
  }
}

/** `serving.kserve.io/stop`: nothing runs and nothing answers. */
export function stoppedStatus(
  input: Pick<StatusInput, 'desired' | 'conditionsBefore' | 'nowMs' | 'options'>,
): InferenceServiceStatus {
  const { desired } = input
  return {
    ...(input.options.strict ? {} : { observedGeneration: desired.generation }),
    ...modeAndRuntime(desired),
    modelStatus: { transitionStatus: '' },
    ...(desired.canaries.length === 0
      ? {}
      : {
          canaryStatuses: desired.canaries.map(({ name, trafficPercent }) => ({
            name,
            ready: false,
            trafficPercent,
            modelStatus: { transitionStatus: '' as const },
          })),
        }),
    conditions: conditionsOf(stoppedFindings(desired), input.conditionsBefore, input.nowMs),
  }
}

function modeAndRuntime(desired: DesiredService): Partial<InferenceServiceStatus> {
  const runtime =
    desired.failure === undefined ? desired.components.predictor.template.replica.runtime : undefined
  return {
    deploymentMode: desired.deploymentMode,
    ...(runtime?.kind === 'ServingRuntime' ? { servingRuntimeName: runtime.name } : {}),
    ...(runtime?.kind === 'ClusterServingRuntime' ? { clusterServingRuntimeName: runtime.name } : {}),
  }
}

function addressesOf(input: StatusInput): Pick<InferenceServiceStatus, 'url' | 'address'> {
  const { desired, options } = input
  const inside =
    desired.deploymentMode === 'Knative' ? desired.name : componentHostName(desired.name, input.entry)
  const address = clusterUrl(inside, desired.namespace)
  const url = desired.clusterLocal ? address : publicUrl(options.urls, desired.name, desired.namespace)
  return { url, address: { url: address } }
}

function componentStatus(component: RolledComponent, input: StatusInput): ComponentStatus {
  const { desired } = input
  const { history, asked } = component.rollout
  const host = componentHostName(desired.name, component.kind)
  const inside = clusterUrl(host, desired.namespace)
  const url = urlOf(host, input)
  const answers = history.latestReadyRevision !== undefined
  if (desired.deploymentMode === 'Standard' && input.options.strict) return answers ? { url } : {}
  const traffic = input.options.strict ? asked : history.traffic
  return {
    ...named('latestReadyRevision', history.latestReadyRevision),
    ...named('latestCreatedRevision', history.latestCreatedRevision),
    ...named('previousRolledoutRevision', history.previousRolledoutRevision),
    ...named('latestRolledoutRevision', history.latestRolledoutRevision),
    ...(traffic.length === 0
      ? {}
      : {
          traffic: traffic.map(({ revision, latestRevision, percent, tag }): TrafficStatus => {
            const tagged = tag === undefined ? {} : { tag, url: urlOf(taggedName(tag, host), input) }
            return { revisionName: namePartsOf(revision).name, latestRevision, percent, ...tagged }
          }),
        }),
    ...(answers ? { url, address: { url: inside } } : {}),
  }
}

function canaryStatuses(input: StatusInput): NonNullable<InferenceServiceStatus['canaryStatuses']> {
  const { strict } = input.options
  return input.desired.canaries.flatMap(({ name, trafficPercent, component }) => {
    const rolled = input.canaries.find((candidate) => candidate.name === component.name)
    if (rolled === undefined) return []
    const modelStatus = strict
      ? { transitionStatus: '' as const }
      : modelStatusOf(rolled.rollout.history, input.observe, { strict, failure: undefined })
    return [{ name, ready: isLatestReady(rolled.rollout), trafficPercent, modelStatus }]
  })
}

function urlOf(name: string, { desired, options }: StatusInput): string {
  return desired.clusterLocal
    ? clusterUrl(name, desired.namespace)
    : publicUrl(options.urls, name, desired.namespace)
}

function named<K extends keyof ComponentStatus>(
  key: K,
  revision: RevisionName | undefined,
): { [P in K]?: string } {
  if (revision === undefined) return {}
  const entry: { [P in K]?: string } = {}
  entry[key] = namePartsOf(revision).name
  return entry
}
