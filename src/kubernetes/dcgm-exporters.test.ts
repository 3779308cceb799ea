import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import type { Replica } from '../core/replica.ts'
import type { KubeObject } from './api/index.ts'
import { DcgmExporters } from './dcgm-exporters.ts'

const REVISION = 'ml/llm-predictor-00001'
const { signal } = new AbortController()

function replica(suffix: string): Replica {
  const name = `${REVISION}-${suffix}` as const
  return { name, revision: REVISION, phase: 'ready', sinceMs: 0, createdAtMs: 0, restarts: 0 }
}

function pod(nodeName: string, podIP = ''): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { nodeName }, status: { podIP } }
}

const exposition = `DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",namespace="ml",pod="llm-predictor-00001-a",container="main"} 84
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a",namespace="ml",pod="llm-predictor-00001-a",container="main"} 30000
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a",namespace="ml",pod="llm-predictor-00001-a",container="main"} 10000
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b",namespace="",pod="",container=""} 3
`

describe('DcgmExporters', () => {
  let clock: ManualClock
  let lists: string[]
  let asked: string[]
  let exporters: KubeObject[]
  let source: DcgmExporters

  beforeEach(() => {
    clock = new ManualClock(1_000)
    lists = []
    asked = []
    exporters = [pod('gpu-1', '10.0.0.1'), pod('gpu-2', 'fd00::2'), pod('', '10.0.0.9')]
    const nodes: Readonly<Record<string, string>> = { a: 'gpu-1', b: 'gpu-1', c: 'gpu-2', d: 'cpu-1' }
    source = new DcgmExporters({
      client: {
        list: (_kind, options) => {
          lists.push(options?.labelSelector ?? '')
          return Promise.resolve({ items: lists.length % 2 === 1 ? exporters : [] })
        },
      },
      clock,
      config: { selectors: ['app=one', 'app=two'], port: 9400 },
      pods: { get: (key) => pod(nodes[key.slice(-1)] ?? '') },
      get: (url) => {
        asked.push(url)
        if (url.includes('fd00')) return Promise.reject(new Error(`${url}: connection refused`))
        return Promise.resolve(exposition)
      },
    })
  })

  it('asks each node once, and joins GPUs to pods by their labels', async () => {
    const found = await source.gpus(['a', 'b'].map(replica), signal)
    expect(asked).toEqual(['http://10.0.0.1:9400/metrics'])
    expect(found.get(`${REVISION}-a`)).toEqual({
      utilization: { value: 0.84, atMs: 1_000, from: 'DCGM_FI_DEV_GPU_UTIL' },
      memory: { value: 0.75, atMs: 1_000, from: 'DCGM_FI_DEV_FB_USED' },
    })
    expect(found.get(`${REVISION}-b`)?.utilization).toMatchObject({
      absent: 'not exported',
      detail: `DCGM exporter names no GPU of ${REVISION}-b`,
    })
  })

  it('says which node has no exporter, or one that does not answer', async () => {
    const found = await source.gpus(['c', 'd', 'e'].map(replica), signal)
    expect(found.get(`${REVISION}-c`)?.memory).toEqual({
      absent: 'no answer',
      detail: 'http://[fd00::2]:9400/metrics: connection refused',
    })
    expect(found.get(`${REVISION}-d`)?.utilization).toEqual({
      absent: 'no exporter',
      detail: 'no DCGM exporter on node cpu-1 (app=one or app=two)',
    })
    expect(found.get(`${REVISION}-e`)?.utilization).toMatchObject({ detail: 'its pod is on no node' })
  })

  it('looks for exporters once a minute', async () => {
    await source.gpus([replica('a')], signal)
    await clock.advance(59_000)
    await source.gpus([replica('a')], signal)
    expect(lists).toEqual(['app=one', 'app=two'])
    await clock.advance(1_000)
    exporters = [pod('gpu-1', '10.0.0.7')]
    await source.gpus([replica('a')], signal)
    expect(asked.at(-1)).toBe('http://10.0.0.7:9400/metrics')
  })
})
