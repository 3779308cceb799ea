import { mergeProbes } from './merge-probes.ts'
import type { Container, ContainerProbe } from './schema/kubernetes.ts'
import type { Model } from './schema/inference-service.ts'
import { strategicMerge } from './strategic-merge.ts'

/**
 * The runtime's container with the service's fields over it: maps and probes merge by key, lists by name,
 * arguments are appended. Source: KServe's MergeRuntimeContainers (a strategic merge patch).
 */
export function mergeContainers(runtime: Container, model: Container): Container {
  const { name, args = [], readinessProbe, livenessProbe, startupProbe } = runtime
  const merged: Container = { ...runtime, ...defined(model), ...mountsAndSecurity(runtime, model) }
  return {
    ...merged,
    name,
    args: [...args, ...(model.args ?? [])],
    env: mergeBy(runtime.env, model.env, (variable) => variable.name),
    ports: mergeBy(runtime.ports, model.ports, ({ containerPort }) => String(containerPort)),
    resources: {
      ...runtime.resources,
      ...model.resources,
      limits: { ...runtime.resources?.limits, ...model.resources?.limits },
      requests: { ...runtime.resources?.requests, ...model.resources?.requests },
    },
    ...probe('readinessProbe', mergeProbes(readinessProbe, model.readinessProbe)),
    ...probe('livenessProbe', mergeProbes(livenessProbe, model.livenessProbe)),
    ...probe('startupProbe', mergeProbes(startupProbe, model.startupProbe)),
  }
}

/** Containers by name, those of the service over those of the runtime; the order is the runtime's. */
export function mergeSidecars(
  runtime: readonly Container[],
  own: readonly Container[],
): readonly Container[] {
  const merged = runtime.map((container) => {
    const over = own.find(({ name }) => name !== undefined && name === container.name)
    return over === undefined ? container : mergeContainers(container, over)
  })
  const names = new Set(runtime.map(({ name }) => name))
  return [...merged, ...own.filter(({ name }) => name === undefined || !names.has(name))]
}

function mountsAndSecurity(runtime: Container, model: Container): Container {
  const { volumeMounts, volumeDevices, securityContext, lifecycle } = strategicMerge(runtime, model)
  return {
    ...(Array.isArray(volumeMounts) ? { volumeMounts } : {}),
    ...(Array.isArray(volumeDevices) ? { volumeDevices } : {}),
    ...(securityContext === undefined ? {} : { securityContext }),
    ...(lifecycle === undefined ? {} : { lifecycle }),
  }
}

function probe(
  field: 'readinessProbe' | 'livenessProbe' | 'startupProbe',
  merged: ContainerProbe | undefined,
): Container {
  return merged === undefined || Object.keys(merged).length === 0 ? {} : { [field]: merged }
}

function defined(container: Container): Container {
  return Object.fromEntries(Object.entries(container).filter(([, value]) => value !== undefined))
}

/** The first list in its order, replaced where the second has the same key, then what is new in the second. */
function mergeBy<T>(
  first: readonly T[] | undefined,
  second: readonly T[] | undefined,
  key: (item: T) => string,
): T[] {
  return [...new Map([...(first ?? []), ...(second ?? [])].map((item) => [key(item), item])).values()]
}

const modelOnly: ReadonlySet<string> = new Set([
  'modelFormat',
  'runtime',
  'storageUri',
  'storage',
  'runtimeVersion',
  'protocolVersion',
])

/** The container that stands inline in `model`. */
export function containerOf(model: Model): Container {
  return Object.fromEntries(Object.entries(model).filter(([key]) => !modelOnly.has(key)))
}

/** Servers whose GPU image is the CPU image's tag with `-gpu`. */
const gpuTagged = /(tensorflow.serving|torchserve|huggingfaceserver)/
const tag = /:([\w.-]+)$/

/** The image with `runtimeVersion` as its tag, or the build that fits the resources. Source: UpdateImageTag. */
export function imageFor(container: Container, runtimeVersion: string | undefined): string | undefined {
  const { image } = container
  if (image === undefined) return undefined
  if (runtimeVersion !== undefined) {
    return tag.test(image) ? image.replace(tag, `:${runtimeVersion}`) : `${image}:${runtimeVersion}`
  }
  if (asksForGpu(container)) {
    return gpuTagged.test(image) && tag.test(image) && !image.endsWith('-gpu') ? `${image}-gpu` : image
  }
  return image.replace(/vllm\/vllm-openai(?=$|:)/, 'vllm/vllm-openai-cpu')
}

export function asksForGpu({ resources }: Container): boolean {
  return Object.keys({ ...resources?.limits, ...resources?.requests }).some((name) => /gpu/i.test(name))
}
