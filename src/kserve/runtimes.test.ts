import { describe, expect, it } from 'vitest'

import { catalogue } from './catalogue.ts'
import { selectRuntime, servingContainer, type Runtime } from './runtimes.ts'
import type { Model } from './schema/inference-service.ts'

const select = (
  model: Model,
  runtimes: readonly Runtime[] = catalogue,
  workerSpec?: Record<string, unknown>,
) => {
  const predictor = workerSpec === undefined ? { model } : { model, workerSpec }
  const selection = selectRuntime(predictor, 'default', runtimes)
  return 'failure' in selection
    ? selection.failure
    : { name: selection.runtime.name, protocol: selection.protocol }
}

const model = (name: string, more: object = {}): Model => ({ modelFormat: { name }, ...more })

const runtime = (name: string, format: object, more: Partial<Runtime> = {}): Runtime => ({
  kind: 'ClusterServingRuntime',
  name,
  spec: { containers: [], supportedModelFormats: [{ name: 'toy', autoSelect: true, ...format }] },
  ...more,
})

describe('the built-in runtimes', () => {
  it.each([
    ['sklearn', undefined, 'kserve-sklearnserver'],
    ['sklearn', 'v2', 'kserve-mlserver'],
    ['xgboost', undefined, 'kserve-xgbserver'],
    ['xgboost', 'v2', 'kserve-mlserver'],
    ['tensorflow', undefined, 'kserve-tensorflow-serving'],
    ['tensorflow', 'grpc-v2', 'kserve-tritonserver'],
    ['pytorch', undefined, 'kserve-torchserve'],
    ['onnx', 'v2', 'kserve-tritonserver'],
    ['lightgbm', undefined, 'kserve-lgbserver'],
    ['huggingface', undefined, 'kserve-huggingfaceserver'],
    ['vLLM', 'v2', 'kserve-vllmserver'],
  ])('%s in protocol %s gets %s', (format, protocolVersion, name) => {
    expect(select(model(format, protocolVersion === undefined ? {} : { protocolVersion }))).toMatchObject({
      name,
    })
  })

  it('are 14, and a workerSpec chooses the one for several nodes', () => {
    expect(catalogue).toHaveLength(14)
    expect(select(model('huggingface'), catalogue, {})).toMatchObject({
      name: 'kserve-huggingfaceserver-multinode',
    })
  })
})

describe('selectRuntime', () => {
  it('gives the lowest protocol of the runtime where the model names none', () => {
    expect(select(model('tensorflow'))).toMatchObject({ protocol: 'v1' })
    expect(select(model('tensorflow', { runtime: 'kserve-tritonserver' }))).toMatchObject({ protocol: 'v2' })
  })

  it('takes the highest priority, then the newest, then the first name', () => {
    const low = runtime('low', { priority: 1 })
    expect(select(model('toy'), [runtime('none', {}), low, runtime('high', { priority: 2 })])).toMatchObject({
      name: 'high',
    })
    expect(select(model('toy'), [low, runtime('late', { priority: 1 }, { createdAtMs: 5 })])).toMatchObject({
      name: 'late',
    })
    expect(select(model('toy'), [low, runtime('b', { priority: 1 })])).toMatchObject({ name: 'b' })
  })

  it('prefers any runtime of the namespace to every cluster runtime', () => {
    const near = runtime('near', {}, { kind: 'ServingRuntime', namespace: 'default' })
    const elsewhere = runtime('elsewhere', {}, { kind: 'ServingRuntime', namespace: 'other' })
    expect(select(model('toy'), [runtime('far', { priority: 9 }), elsewhere, near])).toMatchObject({
      name: 'near',
    })
    expect(select(model('toy'), [elsewhere])).toMatchObject({ reason: 'NoSupportingRuntime' })
  })

  it('matches a version only where one is asked for', () => {
    const versioned = [runtime('one', { version: '1' })]
    expect(select(model('toy'), versioned)).toMatchObject({ name: 'one' })
    expect(select({ modelFormat: { name: 'toy', version: '2' } }, versioned)).toEqual({
      reason: 'NoSupportingRuntime',
      message: 'no runtime found to support predictor with model type: {toy 2}',
    })
  })

  it.each([
    ['absent', 'RuntimeNotRecognized', 'No ServingRuntimes or ClusterServingRuntimes with the name: absent'],
    ['off', 'RuntimeDisabled', 'specified runtime off is disabled'],
    [
      'v2-only',
      'NoSupportingRuntime',
      'specified runtime v2-only does not support specified protocol version',
    ],
    ['other', 'NoSupportingRuntime', 'specified runtime other does not support specified framework/version'],
  ])('refuses the named runtime %s', (name, reason, message) => {
    const runtimes = [
      runtime('off', {}, { spec: { containers: [], disabled: true } }),
      runtime('v2-only', {}, { spec: { containers: [], protocolVersions: ['v2'] } }),
      runtime('other', { name: 'different' }),
    ]
    expect(select(model('toy', { runtime: name, protocolVersion: 'v1' }), runtimes)).toEqual({
      reason,
      message,
    })
  })
})

describe('servingContainer', () => {
  const spec = { containers: [{ name: 'triton' }, { name: 'helper' }] }

  it('is only kserve-container for KServe, and the first one too for us', () => {
    expect(servingContainer(spec, true)).toBeUndefined()
    expect(servingContainer(spec, false)).toEqual({ name: 'triton' })
  })
})
