import { describe, expect, it } from 'vitest'
import { validateHpa } from './validate.ts'

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }

function manifest(spec: object, metadata: object = { name: 'web' }): object {
  return { metadata, spec: { scaleTargetRef: target, maxReplicas: 5, ...spec } }
}

function causesOf(value: unknown, gates?: { readonly scaleToZero: boolean }): string[] {
  const verdict = validateHpa(value, gates)
  if (verdict.accepted) return []
  return 'causes' in verdict
    ? verdict.causes.map(({ field, message }) => `${field}: ${message}`)
    : [`not decoded: ${verdict.decodeError}`]
}

const external = {
  type: 'External',
  external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '10' } },
}

describe('a manifest', () => {
  it('is accepted when nothing is wrong with it', () => {
    expect(validateHpa(manifest({}))).toEqual({ accepted: true })
    expect(validateHpa(manifest({ minReplicas: 0, metrics: [external] }))).toEqual({ accepted: true })
    expect(validateHpa(manifest({ behavior: { scaleDown: { policies: null } } }))).toEqual({ accepted: true })
  })

  it('may go to zero only with the gate, and with a metric that leads back', () => {
    const zero = manifest({ minReplicas: 0, metrics: [external] })
    expect(causesOf(zero, { scaleToZero: false })).toEqual([
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
    ])
    expect(causesOf(manifest({ minReplicas: 0 }))).toEqual([
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ])
  })

  it('is refused with every cause, each at its field', () => {
    const behavior = {
      scaleUp: { policies: [], selectPolicy: 'Most', stabilizationWindowSeconds: 3601 },
      scaleDown: { policies: [{ type: 'Pods', value: 0, periodSeconds: 1801 }], tolerance: '-0.1' },
    }
    expect(causesOf(manifest({ maxReplicas: -2, minReplicas: -1, behavior }, { name: 'Web' }))).toEqual([
      expect.stringMatching(/^metadata\.name: Invalid value: "Web"/),
      'spec.minReplicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.maxReplicas: Invalid value: -2: must be greater than or equal to 1',
      'spec.maxReplicas: Invalid value: -2: must be greater than or equal to `minReplicas`',
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
      'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
      'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
      'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      'spec.behavior.scaleDown.tolerance: Invalid value: "-100m": must be greater than or equal to 0',
    ])
  })

  it.each([
    [{ minReplicas: '2' }],
    [{ maxReplicas: 1.5 }],
    [{ maxReplicas: 2 ** 31 }],
    [{ metrics: {} }],
    [{ metrics: [{ ...external, external: { metric: { name: 'q' }, target: { value: 'ten' } } }] }],
    [{ behavior: { scaleUp: { tolerance: '10%' } } }],
  ])('that is no HPA at all is refused: %j', (spec) => {
    expect(validateHpa(manifest(spec))).toMatchObject({ accepted: false, decodeError: expect.any(String) })
  })
})

describe('a metric', () => {
  const share = { type: 'Utilization', averageUtilization: 50 }
  const container = (name: string) => ({
    type: 'ContainerResource',
    containerResource: { name, container: 'server', target: share },
  })

  it.each(['cpu', 'memory', 'ephemeral-storage', 'hugepages-2Mi', 'nvidia.com/gpu'])(
    'of a container may be of %s',
    (name) => {
      expect(causesOf(manifest({ metrics: [container(name)] }))).toEqual([])
    },
  )

  it.each([
    ['gpus', 2],
    ['pods', 1],
    ['requests.example.com/gpu', 1],
    ['any thing', 2],
  ])('of a container is not of %s, for %s reasons', (name, count) => {
    expect(causesOf(manifest({ metrics: [container(name)] }))).toHaveLength(count)
  })

  it('has what its type names, and nothing else', () => {
    const pods = { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } }
    expect(causesOf(manifest({ metrics: [{ ...external, pods }] }))).toEqual([
      'spec.metrics[0].pods: Forbidden: must populate the given metric source only',
    ])
    expect(causesOf(manifest({ metrics: [{ type: 'Pods' }] }))).toEqual([
      'spec.metrics[0].pods: Required value: must populate information for the given metric source',
    ])
    expect(causesOf(manifest({ metrics: [{}] }))).toEqual([
      'spec.metrics[0].type: Required value: must specify a metric source type',
      expect.stringMatching(/^spec\.metrics\[0\]\.type: Unsupported value: ""/),
    ])
  })
})
