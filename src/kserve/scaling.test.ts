import { describe, expect, it } from 'vitest'

import { quantityOf } from './quantity.ts'
import { scalingOf } from './scaling.ts'
import { inferenceServiceSchema } from './schema/inference-service.ts'

const prefix = 'autoscaling.knative.dev/'

const hpaClass = { 'serving.kserve.io/autoscalerClass': 'hpa' }
const percent = (value: number) => ({ type: 'Utilization', value }) as const
const average = (value: string | number) => ({ type: 'AverageValue', value }) as const

type Component = Parameters<typeof scalingOf>[0]

function scaling(
  component: Component,
  annotations: Record<string, string> = {},
  mode: 'Knative' | 'Standard' = 'Knative',
) {
  return scalingOf(component, annotations, mode, 'spec.predictor')
}

function metricsOf(written: readonly object[], annotations: Record<string, string> = {}) {
  const { predictor } = inferenceServiceSchema.parse({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'a' },
    spec: { predictor: { autoScaling: { metrics: written }, containers: [{}] } },
  }).spec
  return scaling(predictor, annotations, 'Standard')
}

describe('scalingOf', () => {
  it('scales the GPUs of a manifest that KServe does not look at', () => {
    const seed = {
      ...hpaClass,
      'serving.kserve.io/metric': 'gpu-utilization',
      'serving.kserve.io/targetUtilizationPercentage': '70',
    }
    for (const mode of ['Knative', 'Standard'] as const) {
      expect(scaling({ minReplicas: 1, maxReplicas: 10 }, seed, mode)).toEqual({
        scaling: {
          class: 'hpa',
          annotations: { [`${prefix}min-scale`]: '1', [`${prefix}max-scale`]: '10' },
          metrics: [{ kind: 'replica', metric: 'gpu-utilization', target: percent(70) }],
        },
        warnings: [],
      })
    }
  })

  it.each<[string, Component, Record<string, string>, 'Knative' | 'Standard', object]>([
    [
      'scaleMetric',
      { scaleMetric: 'cpu', scaleTarget: 50 },
      {},
      'Standard',
      { kind: 'resource', resource: 'cpu', target: percent(50) },
    ],
    [
      'scaleMetric without a target',
      { scaleMetric: 'memory' },
      {},
      'Standard',
      { kind: 'resource', resource: 'memory', target: percent(80) },
    ],
    [
      'a target in Standard mode',
      { scaleTarget: 50 },
      {},
      'Standard',
      { kind: 'resource', resource: 'cpu', target: percent(50) },
    ],
    ['the class hpa', {}, hpaClass, 'Knative', { kind: 'resource', resource: 'cpu', target: percent(80) }],
    [
      'the class keda',
      {},
      { 'serving.kserve.io/autoscalerClass': 'keda' },
      'Standard',
      { kind: 'resource', resource: 'cpu', target: percent(80) },
    ],
    [
      "the class of Knative's HPA",
      {},
      { [`${prefix}class`]: 'hpa.autoscaling.knative.dev', [`${prefix}target`]: '60' },
      'Knative',
      { kind: 'resource', resource: 'cpu', target: percent(60) },
    ],
    [
      "Knative's metric",
      {},
      { [`${prefix}metric`]: 'kv_cache', [`${prefix}target`]: '90' },
      'Knative',
      { kind: 'replica', metric: 'kv-cache', target: percent(90) },
    ],
    [
      'an alias',
      { scaleTarget: 3 },
      { 'serving.kserve.io/metrics': 'num_requests_waiting' },
      'Knative',
      { kind: 'replica', metric: 'waiting', target: average('3') },
    ],
    [
      'a default target',
      {},
      { [`${prefix}metric`]: 'waiting' },
      'Knative',
      { kind: 'replica', metric: 'waiting', target: average(5) },
    ],
    [
      'what gateways report',
      {},
      { [`${prefix}metric`]: 'tokens-per-second', [`${prefix}target`]: '1500' },
      'Knative',
      { kind: 'gateway', metric: 'tokens-per-second', target: average('1500') },
    ],
  ])('is of class hpa by %s', (_what, component, annotations, mode, metric) => {
    const found = scaling(component, annotations, mode)
    expect(found.warnings).toEqual([])
    expect(found.scaling).toMatchObject({ class: 'hpa', metrics: [metric] })
    expect(Object.keys(found.scaling.annotations)).toEqual([`${prefix}min-scale`])
  })

  it.each<[string, Component, Record<string, string>, string]>([
    [
      'unknown',
      {},
      { [`${prefix}metric`]: 'gpu-temperature' },
      `metadata.annotations[${prefix}metric]: "gpu-temperature" is no metric; concurrency, rps, cpu, memory, running, `,
    ],
    [
      'without a target',
      {},
      { [`${prefix}metric`]: 'ttft' },
      `metadata.annotations[${prefix}metric]: ttft needs a target`,
    ],
    [
      'with a target that is none',
      {},
      {
        'serving.kserve.io/metric': 'gpu-utilization',
        'serving.kserve.io/targetUtilizationPercentage': 'much',
      },
      'metadata.annotations[serving.kserve.io/metric]: the target of gpu-utilization is "much"; a percentage above 0 is allowed, such as 70',
    ],
    [
      'with an amount that is none',
      {},
      { [`${prefix}metric`]: 'waiting', [`${prefix}target`]: '-1' },
      `metadata.annotations[${prefix}metric]: the target of waiting is "-1"; an amount above 0 is allowed, such as 5, 0.5 or 500m`,
    ],
  ])('gives way to concurrency where the metric is %s', (_what, component, annotations, warning) => {
    const found = scaling(component, annotations)
    expect(found.scaling).toEqual({ class: 'kpa', annotations: { [`${prefix}min-scale`]: '1' } })
    expect(found.warnings).toEqual([expect.stringContaining(warning)])
    expect(found.warnings[0]).toMatch(/; it is scaled on concurrency with the default target instead$/)
  })

  it.each([['rps'], ['concurrency']] as const)('leaves %s to the KPA, whatever the class is', (metric) => {
    const byField = scaling({ scaleMetric: metric, scaleTarget: 5 }, hpaClass, 'Standard')
    expect(byField).toMatchObject({
      scaling: { class: 'kpa', annotations: { [`${prefix}metric`]: metric, [`${prefix}target`]: '5' } },
      warnings: [],
    })
    const byKey = scaling({}, { ...hpaClass, 'serving.kserve.io/metric': metric })
    expect(byKey.scaling).toMatchObject({ class: 'kpa', annotations: { [`${prefix}metric`]: metric } })
  })

  it.each([
    ['none', 'fixed'],
    ['external', 'external'],
  ])('autoscalerClass %s is class %s', (autoscaler, kind) => {
    expect(scaling({}, { 'serving.kserve.io/autoscalerClass': autoscaler }).scaling.class).toBe(kind)
  })

  it('takes the policy for language models with its settings, and where their metrics are', () => {
    const runtimeAndService = {
      'prometheus.kserve.io/port': '8000',
      'prometheus.kserve.io/path': '/metrics',
      'pilotlight.dev/policy': 'llm',
      'pilotlight.dev/llm-kv-target': '0.7',
      'pilotlight.dev/sticky': 'header:x',
      [`${prefix}metric`]: 'rps',
      [`${prefix}window`]: '30s',
    }
    const found = scaling({ annotations: { 'prometheus.kserve.io/port': '9000' } }, runtimeAndService)
    expect(found.scaling).toEqual({
      class: 'llm',
      annotations: {
        [`${prefix}min-scale`]: '1',
        [`${prefix}window`]: '30s',
        'prometheus.kserve.io/port': '9000',
        'prometheus.kserve.io/path': '/metrics',
        'pilotlight.dev/policy': 'llm',
        'pilotlight.dev/llm-kv-target': '0.7',
      },
    })
  })

  it("takes all of KServe's metrics, in their order", () => {
    const { scaling: found, warnings } = metricsOf([
      {
        type: 'Resource',
        resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '2Gi' } },
      },
      {
        type: 'External',
        external: {
          metric: {
            backend: 'prometheus',
            serverAddress: 'http://prometheus:9090',
            query: 'sum(up)',
            namespace: 'ml',
          },
          target: { type: 'Value', value: '3' },
        },
      },
      { type: 'External', external: { metric: { query: 'sum(down)' }, target: { value: 2 } } },
      {
        type: 'PodMetric',
        podmetric: {
          metric: { backend: 'opentelemetry', query: 'jobs{queue="a"}', operationOverTime: 'avg' },
          target: { value: '4' },
        },
      },
      { type: 'PodMetric', podmetric: { metric: { metricNames: ['tasks'] }, target: { value: '4' } } },
      {
        type: 'PodMetric',
        podmetric: {
          metric: { query: 'sum(jobs)', serverAddress: 'http://prometheus:9090' },
          target: { value: '4' },
        },
      },
    ])
    expect(warnings).toEqual([])
    expect(found.metrics).toEqual([
      { kind: 'resource', resource: 'memory', target: average('2Gi') },
      {
        kind: 'prometheus',
        query: 'sum(up)',
        server: 'http://prometheus:9090',
        namespace: 'ml',
        target: { type: 'Value', value: '3' },
      },
      { kind: 'prometheus', query: 'sum(down)', target: average(2) },
      { kind: 'series', query: 'jobs{queue="a"}', overTime: 'avg', target: average('4') },
      { kind: 'series', query: 'tasks', target: average('4') },
      { kind: 'prometheus', query: 'sum(jobs)', server: 'http://prometheus:9090', target: average('4') },
    ])
  })

  it('leaves out what it cannot measure, and says why', () => {
    const cpu = { type: 'Resource', resource: { name: 'cpu' } }
    const path = 'spec.predictor.autoScaling.metrics[1]'
    const left = (metric: object): readonly string[] => {
      const found = metricsOf([cpu, metric])
      expect(found.scaling).toMatchObject({
        class: 'hpa',
        metrics: [{ resource: 'cpu', target: percent(80) }],
      })
      return found.warnings
    }
    expect(left({ type: 'External', external: { metric: { backend: 'graphite', query: 'a' } } })).toEqual([
      `${path}.external.metric.backend: graphite is not asked; prometheus is allowed`,
    ])
    expect(
      left({
        type: 'External',
        external: { metric: { query: 'a' }, authenticationRef: { authModes: 'bearer' } },
      }),
    ).toEqual([expect.stringContaining(`${path}.external.authenticationRef has no effect`)])
    expect(
      left({ type: 'External', external: { metric: { query: 'a', serverAddress: 'prometheus' } } }),
    ).toEqual([
      `${path}.external.metric.serverAddress: "prometheus" is no address; http://host:port is allowed`,
    ])
    expect(left({ type: 'External', external: { metric: { query: 'a' } } })).toEqual([
      `${path}.external.target has no amount; value, averageValue and averageUtilization are allowed`,
    ])
    expect(left({ type: 'PodMetric', podmetric: { metric: { query: 'sum(jobs)' } } })).toEqual([
      expect.stringContaining(`${path}.podmetric.metric.query: "sum(jobs)" is no plain series`),
    ])
    expect(
      left({ type: 'PodMetric', podmetric: { metric: { query: 'a', operationOverTime: 'median' } } }),
    ).toEqual([expect.stringContaining('avg, max, min, rate, count, last_one are allowed')])
  })

  it('passes on the behavior of an HPA', () => {
    const behavior = {
      scaleUp: { policies: [{ type: 'Pods', value: 1 }] },
      scaleDown: { stabilizationWindowSeconds: 0, tolerance: '50m' },
    }
    expect(scaling({ autoScaling: { behavior } }, hpaClass).scaling.behavior).toEqual({
      scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 0 }] },
      scaleDown: { stabilizationWindowSeconds: 0, tolerance: '50m' },
    })
  })

  it.each([
    ['0', undefined],
    ['two', undefined],
    ['3', '3'],
  ])('initial-scale %s becomes %s', (given, kept) => {
    const { annotations } = scaling({}, { [`${prefix}initial-scale`]: given }).scaling
    expect(annotations[`${prefix}initial-scale`]).toBe(kept)
  })

  it('lets a component’s annotation go before the service’s', () => {
    const component = { annotations: { [`${prefix}window`]: '30s' } }
    const { annotations } = scaling(component, { [`${prefix}window`]: '60s' }).scaling
    expect(annotations[`${prefix}window`]).toBe('30s')
  })
})

describe('quantityOf', () => {
  it.each([
    ['1Ki', 1024],
    ['500m', 0.5],
    ['2G', 2e9],
    ['1e3', 1000],
    ['x', Number.NaN],
  ])('%s is %d', (quantity, bytes) => {
    expect(quantityOf(quantity)).toBe(bytes)
  })
})
