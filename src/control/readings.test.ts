import { describe, expect, it } from 'vitest'
import { defaultAutoscalerConfig } from '../../autoscaler/index.ts'
import { revisionOf } from '../../test/support/revisions.ts'
import type { Measured, MeasuredReplica, Measurements } from '../core/measurements.ts'
import type { Replica, ReplicaPhase } from '../core/replica.ts'
import type { ReplicaTemplate, Revision, ScalingSpec } from '../core/revision.ts'
import { readingsOf, type Seen } from './readings.ts'
import { revisionPolicyOf } from './revision-policy.ts'

const NAME = 'ml/llm-predictor-00001'

function scaled(scaling: Partial<ScalingSpec>, parts: Partial<ReplicaTemplate> = {}): Revision {
  const revision = revisionOf(NAME, parts)
  const { template } = revision
  return { ...revision, template: { ...template, scaling: { ...template.scaling, ...scaling } } }
}

function replica(suffix: string, phase: ReplicaPhase = 'ready'): Replica {
  return { name: `${NAME}-${suffix}`, revision: NAME, phase, sinceMs: 7_000, createdAtMs: 5_000, restarts: 0 }
}

function value(of: number, atMs = 9_000): Measured<number> {
  return { value: of, atMs, from: 'test' }
}

function missing(absent: string, detail = `${absent}, says the test`): Measured<never> {
  return { absent, detail }
}

function measuredReplica(suffix: string, parts: Partial<MeasuredReplica>): MeasuredReplica {
  return { replica: `${NAME}-${suffix}`, metrics: {}, series: [], ...parts }
}

function seen(revision: Revision, parts: Partial<Measurements>, more: Partial<Seen> = {}): Seen {
  const measured = { replicas: [], queries: [], ...parts }
  return { revision, replicas: [], measured, gateway: () => Number.NaN, nowMs: 10_000, ...more }
}

describe('readings of class hpa', () => {
  it('are in the order of the metrics, each from its own source', () => {
    const target = { type: 'AverageValue', value: '1' } as const
    const revision = scaled({
      class: 'hpa',
      metrics: [
        { kind: 'series', query: 'jobs', target },
        { kind: 'prometheus', query: 'sum(first)', target },
        { kind: 'replica', metric: 'gpu-utilization', target },
        { kind: 'prometheus', query: 'sum(second)', target },
        { kind: 'gateway', metric: 'queue-depth', target },
        { kind: 'series', query: 'tasks', target },
      ],
    })
    const { metrics } = readingsOf(
      seen(
        revision,
        {
          replicas: [
            measuredReplica('a', {
              metrics: { 'gpu-utilization': value(0.91) },
              series: [value(4), value(0.0005)],
            }),
          ],
          queries: [
            { value: [1.5, 2], atMs: 9_000, from: 'test' },
            missing('no answer', 'http://prometheus: refused'),
          ],
        },
        { gateway: (metric) => (metric === 'queue-depth' ? 12 : Number.NaN) },
      ),
    )!
    const pod = `${NAME}-a`
    expect(metrics).toEqual([
      { kind: 'pods', values: [{ pod, value: 4_000 }] },
      { kind: 'external', values: [1_500, 2_000] },
      { kind: 'pods', values: [{ pod, value: 910 }] },
      { kind: 'unavailable', error: 'http://prometheus: refused' },
      { kind: 'external', values: [12_000] },
      { kind: 'pods', values: [{ pod, value: 1 }] },
    ])
  })

  it('leave out the replicas that say nothing, and say why when none does', () => {
    const metric = 'kv-cache'
    const revision = scaled({
      class: 'hpa',
      metrics: [{ kind: 'replica', metric, target: { type: 'Utilization', value: 80 } }],
    })
    const silent = measuredReplica('b', { metrics: { [metric]: missing('stale', 'too old') } })
    const heard = measuredReplica('a', { metrics: { [metric]: value(0.5) } })
    expect(readingsOf(seen(revision, { replicas: [heard, silent] }))?.metrics).toEqual([
      { kind: 'pods', values: [{ pod: `${NAME}-a`, value: 500 }] },
    ])
    expect(readingsOf(seen(revision, { replicas: [silent] }))?.metrics).toEqual([
      { kind: 'unavailable', error: `${NAME}-b: too old` },
    ])
    expect(readingsOf(seen(revision, {}))?.metrics).toEqual([
      { kind: 'unavailable', error: 'there is no ready replica' },
    ])
    expect(readingsOf({ ...seen(revision, {}), measured: undefined })?.metrics).toEqual([
      { kind: 'unavailable', error: 'nothing measures it' },
    ])
  })

  it('have replicas as pods, with what each of their containers asks for', () => {
    const revision = scaled(
      {
        class: 'hpa',
        metrics: [{ kind: 'resource', resource: 'cpu', target: { type: 'Utilization', value: 70 } }],
      },
      {
        requests: { cpu: '1500m', memory: '1Gi', 'nvidia.com/gpu': '1' },
        podSpec: {
          containers: [{ name: 'engine' }, { name: 'beside', resources: { requests: { cpu: 2 } } }, 'odd'],
        },
      },
    )
    const usage = {
      windowMs: 5_000,
      containers: [{ name: 'engine', cpuCores: 0.7501, memoryBytes: 1_000_000 }],
    }
    const phases = ['ready', 'loading', 'pulling', 'draining', 'failed'] as const
    const { pods, metrics } = readingsOf(
      seen(
        revision,
        { replicas: [measuredReplica('a', { usage: { value: usage, atMs: 8_000, from: 'test' } })] },
        { replicas: phases.map((phase) => replica(phase, phase)) },
      ),
    )!
    expect(
      pods?.map(({ phase, startMs, deleted, ready }) => [phase, startMs, deleted ?? false, ready?.status]),
    ).toEqual([
      ['Running', 5_000, false, 'True'],
      ['Running', 5_000, false, 'False'],
      ['Pending', null, false, 'False'],
      ['Running', 5_000, true, 'False'],
      ['Running', 5_000, false, 'False'],
    ])
    expect(pods?.[0]?.containers).toEqual([
      { name: 'engine', requests: { cpu: 1_500, memory: 1_073_741_824_000, 'nvidia.com/gpu': 1_000 } },
      { name: 'beside', requests: { cpu: 2_000 } },
      { name: 'kserve-container', requests: {} },
    ])
    const containers = [{ name: 'engine', usage: { cpu: 751, memory: 1_000_000_000 } }]
    expect(metrics).toEqual([
      { kind: 'resource', pods: [{ pod: `${NAME}-a`, atMs: 8_000, windowMs: 5_000, containers }] },
    ])
  })
})

describe('readings of class llm', () => {
  const revision = scaled({ class: 'llm' })
  const engines = (metrics: MeasuredReplica['metrics']) =>
    readingsOf(seen(revision, { replicas: [measuredReplica('a', { metrics })] }))?.engines

  it('are as old as the oldest of their values', () => {
    expect(
      engines({ running: value(3), waiting: value(2, 8_500), 'kv-cache': value(0.4), ttft: value(120) }),
    ).toEqual([{ replica: `${NAME}-a`, atMs: 8_500, running: 3, waiting: 2, kv: 0.4, ttftMs: 120 }])
  })

  it('leave out what the engine does not have, and hand on what was no number', () => {
    const said = engines({
      running: value(3),
      waiting: missing('not exported'),
      'kv-cache': missing('not a number'),
      ttft: missing('nothing counted'),
    })
    expect(said).toEqual([{ replica: `${NAME}-a`, atMs: 9_000, running: 3, kv: Number.NaN }])
  })

  it('say why an engine says nothing', () => {
    expect(engines({ running: missing('stale', 'too old'), waiting: missing('stale', 'too old') })).toEqual([
      { replica: `${NAME}-a`, error: 'too old' },
    ])
    expect(engines({ running: missing('not exported') })).toEqual([
      { replica: `${NAME}-a`, error: 'its engine says nothing of its load' },
    ])
  })
})

describe('the policy of a revision', () => {
  const source = { config: defaultAutoscalerConfig, progressDeadlineMs: 600_000 }

  it('has metrics in the units of an HPA', () => {
    const share = { type: 'Utilization', value: 70 } as const
    const policy = revisionPolicyOf(
      scaled({
        class: 'hpa',
        annotations: {
          'autoscaling.knative.dev/min-scale': '1',
          'autoscaling.knative.dev/max-scale': '10',
        },
        metrics: [
          { kind: 'resource', resource: 'cpu', target: share },
          { kind: 'replica', metric: 'gpu-utilization', target: share },
          { kind: 'replica', metric: 'waiting', target: { type: 'AverageValue', value: '2' } },
          { kind: 'series', query: 'jobs{queue="a"}', target: { type: 'Value', value: '500m' } },
          { kind: 'gateway', metric: 'queue-wait', target: { type: 'AverageValue', value: 200 } },
          { kind: 'prometheus', query: 'sum(up)', target: { type: 'Value', value: '3' } },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      }),
      source,
    )
    expect(policy).toMatchObject({ class: 'hpa', minScale: 1, maxScale: 10 })
    if (policy.class !== 'hpa') throw new Error(policy.class)
    const { metrics, behavior } = policy.hpa
    expect(metrics).toEqual([
      { type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
      { type: 'Pods', metric: 'gpu-utilization', target: { type: 'AverageValue', averageValue: 700 } },
      { type: 'Pods', metric: 'waiting', target: { type: 'AverageValue', averageValue: 2_000 } },
      { type: 'Pods', metric: 'jobs{queue="a"}', target: { type: 'AverageValue', averageValue: 500 } },
      { type: 'External', metric: 'queue-wait', target: { type: 'Value', value: 200_000 } },
      { type: 'External', metric: 'sum(up)', target: { type: 'Value', value: 3_000 } },
    ])
    expect(behavior?.scaleDown.stabilizationWindowMs).toBe(0)
  })

  it('has the minimum that a canary gives it', () => {
    expect(revisionPolicyOf(scaled({ class: 'llm' }), { ...source, minScale: 3 }).minScale).toBe(3)
  })
})
