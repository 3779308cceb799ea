import { describe, expect, it } from 'vitest'
import { defaultHpaSettings, hpaPolicyOf, toleranceOf } from './policy.ts'

describe('a policy', () => {
  it('has every default of autoscaling/v2', () => {
    expect(hpaPolicyOf({ maxReplicas: 10 })).toEqual({
      class: 'hpa',
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [
        { type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      ],
      behavior: undefined,
      ...defaultHpaSettings,
    })
  })

  it('of an empty behavior has the default of each of its fields', () => {
    const settings = { ...defaultHpaSettings, downscaleStabilizationMs: 120_000 }
    expect(hpaPolicyOf({ maxReplicas: 10, behavior: {} }, settings).behavior).toEqual({
      scaleUp: {
        stabilizationWindowMs: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodMs: 15_000 },
          { type: 'Percent', value: 100, periodMs: 15_000 },
        ],
        tolerance: 0.1,
      },
      scaleDown: {
        stabilizationWindowMs: 120_000,
        selectPolicy: 'Max',
        policies: [{ type: 'Percent', value: 100, periodMs: 15_000 }],
        tolerance: 0.1,
      },
    })
  })

  it('reads Kubernetes fields, with quantities as thousandths', () => {
    const { metrics, behavior } = hpaPolicyOf({
      minReplicas: 0,
      maxReplicas: 10,
      metrics: [
        {
          type: 'Pods',
          pods: { metric: { name: 'gpu' }, target: { type: 'AverageValue', averageValue: '700m' } },
        },
        {
          type: 'ContainerResource',
          containerResource: { name: 'memory', container: 'server', target: { averageValue: '1Gi' } },
        },
        {
          type: 'Object',
          object: {
            describedObject: { kind: 'Service', name: 'queue' },
            metric: { name: 'length' },
            target: { type: 'Value', value: 5 },
          },
        },
        { type: 'External', external: { metric: { name: 'q' }, target: { averageValue: '1.5' } } },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Disabled',
          policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
          tolerance: '50m',
        },
      },
    })
    expect(metrics).toEqual([
      { type: 'Pods', metric: 'gpu', target: { type: 'AverageValue', averageValue: 700 } },
      {
        type: 'ContainerResource',
        resource: 'memory',
        container: 'server',
        target: { averageValue: 1_073_741_824_000 },
      },
      { type: 'Object', metric: 'length', kind: 'Service', target: { type: 'Value', value: 5000 } },
      { type: 'External', metric: 'q', target: { averageValue: 1500 } },
    ])
    expect(behavior?.scaleDown).toEqual({
      stabilizationWindowMs: 0,
      selectPolicy: 'Disabled',
      policies: [{ type: 'Percent', value: 10, periodMs: 60_000 }],
      tolerance: 50 * 0.001,
    })
  })

  it('has a tolerance for each direction, from the behavior before the controller', () => {
    const tolerance = { down: 0.3, up: 0.2 }
    const settings = { ...defaultHpaSettings, tolerance }
    expect(toleranceOf(hpaPolicyOf({ maxReplicas: 1 }, settings))).toEqual(tolerance)
    const behavior = { scaleUp: { tolerance: 0 } }
    expect(toleranceOf(hpaPolicyOf({ maxReplicas: 1, behavior }, settings))).toEqual({ down: 0.3, up: 0 })
  })

  it('keeps a metric that cannot be one, so that it fails and not the decision', () => {
    const made = hpaPolicyOf({ maxReplicas: 1, metrics: [{ type: 'Bogus' }, { type: 'Pods' }] })
    expect(made.metrics).toEqual([
      { type: 'Invalid', error: 'unknown metric source type "Bogus"' },
      { type: 'Invalid', error: 'has nothing for its type Pods' },
    ])
  })

  it('drops a target that nothing can be divided by', () => {
    const target = { averageUtilization: 0, averageValue: '0', value: 'many' }
    const made = hpaPolicyOf({
      maxReplicas: 1,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    })
    expect(made.metrics).toEqual([{ type: 'Resource', resource: 'cpu', target: {} }])
  })
})
