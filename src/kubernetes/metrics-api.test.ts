import { describe, expect, it } from 'vitest'
import type { Replica } from '../core/replica.ts'
import { ApiError } from './api/index.ts'
import { MetricsApi } from './metrics-api.ts'

const REVISION = 'ml/iris-predictor-00001'
const { signal } = new AbortController()

function replica(suffix: string): Replica {
  const name = `${REVISION}-${suffix}` as const
  return { name, revision: REVISION, phase: 'ready', sinceMs: 0, createdAtMs: 0, restarts: 0 }
}

function metrics(suffix: string, cpu: string, memory: string): object {
  return {
    metadata: { namespace: 'ml', name: `iris-predictor-00001-${suffix}` },
    timestamp: '2026-11-24T06:00:00Z',
    window: '15.5s',
    containers: [
      { name: 'kserve-container', usage: { cpu, memory } },
      { name: 'agent', usage: { cpu: '1m', memory: '0' } },
    ],
  }
}

async function usageOf(answer: () => Promise<readonly object[]>, ...suffixes: readonly string[]) {
  const asked: unknown[] = []
  const api = new MetricsApi({
    list: async (kind, options) => {
      asked.push([kind.group, kind.plural, options])
      const items = await answer()
      return { items: items.map((item) => ({ apiVersion: '', kind: '', metadata: { name: '' }, ...item })) }
    },
  })
  const usage = await api.usage(suffixes.map(replica), signal)
  expect(asked).toEqual([['metrics.k8s.io', 'pods', { labelSelector: 'pilotlight.dev/revision' }]])
  return suffixes.map((suffix) => usage.get(`${REVISION}-${suffix}`))
}

describe('MetricsApi', () => {
  it('reads all pods in one request', async () => {
    const answer = () =>
      Promise.resolve([metrics('a', '1250m', '64Mi'), metrics('b', '123456789n', '1000Ki')])
    const [a, b, c] = await usageOf(answer, 'a', 'b', 'c')
    expect(a).toEqual({
      value: {
        windowMs: 15_500,
        containers: [
          { name: 'kserve-container', cpuCores: 1.25, memoryBytes: 67_108_864 },
          { name: 'agent', cpuCores: 0.001, memoryBytes: 0 },
        ],
      },
      atMs: 1_795_500_000_000,
      from: 'metrics.k8s.io',
    })
    expect(b).toMatchObject({ value: { containers: [{ cpuCores: expect.closeTo(0.123456789, 9) }, {}] } })
    expect(c).toMatchObject({ absent: 'not measured' })
  })

  it('says that there is no such API, and that nobody answers for it', async () => {
    const failing = (status: number, reason: string) => () =>
      Promise.reject(new ApiError('no', { status, reason }))
    expect(await usageOf(failing(404, 'NotFound'), 'a')).toEqual([
      { absent: 'no metrics API', detail: 'the cluster has no metrics.k8s.io: install metrics-server' },
    ])
    expect(await usageOf(failing(503, 'ServiceUnavailable'), 'a')).toMatchObject([{ absent: 'no answer' }])
    await expect(usageOf(failing(403, 'Forbidden'), 'a')).rejects.toThrow('no')
  })

  it('passes over what is no answer', async () => {
    const [a, b] = await usageOf(
      () => Promise.resolve([metrics('a', 'much', '1Mi'), { ...metrics('b', '1', '1'), timestamp: 'never' }]),
      'a',
      'b',
    )
    expect(a).toMatchObject({ absent: 'not a number' })
    expect(b).toMatchObject({ absent: 'not a number', detail: expect.stringContaining('never') })
  })
})
