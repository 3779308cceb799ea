import { describe, expect, it } from 'vitest'
import { AutoscalerConfigError, defaultAutoscalerConfig, readAutoscalerConfig } from './settings.ts'

describe('config-autoscaler', () => {
  it('has every default when empty, and cannot be changed', () => {
    const config = readAutoscalerConfig({})
    expect(config).toEqual(defaultAutoscalerConfig)
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('reads each kind of value', () => {
    const config = readAutoscalerConfig({
      'enable-scale-to-zero': 'F',
      'stable-window': '1m30s',
      'max-scale-up-rate': '1e1',
      'initial-scale': '+3',
      'container-concurrency-target-percentage': '55',
      'tick-interval': 'whatever',
    })
    expect(config).toMatchObject({
      enableScaleToZero: false,
      stableWindowMs: 90_000,
      maxScaleUpRate: 10,
      initialScale: 3,
      containerConcurrencyTargetFraction: 0.55,
    })
  })

  it('takes a percentage up to 1 for a fraction', () => {
    const fraction = (text: string): number =>
      readAutoscalerConfig({ 'container-concurrency-target-percentage': text })
        .containerConcurrencyTargetFraction
    expect(fraction('0.71')).toBe(0.71)
    expect(fraction('1')).toBe(1)
    expect(fraction('1.1')).toBeCloseTo(0.011, 12)
  })

  it.each([
    [{ 'max-scale-up-rate': '1' }, 'max-scale-up-rate: "1" is not allowed: above 1'],
    [{ 'max-scale-up-rate': 'NaN' }, 'max-scale-up-rate: "NaN" is not allowed: a finite number'],
    [{ 'stable-window': '60' }, 'stable-window: "60" is not allowed: a duration such as 60s, 1m30s or 1.5h'],
    [{ 'stable-window': '5s' }, 'stable-window: "5s" is not allowed: 6s to 1h'],
    [{ 'stable-window': '7500ms' }, 'stable-window: "7500ms" is not allowed: whole seconds'],
    [{ 'allow-zero-initial-scale': 'yes' }, 'allow-zero-initial-scale: "yes" is not allowed: true or false'],
    [
      { 'initial-scale': '0' },
      'initial-scale: "0" is not allowed: at least 1, or 0 with allow-zero-initial-scale: true',
    ],
    [{ 'max-scale': '2147483648' }, 'max-scale: "2147483648" is not allowed: a whole number of 32 bits'],
    [{ 'max-scale-limit': '5' }, 'max-scale: "0" is not allowed: 1 to max-scale-limit, which is 5'],
    [{ 'min-scale': '4', 'max-scale': '3' }, 'min-scale: "4" is not allowed: at most max-scale, which is 3'],
    [{ 'min-scale': '-1' }, 'min-scale: "-1" is not allowed: at least 0'],
    [{ 'panic-threshold-percentage': '0' }, 'panic-threshold-percentage: "0" is not allowed: above 0'],
    [
      { 'target-burst-capacity': '-2' },
      'target-burst-capacity: "-2" is not allowed: at least 0, or -1 for unlimited',
    ],
  ])('%j is refused with key, value and what is allowed', (data: Record<string, string>, message) => {
    expect(() => readAutoscalerConfig(data)).toThrow(AutoscalerConfigError)
    expect(() => readAutoscalerConfig(data)).toThrow(`config-autoscaler: ${message}`)
  })
})
