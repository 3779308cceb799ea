import type { InferenceService } from './schema/inference-service.ts'
import { nearestName } from './unknown-fields.ts'

/** KServe's keys that it, or we, read; a key close to one of them is probably a slip. */
const kserveKeys = [
  'deploymentMode',
  'autoscalerClass',
  'stop',
  'enable-tag-routing',
  'disable-auto-update',
  'enable-metric-aggregation',
  'enable-prometheus-scraping',
  'gpu-resource-types',
  'gke-accelerator',
  'nodegroup',
  'disable-localmodel',
  'storageSecretName',
  'storage-initializer-uid',
  'logger-secret-name',
  'logger-secret-path',
  'logger-secret-file',
  'server-type',
  'inferencepool-migrated',
  'metric',
  'metrics',
  'targetUtilizationPercentage',
].map((key) => `serving.kserve.io/${key}`)

/** What a reader of the manifest may expect and does not get. */
export function serviceWarnings({ metadata, spec }: InferenceService, local: boolean): string[] {
  const warnings: string[] = []
  for (const key of Object.keys(metadata.annotations ?? {})) {
    if (!key.startsWith('serving.kserve.io/') || kserveKeys.includes(key)) continue
    const nearest = nearestName(key, kserveKeys)
    if (nearest !== undefined)
      warnings.push(`metadata.annotations[${key}]: unknown key; did you mean ${nearest}?`)
  }
  for (const kind of ['predictor', 'transformer', 'explainer'] as const) {
    const component = spec[kind]
    if (component === undefined) continue
    for (const field of ['logger', 'batcher'] as const) {
      if (component[field] !== undefined) warnings.push(`spec.${kind}.${field} has no effect yet`)
    }
    if (!local) continue
    for (const [index, { name = '', env = [] }] of (component.containers ?? []).entries()) {
      const elsewhere = env
        .filter(({ valueFrom }) => valueFrom !== undefined)
        .map((variable) => variable.name)
      if (elsewhere.length > 0) {
        warnings.push(
          `spec.${kind}.containers[${index}] (${name}): ${elsewhere.join(', ')} is not set on this machine: ` +
            'valueFrom needs a cluster',
        )
      }
    }
    if ((component.containers ?? []).length > 1) {
      warnings.push(`spec.${kind}.containers: only one of them is run on this machine`)
    }
  }
  if (spec.predictor.workerSpec !== undefined) {
    warnings.push('spec.predictor.workerSpec has no effect yet: a replica runs on one node')
  }
  const percent = spec.predictor.canaryTrafficPercent
  if (percent !== undefined && (spec.canary ?? []).length > 0) {
    warnings.push(`spec.predictor.canaryTrafficPercent: ${percent} has no effect beside spec.canary`)
  }
  return warnings
}
