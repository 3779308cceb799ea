import { autoscalerClassKey, type DeploymentMode } from './keys.ts'
import type { Container } from './schema/kubernetes.ts'
import {
  frameworks,
  type Extension,
  type InferenceService,
  type Predictor,
} from './schema/inference-service.ts'
import { canaryError } from './validate-canary.ts'
import { multiNodeError } from './validate-multi-node.ts'
import { scalingError } from './validate-scaling.ts'
import { storageUrisError } from './validate-storage.ts'

/**
 * KServe's validating webhook for InferenceServices: the first thing it would refuse, in its words, or
 * undefined. Source: pkg/apis/serving/v1beta1/inference_service_validation.go.
 */
export function serviceError(isvc: InferenceService, mode: DeploymentMode): string | undefined {
  const name = isvc.metadata.name ?? ''
  const annotations = isvc.metadata.annotations ?? {}
  const { predictor, transformer, explainer } = isvc.spec
  return (
    nameError('InferenceService', name) ??
    autoscalerClassError(annotations[autoscalerClassKey]) ??
    blockedEnvError('InferenceService', name, allContainers(isvc)) ??
    multiNodeError(isvc) ??
    collocatedStorageError(predictor) ??
    (predictor.model?.name === undefined
      ? undefined
      : `the 'name' field is not allowed in standard predictor`) ??
    storageUrisError(predictor) ??
    exactlyOneError(implementations(predictor), predictorChoices, 'PredictorSpec') ??
    protocolError(predictor) ??
    componentError(predictor, annotations, mode) ??
    (transformer === undefined
      ? undefined
      : (exactlyOneError(count(transformer.containers), transformerChoices, 'TransformerSpec') ??
        componentError(transformer, annotations, mode))) ??
    (explainer === undefined
      ? undefined
      : (exactlyOneError(
          count(explainer.containers) + (explainer.art === undefined ? 0 : 1),
          explainerChoices,
          'ExplainerSpec',
        ) ?? componentError(explainer, annotations, mode))) ??
    canaryError(isvc, mode)
  )
}

const namePattern = '[a-z]([-a-z0-9]*[a-z0-9])?'

export function nameError(kind: string, name: string): string | undefined {
  if (new RegExp(`^${namePattern}$`).test(name)) return undefined
  return (
    `the ${kind} "${name}" is invalid: a ${kind} name must consist of lower case alphanumeric characters or '-', ` +
    `and must start with alphabetical character. (e.g. "my-name" or "abc-123", regex used for validation is '${namePattern}')`
  )
}

function autoscalerClassError(autoscaler: string | undefined): string | undefined {
  if (autoscaler === undefined || ['hpa', 'external', 'keda', 'none'].includes(autoscaler)) return undefined
  return `[${autoscaler}] is not a supported autoscaler class type`
}

/** A container that sets PYTHONPATH could load code of its own into the model server. */
export function blockedEnvError(
  kind: string,
  name: string,
  containers: readonly Container[],
): string | undefined {
  const blocked = containers.find((container) =>
    container.env?.some((variable) => variable.name === 'PYTHONPATH'),
  )
  if (blocked === undefined) return undefined
  return (
    `the ${kind} "${name}" is invalid: setting PYTHONPATH in container "${blocked.name ?? ''}" ` +
    'is not allowed for security reasons'
  )
}

function allContainers({ spec }: InferenceService): Container[] {
  const { predictor, transformer, explainer } = spec
  return [
    predictor.model ?? {},
    ...(predictor.containers ?? []),
    ...(predictor.initContainers ?? []),
    ...(predictor.workerSpec?.containers ?? []),
    ...(transformer?.containers ?? []),
    ...(transformer?.initContainers ?? []),
    explainer?.art ?? {},
    ...(explainer?.containers ?? []),
    ...(explainer?.initContainers ?? []),
    ...(spec.canary ?? []).flatMap((canary) => [
      canary.predictor.model ?? {},
      ...(canary.predictor.containers ?? []),
    ]),
  ]
}

function collocatedStorageError({ containers = [] }: Predictor): string | undefined {
  const collocated = containers.find((container) => container.name === 'transformer-container')
  return collocated?.env?.some((variable) => variable.name === 'STORAGE_URI') === true
    ? 'storage uri should not be specified in transformer container'
    : undefined
}

const predictorChoices =
  'Name, SKLearn, XGBoost, Tensorflow, PyTorch, Triton, ONNX, HuggingFace, PMML, LightGBM, Paddle, Model, ' +
  'StorageUris, StorageContainerName, WorkerSpec, PodSpec'
const transformerChoices = 'PodSpec, ComponentExtensionSpec'
const explainerChoices = 'ART, PodSpec, ComponentExtensionSpec'

function exactlyOneError(found: number, choices: string, spec: string): string | undefined {
  return found === 1 ? undefined : `exactly one of [${choices}] must be specified in ${spec}`
}

/** How many ways to serve the predictor names: framework fields, `model`, and custom containers. */
export function implementations(predictor: Predictor): number {
  return (
    frameworks.filter((name) => predictor[name] !== undefined).length +
    (predictor.model === undefined ? 0 : 1) +
    count(predictor.containers)
  )
}

function count(containers: readonly Container[] | undefined): number {
  return (containers ?? []).length > 0 ? 1 : 0
}

/** The two halves of KServe's sentence are swapped in its source. */
function protocolError({ containers = [] }: Predictor): string | undefined {
  const protocol = containers[0]?.env?.find((variable) => variable.name === 'PROTOCOL')?.value
  if (protocol === undefined || protocol === 'v1' || protocol === 'v2') return undefined
  return `invalid protocol v1, v2. Must be one of [${protocol}]`
}

function componentError(
  component: Extension,
  annotations: Readonly<Record<string, string>>,
  mode: DeploymentMode,
): string | undefined {
  const { minReplicas = 1, maxReplicas = 0, containerConcurrency = 0 } = component
  if (minReplicas < 0) return `'MinReplicas' cannot be less than 0`
  if (maxReplicas < 0) return `'MaxReplicas' cannot be less than 0`
  if (maxReplicas !== 0 && minReplicas > maxReplicas)
    return `'MinReplicas' cannot be greater than MaxReplicas`
  if (containerConcurrency < 0) return 'parallelism cannot be less than 0'
  const error = scalingError(annotations, mode, component)
  if (error !== undefined) return error
  return component.deploymentStrategy !== undefined && mode !== 'Standard'
    ? 'customizing deploymentStrategy is only supported for raw deployment mode'
    : undefined
}
