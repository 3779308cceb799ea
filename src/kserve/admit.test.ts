import { describe, expect, it } from 'vitest'

import { admit } from './admit.ts'
import { catalogue } from './catalogue.ts'
import { parseDocuments } from './documents.ts'
import type { Runtime } from './runtimes.ts'

const admitText = (text: string, runtimes: readonly Runtime[] = catalogue) => {
  const [document] = parseDocuments(text, { file: 'm.yaml' })
  if (document === undefined) throw new Error('no document')
  return admit(document, { defaultMode: 'Knative', runtimes })
}

const refusal = (text: string, runtimes?: readonly Runtime[]) => {
  const { refusal: found } = admitText(text, runtimes)
  return found === undefined ? undefined : { stage: found.stage, message: found.message }
}

/** An InferenceService as flow YAML: `spec` is all that differs between the cases. */
const service = (spec: string, { name = 'foo', annotations = '{}' } = {}): string =>
  `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, ` +
  `metadata: {name: ${name}, annotations: ${annotations}}, spec: ${spec}}`

const predictor = (fields: string): string =>
  `{predictor: {${fields}model: {modelFormat: {name: sklearn}, storageUri: gs://a/b}}}`

describe('the stages before the validating webhook', () => {
  it.each([
    [
      'a version that is not served',
      service(predictor('')).replace('v1beta1', 'v1alpha2'),
      'api-discovery',
      'no matches for kind "InferenceService" in version "serving.kserve.io/v1alpha2"',
    ],
    [
      'an unquoted yes',
      service(predictor(''), { annotations: '{serving.kserve.io/stop: yes}' }),
      'decoding',
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string',
    ],
    [
      'a predictor without anything to serve',
      service('{predictor: {minReplicas: 1}}'),
      'mutating-webhook',
      'panic: runtime error: index out of range [0] with length 0',
    ],
    [
      'a value outside of an enum',
      service(predictor('scaleMetric: gpu-utilization, ')),
      'crd-schema',
      'spec.predictor.scaleMetric: Unsupported value: "gpu-utilization": supported values: "cpu", "memory", "concurrency", "rps"',
    ],
    [
      'a number out of range',
      service('{predictor: {sklearn: {}}, canary: [{trafficPercent: 150, predictor: {name: v2}}]}'),
      'crd-schema',
      'spec.canary[0].trafficPercent: Invalid value: 150: spec.canary[0].trafficPercent in body should be less than or equal to 100',
    ],
    [
      'a text for a number',
      service(predictor('minReplicas: two, ')),
      'crd-schema',
      'spec.predictor.minReplicas: Invalid value: "string": spec.predictor.minReplicas in body must be of type integer: "string"',
    ],
  ])('refuse %s', (_, text, stage, message) => {
    expect(refusal(text)).toEqual({ stage, message })
  })

  it('refuse an upper-case name before anything in the schema is looked at', () => {
    const found = refusal(service(predictor('scaleMetric: gpu, '), { name: 'Foo' }))
    expect(found?.stage).toBe('object-meta')
    expect(found?.message).toMatch(/^metadata\.name: Invalid value: "Foo": a lowercase RFC 1123 subdomain/)
  })

  it('name the kind that was probably meant', () => {
    const found = admitText(service(predictor('')).replace('InferenceService,', 'InferenceServce,'))
    expect(found.refusal?.hint).toBe('did you mean InferenceService in serving.kserve.io/v1beta1?')
  })

  it('drop unknown fields, and say so as kubectl would', () => {
    const { admitted, strictError, remarks } = admitText(
      service('{predictor: {minReplica: 2, sklearn: {}}, nodeName: a}'),
    )
    expect(admitted?.kind).toBe('InferenceService')
    expect(strictError).toBe(
      'InferenceService in version "v1beta1" cannot be handled as a InferenceService: strict decoding error: ' +
        'unknown field "spec.nodeName", unknown field "spec.predictor.minReplica"',
    )
    expect(remarks[0]).toEqual({
      message: 'spec.predictor.minReplica: unknown field; did you mean minReplicas?',
      line: 1,
    })
  })

  it('leave objects of other APIs alone', () => {
    expect(admitText('{apiVersion: v1, kind: Secret, metadata: {name: a}}').admitted).toEqual({
      kind: 'other',
    })
  })
})
