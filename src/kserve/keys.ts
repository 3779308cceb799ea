/** Annotations and labels that KServe, Knative and we read. */

export const deploymentModeKey = 'serving.kserve.io/deploymentMode'
export const autoscalerClassKey = 'serving.kserve.io/autoscalerClass'
export const stopKey = 'serving.kserve.io/stop'
export const tagRoutingKey = 'serving.kserve.io/enable-tag-routing'
export const gpuResourceTypesKey = 'serving.kserve.io/gpu-resource-types'
export const knativeVisibilityKey = 'networking.knative.dev/visibility'
export const kserveVisibilityKey = 'networking.kserve.io/visibility'
export const stickyKey = 'pilotlight.dev/sticky'
/** Beside KServe's controller: `true` gives a service to us. */
export const adoptKey = 'pilotlight.dev/adopt'

export const knativeAutoscaling = 'autoscaling.knative.dev/'
export const knativeClassKey = `${knativeAutoscaling}class`
export const knativeMetricKey = `${knativeAutoscaling}metric`
export const knativeTargetKey = `${knativeAutoscaling}target`
export const knativeMinScaleKey = `${knativeAutoscaling}min-scale`
export const knativeMaxScaleKey = `${knativeAutoscaling}max-scale`
/** How long a new revision may take to its first ready replica; read beside the autoscaling keys. */
export const progressDeadlineKey = 'serving.knative.dev/progress-deadline'
export const knativeHpaClass = 'hpa.autoscaling.knative.dev'

/** Defined or once read by KServe, and read by nobody since v0.15; `metric` never was a key of KServe. */
export const legacyMetricKeys = ['serving.kserve.io/metric', 'serving.kserve.io/metrics'] as const
export const legacyTargetKey = 'serving.kserve.io/targetUtilizationPercentage'

/** `llm`: the policy for engines of language models. */
export const policyKey = 'pilotlight.dev/policy'
/** Which engine a replica runs, where nothing else says it. */
export const engineKey = 'pilotlight.dev/engine'
/** Settings of that policy; what they may be is for the autoscaler to say. */
const llmKeys = [
  'waiting-target',
  'kv-target',
  'capacity',
  'ttft-objective',
  'itl-objective',
  'consolidation-bound',
  'scale-down-delay',
  'reading-max-age',
].map((name) => `pilotlight.dev/llm-${name}`)

/** Every key of ours, for the nearest neighbour of an unknown one. */
export const ownKeys: readonly string[] = [stickyKey, adoptKey, policyKey, engineKey, ...llmKeys]

export type DeploymentMode = 'Knative' | 'Standard' | 'ModelMesh'

const modes: Readonly<Record<string, DeploymentMode>> = {
  Knative: 'Knative',
  Serverless: 'Knative',
  Standard: 'Standard',
  RawDeployment: 'Standard',
  ModelMesh: 'ModelMesh',
}

/** The mode that the annotation asks for, or `fallback` where it names none. Source: KServe's GetDeploymentMode. */
export function deploymentModeOf(
  annotations: Readonly<Record<string, string>> | undefined,
  fallback: DeploymentMode,
): DeploymentMode {
  return modes[annotations?.[deploymentModeKey] ?? ''] ?? fallback
}
