import { isDeepStrictEqual } from 'node:util'
import { admit } from './admit.ts'
import type { ManifestDocument } from './documents.ts'
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

/** The same for two documents as they were written; undefined too where either is refused by itself. */
export function changeRefusal(before: ManifestDocument, after: ManifestDocument): string | undefined {
  const was = admit(before, { defaultMode: 'Knative', runtimes: [] })
  const is = admit(after, { defaultMode: 'Knative', runtimes: [] })
  if (was.refusal !== undefined || is.refusal !== undefined) return undefined
  if (was.admitted.kind !== 'InferenceService' || is.admitted.kind !== 'InferenceService') return undefined
  const { mode, value: service } = was.admitted
  return mode === 'ModelMesh' ? undefined : updateError({ deploymentMode: mode, service }, is.admitted.value)
}
