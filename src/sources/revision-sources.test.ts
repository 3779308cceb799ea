import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { revisionOf } from '../../test/support/revisions.ts'
import { readConfig } from '../core/config.ts'
import { ManualClock } from '../core/manual-clock.ts'
import type { GpuUsage, Measured, ReplicaMetric } from '../core/measurements.ts'
import type { ReplicaName } from '../core/names.ts'
import { SeededRandom } from '../core/random.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision, ScalingMetric, ScalingSpec } from '../core/revision.ts'
import { silentLog } from '../core/telemetry.ts'
import { eventually, FakeServer, type Handler } from './fake-server.ts'
import { RevisionSources } from './revision-sources.ts'

const NAME = 'ml/llm-predictor-00001'
const target = { type: 'AverageValue', value: '1' } as const

const vllm = (running: number | string, more = ''): string =>
  `# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name="m"} ${running}\n` +
  `vllm:num_requests_waiting{model_name="m"} 4\nvllm:kv_cache_usage_perc{model_name="m"} 0.25\n${more}`

function scaled(scaling: Partial<ScalingSpec>): Revision {
  const revision = revisionOf(NAME, { image: 'vllm/vllm-openai:v0.10' })
  return {
    ...revision,
    template: { ...revision.template, scaling: { class: 'hpa', annotations: {}, ...scaling } },
  }
}

function onMetrics(...metrics: readonly ScalingMetric[]): Revision {
  return scaled({ metrics })
}

describe('RevisionSources', () => {
  let clock: ManualClock
  let over: AsyncDisposableStack
  let sources: RevisionSources
  let gpus: Map<ReplicaName, GpuUsage>
  let usageAsked: number

  beforeEach(() => {
    clock = new ManualClock(1_700_000_000_000)
    over = new AsyncDisposableStack()
    gpus = new Map()
    usageAsked = 0
  })
  afterEach(() => over.disposeAsync())

  async function open(config: object = {}): Promise<void> {
    const { metrics } = readConfig({ metrics: config })
    const made = await RevisionSources.open({
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      config: metrics,
      usage: {
        usage: (replicas) => {
          usageAsked += 1
          const containers = [{ name: 'main', cpuCores: 0.5, memoryBytes: 1_000 }]
          const value = { windowMs: 5_000, containers }
          return Promise.resolve(
            new Map(replicas.map(({ name }) => [name, { value, atMs: clock.now(), from: 'test' }])),
          )
        },
      },
      gpus: { gpus: () => Promise.resolve(gpus) },
    })
    sources = over.use(made)
  }

  async function engine(handler: Handler): Promise<FakeServer> {
    return over.use(await FakeServer.start(handler))
  }

  function saying(text: () => string): Handler {
    return (_request, response) => response.end(text())
  }

  function replica(
    server: { readonly port: number },
    suffix = 'a',
    phase: Replica['phase'] = 'ready',
  ): Replica {
    const address = { host: '127.0.0.1', port: server.port }
    return {
      name: `${NAME}-${suffix}`,
      revision: NAME,
      phase,
      address,
      sinceMs: 0,
      createdAtMs: 0,
      restarts: 0,
    }
  }

  function metric(name: ReplicaMetric, index = 0): Measured<number> | undefined {
    return sources.measured(NAME)?.replicas[index]?.metrics[name]
  }

  function isThere(name: ReplicaMetric, value?: number): () => boolean {
    return () => {
      const found = metric(name)
      return found !== undefined && 'value' in found && (value === undefined || found.value === value)
    }
  }

  it('asks a replica as soon as it is ready, and then in every period', async () => {
    await open()
    let running = 3
    const server = await engine(saying(() => vllm(running)))
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [])
    expect(sources.measured(NAME)?.replicas).toEqual([])
    const revision = onMetrics({ kind: 'replica', metric: 'running', target })
    sources.watch(revision, [replica(server, 'b', 'loading')])
    expect(sources.measured(NAME)?.replicas).toEqual([])
    sources.watch(revision, [replica(server)])
    await eventually(isThere('running', 3))
    expect(metric('running')).toEqual({ value: 3, atMs: clock.now(), from: 'vllm:num_requests_running' })
    running = 8
    await clock.advance(5_000)
    await eventually(isThere('running', 8))
    expect(server.asked.every((path) => path === '/metrics')).toBe(true)
  })

  it('measures all that class llm goes by, and rates from two scrapes', async () => {
    await open()
    let count = 0
    const server = await engine(
      saying(() => {
        count += 10
        return vllm(
          2,
          `vllm:time_to_first_token_seconds_sum{model_name="m"} ${count / 4}\n` +
            `vllm:time_to_first_token_seconds_count{model_name="m"} ${count}\n` +
            `vllm:time_to_first_token_seconds_bucket{model_name="m",le="1.0"} ${count}\n` +
            `vllm:time_to_first_token_seconds_bucket{model_name="m",le="+Inf"} ${count}\n`,
        )
      }),
    )
    sources.watch(scaled({ class: 'llm' }), [replica(server)])
    await eventually(isThere('running'))
    expect(metric('ttft')).toMatchObject({ absent: 'one scrape so far' })
    await clock.advance(5_000)
    await eventually(isThere('ttft'))
    expect(metric('ttft')).toMatchObject({ value: 250 })
    expect(metric('kv-cache')).toMatchObject({ value: 0.25 })
    expect(metric('waiting')).toMatchObject({ value: 4 })
  })

  it.each<[string, Handler, string]>([
    ['an error', (_request, response) => response.writeHead(503).end('no'), 'answers 503'],
    [
      'a redirection',
      (_request, response) => response.writeHead(302, { location: '/other' }).end(),
      'answers 302',
    ],
    ['a connection that is cut', (request) => request.socket.destroy(), '/metrics: '],
    [
      'an endless answer',
      (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536))) continue
        }
        response.on('drain', more).on('error', () => {})
        more()
      },
      'answers more than 8388608 bytes',
    ],
  ])('says of %s why there is no number', async (_what, handler, reason) => {
    await open()
    const server = await engine(handler)
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    const isSaid = (): boolean => {
      const found = metric('running')
      return found !== undefined && 'detail' in found && found.detail.includes(reason)
    }
    await eventually(isSaid)
    expect(metric('running')).toMatchObject({ absent: 'not scraped' })
  })

  it('gives up a replica that does not answer in time', async () => {
    await open({ timeoutMs: 1_000 })
    const server = await engine(() => {})
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    await eventually(() => server.asked.length === 1)
    await clock.advance(1_000)
    await eventually(() => {
      const found = metric('running')
      return found !== undefined && 'detail' in found && found.detail.includes('no answer within')
    })
    expect(metric('running')).toEqual({
      absent: 'not scraped',
      detail: `${server.url}/metrics: no answer within 1000 ms`,
    })
  })

  it('forgets what is too old, and says why there is nothing newer', async () => {
    await open({ staleAfterMs: 12_000 })
    const server = await engine(saying(() => vllm(3)))
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    await eventually(isThere('running'))
    server.handler = (_request, response) => response.writeHead(500).end()
    for (let round = 0; round < 2; round += 1) {
      const { length } = server.asked
      await clock.advance(5_000)
      await eventually(() => server.asked.length > length)
    }
    expect(metric('running')).toMatchObject({ value: 3 })
    await clock.advance(5_000)
    await eventually(() => 'absent' in (metric('running') ?? {}))
    expect(metric('running')).toEqual({ absent: 'stale', detail: `${server.url}/metrics answers 500` })
  })

  it('asks a replica that does not answer less often', async () => {
    await open()
    const server = await engine((_request, response) => response.writeHead(500).end())
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    for (let round = 0; round < 24; round += 1) {
      await clock.advance(5_000)
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await eventually(() => server.asked.length > 5)
    expect(server.asked.length).toBeLessThan(12)
  })

  it('takes what the GPUs say where the engine says nothing of them', async () => {
    await open()
    const server = await engine(saying(() => vllm(1)))
    const revision = onMetrics({ kind: 'replica', metric: 'gpu-utilization', target })
    sources.watch(revision, [replica(server)])
    await eventually(() => server.asked.length === 1)
    await clock.advance(5_000)
    expect(metric('gpu-utilization')).toMatchObject({ absent: 'not exported' })
    const memory = { absent: 'not exported', detail: 'test' }
    gpus.set(`${NAME}-a`, {
      utilization: { value: 0.91, atMs: clock.now(), from: 'DCGM_FI_DEV_GPU_UTIL' },
      memory,
    })
    await clock.advance(5_000)
    expect(metric('gpu-utilization')).toMatchObject({ value: 0.91, from: 'DCGM_FI_DEV_GPU_UTIL' })
  })

  it('reads CPU and memory only where a metric wants them, once for all', async () => {
    await open()
    const server = await engine(saying(() => vllm(1)))
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    await clock.advance(20_000)
    expect(usageAsked).toBe(0)
    sources.watch(onMetrics({ kind: 'resource', resource: 'cpu', target }), [
      replica(server),
      replica(server, 'b'),
    ])
    await clock.advance(0)
    expect(usageAsked).toBe(1)
    expect(sources.measured(NAME)?.replicas.map(({ usage }) => usage)).toEqual(
      Array.from({ length: 2 }, () => expect.objectContaining({ from: 'test' })),
    )
  })

  it('reads series of the replica itself', async () => {
    await open()
    const server = await engine(saying(() => 'jobs{queue="a"} 3\njobs{queue="b"} 9\n'))
    sources.watch(
      onMetrics(
        { kind: 'series', query: 'jobs{queue="a"}', target },
        { kind: 'series', query: 'sum(jobs)', target },
      ),
      [replica(server)],
    )
    await eventually(() => 'value' in (sources.measured(NAME)?.replicas[0]?.series[0] ?? {}))
    expect(sources.measured(NAME)?.replicas[0]?.series).toEqual([
      { value: 3, atMs: clock.now(), from: 'jobs' },
      { absent: 'not a selector', detail: expect.stringContaining('"sum(jobs)" is no selector') },
    ])
  })

  it('asks nobody any more once it is told to forget', async () => {
    await open()
    const server = await engine(saying(() => vllm(1)))
    sources.watch(onMetrics({ kind: 'replica', metric: 'running', target }), [replica(server)])
    sources.forget(NAME)
    expect(sources.measured(NAME)).toBeUndefined()
    await eventually(() => server.asked.length === 1)
    await clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.asked).toHaveLength(1)
  })

  it('has nothing to do with a revision that scales on requests', async () => {
    await open()
    sources.watch(revisionOf(NAME), [])
    expect(sources.measured(NAME)).toBeUndefined()
  })

  describe('asks a Prometheus server', () => {
    const vector = (...values: readonly string[]): string =>
      JSON.stringify({
        status: 'success',
        data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
      })

    function query(): Measured<readonly number[]> | undefined {
      return sources.measured(NAME)?.queries[0]
    }

    async function answered(): Promise<void> {
      await eventually(() => {
        const found = query()
        return found !== undefined && !('absent' in found && found.absent === 'not asked')
      })
    }

    it('once for all revisions, with the token only where it belongs', async () => {
      const tokens: (string | undefined)[] = []
      const handler: Handler = (request, response) => {
        tokens.push(request.headers.authorization)
        response.end(vector('1.5', '2'))
      }
      const [own, other] = [await engine(handler), await engine(handler)]
      using folder = mkdtempDisposableSync(join(tmpdir(), 'prometheus-'))
      const bearerTokenFile = join(folder.path, 'token')
      writeFileSync(bearerTokenFile, 'secret\n')
      await open({ prometheus: { url: own.url, bearerTokenFile } })
      const metrics = [
        { kind: 'prometheus', query: 'sum(up)', namespace: 'ml', target },
        { kind: 'prometheus', query: 'sum(up)', server: other.url, target },
      ] as const
      sources.watch(onMetrics(...metrics), [])
      sources.watch({ ...onMetrics(...metrics), name: 'ml/other-predictor-00001' }, [])
      await answered()
      await eventually(() => other.asked.length === 1)
      expect(query()).toEqual({ value: [1.5, 2], atMs: clock.now(), from: 'sum(up)' })
      expect(own.asked).toEqual(['/api/v1/query?query=sum%28up%29&namespace=ml'])
      expect(new Set(tokens)).toEqual(new Set(['Bearer secret', undefined]))
    })

    it.each([
      ['no series', vector(), 'no series'],
      ['no number', vector('1', 'NaN'), 'not a number'],
      ['a matrix', '{"status":"success","data":{"resultType":"matrix","result":[]}}', 'not a number'],
      ['no JSON', '<html>', 'no answer'],
      ['something else', '{"status":"success"}', 'no answer'],
    ])('that says %s', async (_what, body, reason) => {
      const server = await engine(saying(() => body))
      await open({ prometheus: { url: server.url } })
      sources.watch(onMetrics({ kind: 'prometheus', query: 'up', target }), [])
      await answered()
      expect(query()).toMatchObject({ absent: reason })
    })

    it('that refuses the query, and passes on why', async () => {
      const refusal = JSON.stringify({
        status: 'error',
        errorType: 'bad_data',
        error: 'parse error: unexpected )',
      })
      const server = await engine((_request, response) => response.writeHead(400).end(refusal))
      await open({ prometheus: { url: server.url } })
      sources.watch(onMetrics({ kind: 'prometheus', query: 'up)', target }), [])
      await answered()
      expect(query()).toMatchObject({
        absent: 'refused',
        detail: expect.stringContaining('parse error: unexpected )'),
      })
    })

    it('by POST where the query is long', async () => {
      const long = `sum(${'a'.repeat(3_000)})`
      const bodies: string[] = []
      const server = await engine((_request, response, body) => {
        bodies.push(body)
        response.end(vector('7'))
      })
      await open({ prometheus: { url: server.url } })
      sources.watch(onMetrics({ kind: 'prometheus', query: long, target }), [])
      await answered()
      expect(query()).toMatchObject({ value: [7] })
      expect(new URLSearchParams(bodies[0]).get('query')).toBe(long)
    })

    it('that is gone: its last answer counts for a while, and again when it is back', async () => {
      const server = await engine(saying(() => vector('5')))
      const { port } = server
      await open({ staleAfterMs: 20_000, prometheus: { url: server.url } })
      sources.watch(onMetrics({ kind: 'prometheus', query: 'up', target }), [])
      await answered()
      await server.stop()
      await clock.advance(15_000)
      expect(query()).toMatchObject({ value: [5] })
      await clock.advance(10_000)
      expect(query()).toMatchObject({ absent: expect.stringMatching(/stale|refused/) })
      await server.listen(port)
      for (let round = 0; round < 20; round += 1) {
        await clock.advance(10_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
      await eventually(() => 'value' in (query() ?? {}))
    })

    it('with files that cannot be read, and says so at once', async () => {
      const file = '/nowhere/to/be/found'
      await expect(open({ prometheus: { bearerTokenFile: file } })).rejects.toThrow(
        `metrics.prometheus.bearerTokenFile: cannot read ${file}`,
      )
      await expect(open({ prometheus: { caFile: file } })).rejects.toThrow(
        `metrics.prometheus.caFile: cannot read ${file}`,
      )
    })

    it('that is not configured', async () => {
      await open()
      sources.watch(onMetrics({ kind: 'prometheus', query: 'up', target }), [])
      expect(query()).toMatchObject({
        absent: 'no server',
        detail: expect.stringContaining('metrics.prometheus.url'),
      })
    })
  })
})
