import { describe, expect, it } from 'vitest'
import { defaultAutoscalerConfig } from './settings.ts'
import { validateAnnotations } from './validate-annotations.ts'

const messages = (annotations: Record<string, string>, config = {}): string[] =>
  validateAnnotations(
    Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
    ),
    { ...defaultAutoscalerConfig, ...config },
  ).map((message) => message.replaceAll('autoscaling.knative.dev/', ''))

describe('autoscaling annotations', () => {
  it('are valid when there are none, and whatever other keys say', () => {
    expect(validateAnnotations({ 'example.com/min-scale': 'x' }, defaultAutoscalerConfig)).toEqual([])
  })

  it.each([
    [{ 'min-scale': '-1' }, 'min-scale: "-1" is not allowed: a whole number from 0 to 2147483647'],
    [{ minScale: '1.5' }, 'minScale: "1.5" is not allowed: a whole number from 0 to 2147483647'],
    [
      { 'min-scale': '3', maxScale: '2' },
      'maxScale: "2" is not allowed: 0 (no bound) or at least min-scale, which is 3',
    ],
    [{ 'activation-scale': '1' }, 'activation-scale: "1" is not allowed: a whole number of at least 2'],
    [
      { 'activation-scale': '2', 'min-scale': '3' },
      'activation-scale: "2" is not allowed: at least min-scale, which is 3',
    ],
    [
      { targetUtilizationPercentage: '0.5' },
      'targetUtilizationPercentage: "0.5" is not allowed: a number from 1 to 100',
    ],
    [{ target: '0.001' }, 'target: "0.001" is not allowed: a number of at least 0.01'],
    [
      { window: '60' },
      'window: "60" is not allowed: a duration of 6s to 1h, in whole seconds, such as 1m30s',
    ],
    [
      { scaleDownDelay: '1.5s' },
      'scaleDownDelay: "1.5s" is not allowed: a duration of 0s to 1h, in whole seconds, such as 1m30s',
    ],
    [{ metric: 'cpu' }, 'metric: "cpu" is not allowed: concurrency or rps'],
    [{ initialScale: '-1' }, 'initialScale: "-1" is not allowed: a whole number of at least 1'],
  ])('%j is refused with key, value and what is allowed', (annotations: Record<string, string>, message) => {
    expect(messages(annotations)).toEqual([message])
  })

  it('names every problem, not only the first', () => {
    expect(messages({ 'min-scale': 'a', window: 'b', metric: 'c' })).toHaveLength(3)
  })

  it.each([
    { 'scale-to-zero-pod-retention-period': '1.5s' },
    { window: '.1h' },
    { target: '0x1p-2' },
    { 'target-burst-capacity': '-1' },
    { 'metric-aggregation-algorithm': 'something' },
    { class: 'hpa.autoscaling.knative.dev', metric: 'cpu' },
  ])('%j is valid', (annotations: Record<string, string>) => expect(messages(annotations)).toEqual([]))

  it('reads the kebab-case key where both are present', () => {
    expect(messages({ 'min-scale': '1', minScale: 'x' })).toEqual([])
  })

  it('holds annotations to the limits of the cluster', () => {
    expect(messages({ 'max-scale': '0' }, { maxScaleLimit: 10 })).toHaveLength(1)
    expect(messages({ 'max-scale': '10' }, { maxScaleLimit: 10 })).toEqual([])
    expect(messages({ 'initial-scale': '0' })).toHaveLength(1)
    expect(messages({ 'initial-scale': '0' }, { allowZeroInitialScale: true })).toEqual([])
  })
})
