import type { ReplicaTemplate } from '../core/revision.ts'
import type { DeploymentMode } from './keys.ts'
import { containerOf, imageFor, mergeContainers, mergeSidecars } from './merge.ts'
import { modelNameOf, storageOf, type Stored } from './model-storage.ts'
import type { PlaceholderValues } from './placeholders.ts'
import { podMetadataOf } from './pod-metadata.ts'
import { replicaTemplate, templateError } from './replica-template.ts'
import {
  modelContainerName,
  selectRuntime,
  servingContainer,
  type Runtime,
  type SelectionFailure,
} from './runtimes.ts'
import type { Container } from './schema/kubernetes.ts'
import type {
  Explainer,
  Extension,
  InferenceService,
  Model,
  Predictor,
  Transformer,
} from './schema/inference-service.ts'

/** What a component is built from, beside itself. */
export interface BuildContext {
  readonly isvc: InferenceService
  readonly mode: DeploymentMode
  readonly runtimes: readonly Runtime[]
  /** Replicas are processes: a container without a command cannot run. */
  readonly local: boolean
  /** The folder of the service's manifest. */
  readonly baseDir?: string | undefined
  readonly timeoutSeconds: number
  readonly allowZeroInitialScale: boolean
  readonly httpPort: string
  predictorHost(namespace: string, componentName: string): string
}

/** One replica of a component, and why it could not be run. */
export interface ReplicaPlan {
  readonly replica: ReplicaTemplate
  readonly failure?: SelectionFailure
  readonly runtimeAnnotations?: Readonly<Record<string, string>>
}

/** A model served by a runtime: the runtime's container with the model's fields over it. */
export function modelReplica(
  predictor: Predictor & { readonly model: Model },
  context: BuildContext,
): ReplicaPlan {
  const { metadata } = context.isvc
  const { model } = predictor
  const own = containerOf(model)
  const values = placeholdersOf(context.isvc, predictor)
  const selection = selectRuntime(predictor, metadata.namespace ?? 'default', context.runtimes)
  const { local } = context
  const base = { values, storage: storageOf(predictor, local), modelName: values.name, inPod: !local }
  if ('failure' in selection) {
    const replica = replicaTemplate(own, { ...base, pods: [predictor], sidecars: [] })
    return { replica, failure: withHint(selection.failure, model, context) }
  }
  const { runtime, protocol } = selection
  const podMetadata = local ? undefined : podMetadataOf(runtime.spec, metadata, predictor)
  const serving = servingContainer(runtime.spec, false)
  const merged = mergeContainers(serving ?? {}, own)
  const image = imageFor(merged, model.runtimeVersion)
  const container: Container = { ...merged, ...(image === undefined ? {} : { image }) }
  const replica = replicaTemplate(container, {
    ...base,
    pods: [runtime.spec, predictor],
    sidecars: mergeSidecars(
      runtime.spec.containers.filter((other) => other !== serving),
      predictor.containers ?? [],
    ),
    baseDir: runtime.baseDir,
    runtime: { kind: runtime.kind, name: runtime.name },
    protocol,
    podMetadata,
  })
  const error = templateError(container)
  const failure =
    error === undefined
      ? noCommand(container, local, `the ${runtime.kind} ${runtime.name}`, 'spec.containers[0].command')
      : invalid(`the ${runtime.kind} ${runtime.name}: spec.containers[0].${error}`)
  return {
    replica: { ...replica, modelName: modelNameOf(replica.args, values.name) },
    runtimeAnnotations: runtime.spec.annotations ?? {},
    ...(failure === undefined ? {} : { failure }),
  }
}

/** Containers of the user's own. */
export function customReplica(
  component: Predictor | Transformer | Explainer,
  containers: readonly Container[],
  context: BuildContext,
  { path, art }: { readonly path: string; readonly art?: Stored['model'] },
): ReplicaPlan {
  const { local } = context
  const serving = containers.find(({ name }) => name === modelContainerName) ?? containers[0] ?? {}
  const replica = replicaTemplate(serving, {
    values: placeholdersOf(context.isvc, component),
    pods: [component],
    sidecars: containers.filter((other) => other !== serving),
    baseDir: context.baseDir,
    storage: storageOf({ ...component, containers: [serving], model: art }, local),
    inPod: !local,
    podMetadata: local ? undefined : podMetadataOf(undefined, context.isvc.metadata, component),
    protocol: serving.env?.find(({ name }) => name === 'PROTOCOL')?.value,
  })
  const field = `${path}.containers[${Math.max(0, containers.indexOf(serving))}]`
  const error = templateError(serving)
  const failure =
    error === undefined
      ? noCommand(serving, local, `the InferenceService ${context.isvc.metadata.name}`, `${field}.command`)
      : invalid(`${field}.${error}`)
  return { replica, ...(failure === undefined ? {} : { failure }) }
}

/** An image cannot be started as a process of this machine. */
function noCommand(
  container: Container,
  local: boolean,
  owner: string,
  field: string,
): SelectionFailure | undefined {
  if (!local || (container.command ?? []).length > 0) return undefined
  return invalid(
    `${owner} has no command to run on this machine: set ${field} to a program and its arguments, such as ` +
      `[python, server.py, --port, "{{.Port}}"]; the image ${container.image ?? ''} is only used on Kubernetes`,
  )
}

function invalid(message: string): SelectionFailure {
  return { reason: 'InvalidPredictorSpec', message }
}

/** KServe's message, and what would help: another protocol, or a format that there is a runtime for. */
function withHint(
  failure: SelectionFailure,
  model: Model,
  { local, runtimes }: BuildContext,
): SelectionFailure {
  if (!local) return failure
  const supports = ({ spec }: Runtime): boolean =>
    (spec.supportedModelFormats ?? []).some(({ name }) => name === model.modelFormat.name)
  const candidate = model.runtime === undefined ? runtimes.find(supports) : undefined
  const protocols = candidate?.spec.protocolVersions ?? []
  if (candidate !== undefined && protocols.length > 0 && !protocols.includes(model.protocolVersion ?? 'v1')) {
    const hint =
      `${candidate.name} speaks ${protocols.join(', ')}: set spec.predictor.model.protocolVersion ` +
      '(v1 is meant where it is not set)'
    return { ...failure, message: `${failure.message}; ${hint}` }
  }
  const formats = [
    ...new Set(runtimes.flatMap(({ spec }) => (spec.supportedModelFormats ?? []).map(({ name }) => name))),
  ].sort()
  const hint =
    formats.length === 0
      ? `there is no ServingRuntime in the folder; add one that supports ${model.modelFormat.name}`
      : `the runtimes in the folder support ${formats.join(', ')}`
  return { ...failure, message: `${failure.message}; ${hint}` }
}

function placeholdersOf({ metadata }: InferenceService, component: Extension): PlaceholderValues {
  return {
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? 'default',
    annotations: { ...metadata.annotations, ...component.annotations },
    labels: { ...metadata.labels, ...component.labels },
  }
}
