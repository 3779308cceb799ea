import { describe, expect, it } from 'vitest'
import { panicWindowMs } from './metric-windows.ts'
import { policyOf, type Policy } from './policy.ts'
import { defaultAutoscalerConfig } from './settings.ts'

const policy = (annotations: Record<string, string> = {}, containerConcurrency = 0, config = {}): Policy =>
  policyOf({
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
    ),
    containerConcurrency,
    class: 'kpa',
    config: { ...defaultAutoscalerConfig, ...config },
  })

describe('a policy', () => {
  it('is frozen and complete without any annotation', () => {
    expect(policy()).toEqual({
      class: 'kpa',
      metric: 'concurrency',
      target: 70,
      total: 100,
      stableWindowMs: 60_000,
      panicWindowMs: 6_000,
      panicThreshold: 2,
      aggregation: 'linear',
      maxScaleUpRate: 1000,
      maxScaleDownRate: 2,
      targetBurstCapacity: 211,
      scaleDownDelayMs: 0,
      activationScale: 0,
      minScale: 0,
      maxScale: 0,
      initialScale: 1,
      scaleToZero: true,
      podRetentionMs: 0,
      progressDeadlineMs: 600_000,
    })
    expect(Object.isFrozen(policy())).toBe(true)
  })

  it.each([
    [{}, 10, { target: 7, total: 10 }],
    [{ target: '20' }, 10, { target: 7, total: 10 }],
    [{ target: '4' }, 10, { target: 2.8, total: 4 }],
    [{ target: '4', 'target-utilization-percentage': '100' }, 0, { target: 4, total: 4 }],
    [{ metric: 'rps' }, 10, { metric: 'rps', target: 140, total: 200 }],
    [{ metric: 'rps', target: '50' }, 10, { target: 35, total: 50 }],
    [{ target: '0.01', targetUtilizationPercentage: '1' }, 0, { target: 0.01, total: 0.01 }],
  ])('of %j with %d requests at once aims for %j', (annotations: Record<string, string>, limit, want) => {
    expect(policy(annotations, limit)).toMatchObject(want)
  })

  it('reads the old camelCase names', () => {
    expect(policy({ minScale: '2', maxScale: '5', scaleDownDelay: '15m' })).toMatchObject({
      minScale: 2,
      maxScale: 5,
      scaleDownDelayMs: 900_000,
    })
  })

  it('takes what cannot be read for absent, so that no NaN reaches a decision', () => {
    expect(policy({ target: 'NaN', window: 'long', 'min-scale': 'x', 'initial-scale': '0' })).toEqual(
      policy(),
    )
  })

  it('starts with nothing only where the cluster allows it', () => {
    expect(policy({ 'initial-scale': '0' }, 0, { allowZeroInitialScale: true }).initialScale).toBe(0)
  })

  it('knows both spellings of the weighted average', () => {
    for (const algorithm of ['weighted-exponential', 'weightedExponential']) {
      expect(policy({ 'metric-aggregation-algorithm': algorithm }).aggregation).toBe('weighted-exponential')
    }
  })

  it('takes the progress deadline from the annotation, then from the program', () => {
    const source = { containerConcurrency: 0, class: 'kpa', config: defaultAutoscalerConfig } as const
    const annotations = { 'serving.knative.dev/progress-deadline': '20m' }
    expect(policyOf({ ...source, annotations, progressDeadlineMs: 5 }).progressDeadlineMs).toBe(1_200_000)
    expect(policyOf({ ...source, annotations: {}, progressDeadlineMs: 5 }).progressDeadlineMs).toBe(5)
  })
})

describe('the panic window', () => {
  it.each([
    [60_000, 10, 6_000],
    [15_000, 70, 11_000],
    [14_000, 10, 1_000],
    [6_000, 1, 1_000],
    [3_600_000, 100, 3_600_000],
  ])('of %d ms at %d %% is %d ms', (stable, percentage, want) => {
    expect(panicWindowMs(stable, percentage)).toBe(want)
  })
})
