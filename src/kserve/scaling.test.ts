import { describe, expect, it } from 'vitest'

import { bytesOf } from './quantity.ts'
import { scalingOf } from './scaling.ts'

const prefix = 'autoscaling.knative.dev/'

describe('scalingOf', () => {
  it.each([
    [
      'scaleMetric',
      { scaleMetric: 'cpu' as const, scaleTarget: 50 },
      {},
      'Standard' as const,
      'cpu',
      'spec.predictor.scaleMetric',
    ],
    [
      'a target of the CPU',
      { scaleTarget: 50 },
      {},
      'Standard' as const,
      'cpu',
      'spec.predictor.scaleTarget',
    ],
    [
      'the class of Knative’s HPA',
      {},
      { [`${prefix}class`]: 'hpa.autoscaling.knative.dev' },
      'Knative' as const,
      'cpu',
      `metadata.annotations[${prefix}class]`,
    ],
    [
      'a metric annotation',
      {},
      { [`${prefix}metric`]: 'memory' },
      'Knative' as const,
      'memory',
      `metadata.annotations[${prefix}metric]`,
    ],
    [
      'a query',
      { autoScaling: { metrics: [{ type: 'External' as const, external: { metric: { query: 'up' } } }] } },
      {},
      'Standard' as const,
      'up',
      'spec.predictor.autoScaling.metrics[0]',
    ],
  ])('gives way to concurrency: %s', (_, component, annotations, mode, metric, field) => {
    const { scaling, unmeasured } = scalingOf(component, annotations, mode, 'spec.predictor')
    expect(unmeasured).toMatchObject({ metric, field })
    expect(scaling).toEqual({ class: 'kpa', annotations: { [`${prefix}min-scale`]: '1' } })
  })

  it('honours a metric that is measured, in Standard mode too', () => {
    const { scaling, unmeasured } = scalingOf(
      { scaleMetric: 'rps', scaleTarget: 5 },
      {},
      'Standard',
      'spec.predictor',
    )
    expect(unmeasured).toBeUndefined()
    expect(scaling.annotations).toMatchObject({ [`${prefix}metric`]: 'rps', [`${prefix}target`]: '5' })
  })

  it.each([
    ['0', undefined],
    ['two', undefined],
    ['3', '3'],
  ])('initial-scale %s becomes %s', (given, kept) => {
    const { scaling } = scalingOf({}, { [`${prefix}initial-scale`]: given }, 'Knative', 'spec.predictor')
    expect(scaling.annotations[`${prefix}initial-scale`]).toBe(kept)
  })

  it('lets a component’s annotation go before the service’s', () => {
    const component = { annotations: { [`${prefix}window`]: '30s' } }
    const { scaling } = scalingOf(component, { [`${prefix}window`]: '60s' }, 'Knative', 'spec.predictor')
    expect(scaling.annotations[`${prefix}window`]).toBe('30s')
  })
})

describe('bytesOf', () => {
  it.each([
    ['1Ki', 1024],
    ['500m', 0.5],
    ['2G', 2e9],
    ['1e3', 1000],
    ['x', Number.NaN],
  ])('%s is %d', (quantity, bytes) => {
    expect(bytesOf(quantity)).toBe(bytes)
  })
})
