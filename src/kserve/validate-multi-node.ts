import { autoscalerClassKey, gpuResourceTypesKey } from './keys.ts'
import type { InferenceService } from './schema/inference-service.ts'
import { schemeOf } from './storage.ts'

const gpuTypes = ['nvidia.com/gpu', 'amd.com/gpu', 'intel.com/gpu', 'habana.ai/gaudi'] as const

/** The rules for a predictor with a `workerSpec`, in KServe's words. Source: validateMultiNodeVariables. */
export function multiNodeError({ metadata, spec }: InferenceService): string | undefined {
  const { model, workerSpec } = spec.predictor
  if (workerSpec === undefined) return undefined
  const invalid = (reason: string): string =>
    `the InferenceService "${metadata.name ?? ''}" is invalid: ${reason}`
  const annotations = metadata.annotations ?? {}

  const autoscaler = annotations[autoscalerClassKey] ?? ''
  if (autoscaler !== 'none') return invalid(`Multinode only supports 'none' autoscaler(${autoscaler})`)
  if ((workerSpec.containers ?? []).length > 1) {
    return invalid('setting multiple containers in workerSpec is not allowed')
  }
  if (model !== undefined) {
    for (const variable of ['PIPELINE_PARALLEL_SIZE', 'TENSOR_PARALLEL_SIZE']) {
      if (model.env?.some(({ name }) => name === variable) === true) {
        return invalid(`setting ${variable} in environment variables is not allowed`)
      }
    }
    const known = new Set<string>([...gpuTypes, ...ownGpuTypes(annotations[gpuResourceTypesKey])])
    const resources = Object.keys({ ...model.resources?.limits, ...model.resources?.requests })
    if (resources.some((name) => name.includes('/') && !known.has(name))) {
      return invalid(
        `Unknown GPU resource type. Set '${gpuResourceTypesKey}' annotation to use custom gpu resource type`,
      )
    }
    if (model.storageUri === undefined) return invalid('StorageURI must be set for multinode enabled')
    const scheme = schemeOf(model.storageUri)
    if (scheme !== 'pvc' && scheme !== 'oci') {
      return invalid(`Multinode only supports 'pvc' and 'oci' Storage Protocol(${scheme})`)
    }
  }
  for (const [field, size] of [
    ['PipelineParallelSize', workerSpec.pipelineParallelSize],
    ['TensorParallelSize', workerSpec.tensorParallelSize],
  ] as const) {
    if (size !== undefined && size < 1) return invalid(`WorkerSpec.${field} cannot be less than 1(${size})`)
  }
  return undefined
}

/** A JSON list of resource names; anything else names none. */
function ownGpuTypes(annotation: string | undefined): string[] {
  if (annotation === undefined) return []
  try {
    const list: unknown = JSON.parse(annotation)
    return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : []
  } catch {
    return []
  }
}
