import { deploymentModeKey, deploymentModeOf, type DeploymentMode } from './keys.ts'
import { frameworks, type InferenceService, type Model, type Predictor } from './schema/inference-service.ts'

/**
 * KServe's mutating webhook: today's name of the deployment mode, and a framework field (`sklearn:`) moved
 * into `model`. Source: pkg/apis/serving/v1beta1/inference_service_defaults.go.
 */
export function withDefaults(given: InferenceService, defaultMode: DeploymentMode): InferenceService {
  const annotations = given.metadata.annotations ?? {}
  const predictor = modelFromFramework(given.spec.predictor)
  const format = predictor.model?.modelFormat.name
  return {
    ...given,
    metadata: {
      ...given.metadata,
      annotations: {
        ...annotations,
        ...(annotations[deploymentModeKey] === undefined && defaultMode === 'Knative'
          ? {}
          : { [deploymentModeKey]: deploymentModeOf(annotations, defaultMode) }),
        ...(format === undefined ? {} : { modelFormat: format }),
      },
      labels: { ...given.metadata.labels, ...serverLabels(predictor.model) },
    },
    spec: { ...given.spec, predictor },
  }
}

/** Formats that speak the V2 protocol unless the manifest says otherwise. */
const v2Frameworks: ReadonlySet<string> = new Set(['triton', 'onnx', 'huggingface'])
const v2Formats: ReadonlySet<string> = new Set(['triton', 'vLLM'])

/** Moves the first framework field into `model`, over a `model` that stands beside it. */
export function modelFromFramework(predictor: Predictor): Predictor {
  const framework = frameworks.find((name) => predictor[name] !== undefined)
  if (framework !== undefined) {
    const { [framework]: fields, ...rest } = predictor
    const protocol = v2Frameworks.has(framework) ? { protocolVersion: 'v2' } : {}
    return { ...rest, model: { ...protocol, ...fields, modelFormat: { name: framework } } }
  }
  const { model } = predictor
  if (model === undefined || model.protocolVersion !== undefined || !v2Formats.has(model.modelFormat.name)) {
    return predictor
  }
  return { ...predictor, model: { ...model, protocolVersion: 'v2' } }
}

const mlserverClasses: Readonly<Record<string, string>> = {
  sklearn: 'mlserver_sklearn.SKLearnModel',
  xgboost: 'mlserver_xgboost.XGBoostModel',
  lightgbm: 'mlserver_lightgbm.LightGBMModel',
  mlflow: 'mlserver_mlflow.MLflowRuntime',
}

/** The labels that the runtimes of MLServer and TorchServe put into their environment. */
function serverLabels(model: Model | undefined): Record<string, string> {
  if (model === undefined) return {}
  const { name } = model.modelFormat
  const modelClass = mlserverClasses[name]
  return {
    ...(modelClass !== undefined && model.protocolVersion === 'v2' ? { modelClass } : {}),
    ...(name === 'pytorch'
      ? { serviceEnvelope: model.protocolVersion === 'v2' ? 'kservev2' : 'kserve' }
      : {}),
  }
}
