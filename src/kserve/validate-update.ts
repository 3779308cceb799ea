import { isDeepStrictEqual } from 'node:util'
import { deploymentModeKey } from './keys.ts'
import type { InferenceService } from './schema/inference-service.ts'

/**
 * KServe's validating webhook on a change of an InferenceService: the first thing it would refuse, in its
 * words, or undefined. `deploymentMode` is the mode it was deployed in (`status.deploymentMode`); both
 * services have their defaults. Source: pkg/apis/serving/v1beta1/inference_service_validation.go.
 */
export function updateError(
  before: { readonly deploymentMode: 'Knative' | 'Standard'; readonly service: InferenceService },
  after: InferenceService,
): string | undefined {
  const mode = after.metadata.annotations?.[deploymentModeKey]
  if (mode !== undefined && mode !== before.deploymentMode) {
    return `update rejected: deploymentMode cannot be changed from '${before.deploymentMode}' to '${mode}'`
  }
  const [was, is] = [before.service.spec.predictor, after.spec.predictor]
  // Under a new name the old pods go: that is a promotion, and a promotion brings another model.
  if (
    before.deploymentMode === 'Standard' &&
    was.name !== is.name &&
    isDeepStrictEqual(was.model, is.model)
  ) {
    return 'predictor.name change requires a model change (e.g. storageUri)'
  }
  return undefined
}
