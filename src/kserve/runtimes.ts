import type { Container } from './schema/kubernetes.ts'
import type { Model, Predictor } from './schema/inference-service.ts'
import type { ServingRuntimeManifest, ServingRuntimeSpec } from './schema/serving-runtime.ts'

/** A ServingRuntime (of one namespace) or a ClusterServingRuntime (of all). */
export interface Runtime {
  readonly kind: 'ServingRuntime' | 'ClusterServingRuntime'
  readonly name: string
  /** undefined for a ClusterServingRuntime. */
  readonly namespace?: string
  readonly spec: ServingRuntimeSpec
  /** The folder of its manifest. */
  readonly baseDir?: string
  /** Epoch ms: the newer goes first, all else equal. */
  readonly createdAtMs?: number
}

export function runtimeOf(manifest: ServingRuntimeManifest, baseDir?: string): Runtime {
  const { kind, metadata, spec } = manifest
  return {
    kind,
    name: metadata.name ?? '',
    ...(kind === 'ServingRuntime' ? { namespace: metadata.namespace ?? 'default' } : {}),
    spec,
    ...(baseDir === undefined ? {} : { baseDir }),
  }
}

/** Why no runtime could be selected: KServe's failure reason and message. */
export interface SelectionFailure {
  readonly reason: 'NoSupportingRuntime' | 'RuntimeNotRecognized' | 'RuntimeDisabled' | 'InvalidPredictorSpec'
  readonly message: string
}

export type Selection =
  | { readonly runtime: Runtime; readonly protocol: string | undefined }
  | { readonly failure: SelectionFailure }

/** The runtime of a model in `namespace`. Source: KServe's predictor_model.go. */
export function selectRuntime(
  predictor: Predictor & { readonly model: Model },
  namespace: string,
  runtimes: readonly Runtime[],
): Selection {
  const visible = runtimes.filter(
    (runtime) => runtime.kind === 'ClusterServingRuntime' || runtime.namespace === namespace,
  )
  const selection =
    predictor.model.runtime === undefined
      ? autoSelect(predictor, visible)
      : named(predictor.model, predictor.model.runtime, visible)
  if ('failure' in selection) return selection
  const { runtime } = selection
  const protocol = predictor.model.protocolVersion ?? lowestProtocol(runtime.spec.protocolVersions)
  return { runtime, protocol }
}

function named(
  model: Model,
  name: string,
  runtimes: readonly Runtime[],
): { readonly runtime: Runtime } | { readonly failure: SelectionFailure } {
  const called = runtimes.filter((runtime) => runtime.name === name)
  const runtime = called.find(({ kind }) => kind === 'ServingRuntime') ?? called[0]
  if (runtime === undefined) {
    return failed(
      'RuntimeNotRecognized',
      `No ServingRuntimes or ClusterServingRuntimes with the name: ${name}`,
    )
  }
  if (runtime.spec.disabled === true) {
    return failed('RuntimeDisabled', `specified runtime ${name} is disabled`)
  }
  if (model.protocolVersion !== undefined && !speaks(runtime.spec, model.protocolVersion)) {
    return failed(
      'NoSupportingRuntime',
      `specified runtime ${name} does not support specified protocol version`,
    )
  }
  const { name: format, version } = model.modelFormat
  const lists = (runtime.spec.supportedModelFormats ?? []).some(
    (supported) => supported.name === format && (version === undefined || supported.version === version),
  )
  return lists
    ? { runtime }
    : failed('NoSupportingRuntime', `specified runtime ${name} does not support specified framework/version`)
}

function autoSelect(
  { model, workerSpec }: Predictor & { readonly model: Model },
  runtimes: readonly Runtime[],
): { readonly runtime: Runtime } | { readonly failure: SelectionFailure } {
  const protocol = model.protocolVersion ?? 'v1'
  const candidates = runtimes.filter(
    ({ spec }) =>
      spec.disabled !== true &&
      spec.multiModel !== true &&
      (spec.workerSpec === undefined) === (workerSpec === undefined) &&
      priorityFor(spec, model) !== undefined &&
      speaks(spec, protocol),
  )
  const best =
    ranked(
      candidates.filter(({ kind }) => kind === 'ServingRuntime'),
      model,
    )[0] ??
    ranked(
      candidates.filter(({ kind }) => kind === 'ClusterServingRuntime'),
      model,
    )[0]
  if (best !== undefined) return { runtime: best }
  const { name, version = '<nil>' } = model.modelFormat
  return failed(
    'NoSupportingRuntime',
    `no runtime found to support predictor with model type: {${name} ${version}}`,
  )
}

function failed(reason: SelectionFailure['reason'], message: string): { readonly failure: SelectionFailure } {
  return { failure: { reason, message } }
}

function ranked(runtimes: readonly Runtime[], model: Model): Runtime[] {
  const byAge = [...runtimes].sort(
    (a, b) =>
      protocolRank(lowestProtocol(a.spec.protocolVersions)) -
        protocolRank(lowestProtocol(b.spec.protocolVersions)) ||
      (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0) ||
      compare(a.name, b.name),
  )
  // The sort is stable, so among equal priorities the order above remains; no priority comes last.
  return byAge.sort((a, b) => (priorityFor(b.spec, model) ?? 0) - (priorityFor(a.spec, model) ?? 0))
}

/** The priority of the runtime for this format, 0 if it gives none; undefined if it does not select itself. */
function priorityFor(spec: ServingRuntimeSpec, { modelFormat }: Model): number | undefined {
  const matching = (spec.supportedModelFormats ?? []).filter(
    (supported) =>
      supported.autoSelect === true &&
      supported.name === modelFormat.name &&
      (modelFormat.version === undefined || supported.version === modelFormat.version),
  )
  if (matching.length === 0) return undefined
  return Math.max(...matching.map(({ priority = 0 }) => priority))
}

function speaks({ protocolVersions = [] }: ServingRuntimeSpec, protocol: string): boolean {
  return protocolVersions.length === 0 || protocolVersions.includes(protocol)
}

/** KServe's order of protocols, lowest first; what it does not know comes last. */
const protocolOrder = ['v1', 'v2', 'grpc-v1', 'grpc-v2'] as const

function protocolRank(protocol: string | undefined): number {
  const rank = protocolOrder.findIndex((known) => known === protocol)
  return rank < 0 ? protocolOrder.length : rank
}

function lowestProtocol(protocols: readonly string[] | undefined): string | undefined {
  return [...(protocols ?? [])].sort((a, b) => protocolRank(a) - protocolRank(b))[0]
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** `kserve-container`, without which KServe does not run a model. */
export const modelContainerName = 'kserve-container'

/** The runtime's container that serves the model: KServe wants it called kserve-container, we take the first one too. */
export function servingContainer(spec: ServingRuntimeSpec, strict: boolean): Container | undefined {
  const exact = spec.containers.find(({ name }) => name === modelContainerName)
  return strict ? exact : (exact ?? spec.containers[0])
}
