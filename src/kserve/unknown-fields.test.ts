import { describe, expect, it } from 'vitest'

import { inferenceServiceSchema } from './schema/inference-service.ts'
import { describeUnknown, nearestName, unknownFields, withoutNulls } from './unknown-fields.ts'

const unknown = (spec: unknown) => unknownFields(inferenceServiceSchema, { spec }).map(describeUnknown)

describe('unknownFields', () => {
  it('names the field that was probably meant', () => {
    expect(unknown({ predictor: { minReplica: 1 } })).toEqual([
      'spec.predictor.minReplica: unknown field; did you mean minReplicas?',
    ])
  })

  it('says nothing of a name that is near to none', () => {
    expect(unknown({ nodeName: 'a' })).toEqual(['spec.nodeName: unknown field'])
  })

  it('looks into lists, maps, and what stands inline', () => {
    expect(
      unknown({
        predictor: {
          containers: [{ imagee: 'a', env: [{ name: 'A', valu: 'b' }] }],
          sklearn: { storageURI: 'x' },
        },
        canary: [{ trafficPercent: 1, predictor: { nam: 'v2' } }],
      }),
    ).toEqual([
      'spec.predictor.containers[0].imagee: unknown field; did you mean image?',
      'spec.predictor.containers[0].env[0].valu: unknown field; did you mean value?',
      'spec.predictor.sklearn.storageURI: unknown field; did you mean storageUri?',
      'spec.canary[0].predictor.nam: unknown field; did you mean name?',
    ])
  })

  it('does not look below an unknown field', () => {
    expect(unknown({ transformer: { custom: { container: {} } } })).toEqual([
      'spec.transformer.custom: unknown field',
    ])
  })
})

describe('nearestName', () => {
  it('takes a slip for a slip and another word for another word', () => {
    expect(nearestName('pilotlight.dev/stiky', ['pilotlight.dev/sticky'])).toBe('pilotlight.dev/sticky')
    expect(nearestName('alibi', ['art', 'containers'])).toBeUndefined()
    expect(nearestName('x', [])).toBeUndefined()
  })
})

describe('withoutNulls', () => {
  it('drops fields that are null, at any depth, and leaves items of lists', () => {
    expect(withoutNulls({ a: null, b: { c: null, d: [null, { e: null }] } })).toEqual({
      b: { d: [null, {}] },
    })
  })
})
