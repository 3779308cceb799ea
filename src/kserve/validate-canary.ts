import type { DeploymentMode } from './keys.ts'
import type { InferenceService } from './schema/inference-service.ts'

/** The rules for `spec.canary[]`, in KServe's words. */
export function canaryError({ spec }: InferenceService, mode: DeploymentMode): string | undefined {
  const { canary: canaries = [], predictor: stable } = spec
  if (canaries.length === 0) return undefined
  if (mode !== 'Standard') return 'canary is only supported in Standard deployment mode'
  if (stable.model === undefined) {
    return 'canary requires a stable predictor with a model (custom predictors are not supported)'
  }
  const seen = new Set<string>()
  for (const [index, { predictor }] of canaries.entries()) {
    const { name = '' } = predictor
    if (name === '') return `canary[${index}] predictor.name is required`
    if (seen.has(name)) return `canary predictor.name "${name}" is duplicated`
    seen.add(name)
    if (name === stable.name) return `canary predictor.name "${name}" conflicts with stable predictor name`
    const fixed = (['maxReplicas', 'scaleTarget', 'scaleMetric', 'autoScaling'] as const).find(
      (field) => predictor[field] !== undefined,
    )
    if (fixed !== undefined) return `canary "${name}" must not set ${fixed} (canary uses fixed replicas)`
    if (predictor.workerSpec !== undefined) {
      return `canary "${name}" must not set workerSpec (multi-node is not yet supported for canary)`
    }
    const stableMin = stable.minReplicas ?? 1
    if (predictor.minReplicas !== undefined && predictor.minReplicas > stableMin) {
      return `canary "${name}" minReplicas (${predictor.minReplicas}) must not exceed stable predictor minReplicas (${stableMin})`
    }
  }
  const sum = canaries.reduce((total, { trafficPercent }) => total + trafficPercent, 0)
  return sum > 100 ? `sum of canary trafficPercent values (${sum}) must be <= 100` : undefined
}
