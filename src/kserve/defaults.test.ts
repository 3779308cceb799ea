import { describe, expect, it } from 'vitest'

import { withDefaults } from './defaults.ts'
import { inferenceServiceSchema } from './schema/inference-service.ts'

const defaulted = (
  predictor: object,
  annotations: Record<string, string> = {},
  mode: 'Knative' | 'Standard' = 'Knative',
) =>
  withDefaults(
    inferenceServiceSchema.parse({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'a', annotations },
      spec: { predictor },
    }),
    mode,
  )

describe('withDefaults', () => {
  it.each([
    ['sklearn', undefined],
    ['triton', 'v2'],
    ['onnx', 'v2'],
    ['huggingface', 'v2'],
  ])('moves %s into model, with protocol %s', (framework, protocol) => {
    const { predictor } = defaulted({ [framework]: { storageUri: 'gs://a' } }).spec
    expect(predictor.model).toMatchObject({ modelFormat: { name: framework }, storageUri: 'gs://a' })
    expect(predictor.model?.protocolVersion).toBe(protocol)
    expect(predictor).not.toHaveProperty(framework)
  })

  it('keeps a protocol that is given, and gives vLLM v2', () => {
    expect(defaulted({ triton: { protocolVersion: 'grpc-v2' } }).spec.predictor.model?.protocolVersion).toBe(
      'grpc-v2',
    )
    const { model } = defaulted({ model: { modelFormat: { name: 'vLLM' } } }).spec.predictor
    expect(model?.protocolVersion).toBe('v2')
  })

  it('writes today’s name of the mode, and the mode itself where Standard is the default', () => {
    const key = 'serving.kserve.io/deploymentMode'
    expect(defaulted({ sklearn: {} }, { [key]: 'RawDeployment' }).metadata.annotations?.[key]).toBe(
      'Standard',
    )
    expect(defaulted({ sklearn: {} }, {}, 'Standard').metadata.annotations?.[key]).toBe('Standard')
    expect(defaulted({ sklearn: {} }).metadata.annotations).not.toHaveProperty(key)
  })

  it('tells MLServer and TorchServe what they serve', () => {
    expect(defaulted({ sklearn: { protocolVersion: 'v2' } }).metadata.labels).toEqual({
      modelClass: 'mlserver_sklearn.SKLearnModel',
    })
    expect(defaulted({ pytorch: {} }).metadata.labels).toEqual({ serviceEnvelope: 'kserve' })
  })
})
