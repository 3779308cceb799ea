import { describe, expect, it } from 'vitest'

import { explainDocuments, type ExplainOptions } from './explain.ts'

/** 70 % of the target, of containerConcurrency, or of 100: enough arithmetic for these cases. */
const effectiveTarget: ExplainOptions['effectiveTarget'] = (annotations, containerConcurrency) =>
  0.7 * (Number(annotations['autoscaling.knative.dev/target'] ?? 0) || containerConcurrency || 100)

const explain = (text: string, options: Partial<ExplainOptions> = {}) =>
  explainDocuments([{ file: 'm.yaml', text }], { effectiveTarget, ...options })

const service = (spec: string, metadata = ''): string =>
  `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: iris${metadata}}, spec: ${spec}}\n`

const llama = service(
  '{predictor: {maxReplicas: 10, nodeSelector: {gpu: a100}, pytorch: {storageUri: s3://a/b}}}',
  ', annotations: {serving.kserve.io/metric: gpu-utilization, serving.kserve.io/targetUtilizationPercentage: "70"}',
)

const oddRuntime =
  '{apiVersion: serving.kserve.io/v1alpha1, kind: ServingRuntime, metadata: {name: odd}, ' +
  'spec: {supportedModelFormats: [{name: toy}], containers: [{name: server, command: [serve]}]}}\n---\n'

describe('explainDocuments in strict mode', () => {
  it('gives KServe’s values in both modes', () => {
    const [row] = explain(service('{predictor: {scaleTarget: 5, timeout: 60, sklearn: {}}}'), {
      strict: true,
    })
    expect(row).toMatchObject({
      verdict: 'accept',
      mode: 'Knative',
      target: '5',
      kpa_effective_target: '3.5',
      timeout_s: '60',
      runtime: 'kserve-sklearnserver',
      url: 'http://iris.default.example.com',
      std_autoscaler: 'hpa',
      std_min: '1',
      std_max: '1',
      std_target: '5 Utilization',
      std_url: 'http://iris-default.example.com',
    })
  })

  it('says where Knative refuses what KServe accepted', () => {
    const [row] = explain(llama, { strict: true })
    expect(row?.verdict).toBe('accept, Knative webhook rejects')
    expect(row?.kserve_message).toBe('must not set the field(s): spec.template.spec.nodeSelector')
    expect(row?.std_verdict).toBe('accept')
  })

  it.each([
    ['containerConcurrency: 2000', 'expected 0 <= 2000 <= 1000: spec.template.spec.containerConcurrency'],
    ['timeout: 700', 'expected 0 <= 700 <= 600: spec.template.spec.timeoutSeconds'],
    [
      'canaryTrafficPercent: 150',
      'Traffic targets sum to 150, want 100: spec.traffic\nexpected 0 <= 150 <= 100: spec.traffic[0].percent',
    ],
    [
      'canaryTrafficPercent: -5',
      'expected 0 <= -5 <= 100: spec.traffic[0].percent\nexpected 0 <= 105 <= 100: spec.traffic[1].percent',
    ],
  ])('knows the bounds of Knative: %s', (field, message) => {
    const [row] = explain(service(`{predictor: {${field}, sklearn: {}}}`), { strict: true })
    expect(row?.kserve_message).toBe(message)
  })

  it('sees the runtimes of the same file, and wants their container called kserve-container', () => {
    const text = oddRuntime + service('{predictor: {model: {modelFormat: {name: toy}, runtime: odd}}}')
    const [, row] = explain(text, { strict: true })
    expect(row).toMatchObject({
      verdict: 'accept, reconcile fails',
      kserve_message:
        'fails to reconcile component: failed to find kserve-container in ServingRuntime containers',
      runtime: 'odd',
    })
  })

  it('tells a message once where both modes have it, and twice where they differ', () => {
    const scaling = '{predictor: {scaleMetric: rps, scaleTarget: 0, sklearn: {}}}'
    const [both] = explain(service('{predictor: {minReplicas: -1, sklearn: {}}}'), { strict: true })
    expect([both?.std_verdict, both?.std_message]).toEqual(['reject', ''])
    const [differ] = explain(service(scaling, ', annotations: {serving.kserve.io/autoscalerClass: hpa}'), {
      strict: true,
    })
    expect(differ?.kserve_message).toBe('the target for rps should be greater than 1')
    expect(differ?.std_message).toBe('[rps] is not a supported metric')
  })

  it.each([
    ['keda', 'maxReplicas: 4', ['keda', '0', '4', '', '']],
    ['hpa', 'maxReplicas: 4', ['hpa', '1', '4', 'cpu', '80 Utilization']],
    ['hpa', 'scaleMetric: memory, scaleTarget: 60', ['hpa', '1', '1', 'memory', '60 Utilization']],
    ['none', 'maxReplicas: 4', ['none/external', '0', '0', '', '']],
    ['external', 'maxReplicas: 4', ['none/external', 'unset', 'unset', '', '']],
  ])('in Standard mode with class %s and %s', (autoscaler, fields, expected) => {
    const annotations = `, annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: ${autoscaler}}`
    const [row] = explain(service(`{predictor: {minReplicas: 0, ${fields}, sklearn: {}}}`, annotations), {
      strict: true,
    })
    expect([row?.autoscaler, row?.min, row?.max, row?.metric, row?.target]).toEqual(expected)
  })
})

describe('explainDocuments in our words', () => {
  it('serves the GPU manifest, and says what it is scaled on', () => {
    const [row] = explain(llama)
    expect(row).toMatchObject({
      verdict: 'accept',
      metric: 'gpu-utilization',
      target: '70 Utilization',
      max: '10',
    })
    expect(row?.autoscaler).toBe('hpa')
    expect(row?.url).toBe('http://iris.default.localhost')
    expect(row?.note).toBe('gpu-utilization: measured by us; KServe does not look at it')
    expect(row?.does).toBe(
      'It is run by kserve-torchserve and answers at http://iris.default.localhost; ' +
        'at least 1 replica and at most 10, by gpu-utilization, target 70 Utilization.',
    )
  })

  it('serves a runtime whose container has another name', () => {
    const text = oddRuntime + service('{predictor: {model: {modelFormat: {name: toy}, runtime: odd}}}')
    const rows = explain(text, { runtimes: 'local' })
    expect(rows.map(({ verdict }) => verdict)).toEqual(['accept', 'accept'])
  })

  it('asks for a command where replicas are processes', () => {
    const [row] = explain(service('{predictor: {containers: [{image: "a:1"}]}}'), { runtimes: 'local' })
    expect(row?.verdict).toBe('accept, reconcile fails')
    expect(row?.does).toMatch(/cannot be served: .*set spec\.predictor\.containers\[0\]\.command/)
  })

  it('has the caller’s address, and the traffic of a canary', () => {
    const [row] = explain(service('{predictor: {canaryTrafficPercent: 10, sklearn: {}}}'), {
      url: (namespace, name) => `http://gateway/${namespace}/${name}`,
    })
    expect(row?.url).toBe('http://gateway/default/iris')
    expect(row?.traffic_after_deploy).toBe('-:latest=10;prev:iris-predictor-00001=90')
  })

  it('explains what has no effect and what is refused', () => {
    const [other, broken, refused] = explain(
      `{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\na: {b}/c\n---\n${service('{predictor: {}}')}`,
    )
    expect(other?.does).toBe('It has no effect here.')
    expect(broken).toMatchObject({ verdict: 'reject', stage: 'yaml-parse', source: 'm.yaml#1' })
    expect(refused?.does).toMatch(
      /^It is refused: spec\.predictor says nothing to serve: it needs model, a framework/,
    )
  })
})
