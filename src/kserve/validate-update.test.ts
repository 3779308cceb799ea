import { describe, expect, it } from 'vitest'
import type { InferenceService } from './schema/inference-service.ts'
import { inferenceServiceSchema } from './schema/inference-service.ts'
import { updateError } from './validate-update.ts'

function serviceOf(
  storageUri: string,
  options: { readonly name?: string; readonly mode?: string } = {},
): InferenceService {
  const { name, mode } = options
  return inferenceServiceSchema.parse({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name: 'iris',
      ...(mode === undefined ? {} : { annotations: { 'serving.kserve.io/deploymentMode': mode } }),
    },
    spec: {
      predictor: {
        ...(name === undefined ? {} : { name }),
        model: { modelFormat: { name: 'sklearn' }, storageUri },
      },
    },
  })
}

describe('a changed InferenceService', () => {
  it('keeps the mode that it was deployed in', () => {
    const before = { deploymentMode: 'Knative', service: serviceOf('s3://a') } as const
    expect(updateError(before, serviceOf('s3://a', { mode: 'Standard' }))).toBe(
      "update rejected: deploymentMode cannot be changed from 'Knative' to 'Standard'",
    )
    expect(updateError(before, serviceOf('s3://b', { mode: 'Knative' }))).toBeUndefined()
    expect(updateError(before, serviceOf('s3://b'))).toBeUndefined()
  })

  it('brings another model when its predictor has another name', () => {
    const before = { deploymentMode: 'Standard', service: serviceOf('s3://a') } as const
    expect(updateError(before, serviceOf('s3://a', { name: 'v2' }))).toBe(
      'predictor.name change requires a model change (e.g. storageUri)',
    )
    expect(updateError(before, serviceOf('s3://b', { name: 'v2' }))).toBeUndefined()
    expect(updateError(before, serviceOf('s3://a'))).toBeUndefined()
  })
})
