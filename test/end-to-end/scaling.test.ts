import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decision } from '../../src/core/decision.ts'
import { freePort } from '../interop/peer.ts'
import { up, type Running } from './harness.ts'

const engineServer = fileURLToPath(new URL('../fixtures/engine-server.ts', import.meta.url))
const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0
if (!hasPrometheus && process.env['CI'] !== 'true') {
  console.log('Left out: PromQL metrics. They need a Prometheus server: apt-get install prometheus')
}

/** Five services, each scaled on something else, in one run: an HPA takes its time. */
describe('a service is scaled', () => {
  let folder: string
  let running: Running
  let jobs: Server
  let waitingJobs = 2
  let prometheus: ChildProcess | undefined
  let prometheusPort: number

  /** What all replicas of a service say from now on. */
  function say(service: string, state: Readonly<Record<string, number>>): void {
    const file = join(folder, `${service}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(state))
    // In one step: replicas read it at any moment.
    renameSync(`${file}.new`, file)
  }

  function manifest(
    name: string,
    engine: 'vllm' | 'triton',
    more: { readonly annotations?: object; readonly predictor?: object; readonly container?: object },
  ): string {
    say(name, {})
    const state = join(folder, `${name}.json`)
    const container = {
      name: 'kserve-container',
      image: 'none',
      command: [process.execPath, engineServer, '--port={{.Port}}', `--engine=${engine}`, `--state=${state}`],
      readinessProbe: { httpGet: { path: '/' } },
      ...more.container,
    }
    return JSON.stringify({
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name, annotations: more.annotations ?? {} },
      spec: { predictor: { minReplicas: 1, maxReplicas: 3, containers: [container], ...more.predictor } },
    })
  }

  async function startPrometheus(): Promise<void> {
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${prometheusPort}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    )
    await once(prometheus, 'spawn')
  }

  async function stopPrometheus(): Promise<void> {
    if (prometheus === undefined) return
    prometheus.kill('SIGKILL')
    await once(prometheus, 'exit')
    prometheus = undefined
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-scaling-'))
    jobs = createServer((_request, response) => {
      response.end(`# TYPE jobs_waiting gauge\njobs_waiting{queue="a"} ${waitingJobs}\n`)
    }).listen(0, '127.0.0.1')
    await once(jobs, 'listening')
    const { port } = jobs.address() as AddressInfo
    prometheusPort = await freePort()
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: {scrape_interval: 1s}
scrape_configs: [{job_name: jobs, static_configs: [{targets: ["127.0.0.1:${port}"]}]}]
`,
    )
    if (hasPrometheus) await startPrometheus()
    const scaleDown = { scaleDown: { stabilizationWindowSeconds: 0 } }
    const hpa = { 'serving.kserve.io/autoscalerClass': 'hpa' }
    const services = [
      manifest('cache', 'vllm', {
        annotations: {
          ...hpa,
          'autoscaling.knative.dev/metric': 'kv-cache',
          'autoscaling.knative.dev/target': '50',
        },
        predictor: { autoScaling: { behavior: scaleDown } },
      }),
      manifest('gpu', 'triton', {
        annotations: {
          ...hpa,
          'serving.kserve.io/metric': 'gpu-utilization',
          'serving.kserve.io/targetUtilizationPercentage': '70',
        },
        predictor: { autoScaling: { behavior: scaleDown } },
      }),
      manifest('llm', 'vllm', {
        annotations: { 'pilotlight.dev/policy': 'llm', 'pilotlight.dev/llm-scale-down-delay': '4s' },
      }),
      manifest('burning', 'vllm', {
        annotations: { 'serving.kserve.io/deploymentMode': 'Standard' },
        predictor: { maxReplicas: 2, scaleMetric: 'cpu', scaleTarget: 50 },
        container: { resources: { requests: { cpu: '500m' } } },
      }),
      manifest('queue', 'vllm', {
        predictor: {
          autoScaling: {
            behavior: scaleDown,
            metrics: [
              {
                type: 'External',
                external: {
                  metric: {
                    backend: 'prometheus',
                    serverAddress: `http://127.0.0.1:${prometheusPort}`,
                    query: 'sum(jobs_waiting)',
                  },
                  target: { type: 'AverageValue', averageValue: '2' },
                },
              },
            ],
          },
        },
      }),
    ]
    running = await up({
      'pilotlight.yaml': 'metrics: {periodMs: 1000, staleAfterMs: 5000}\n',
      'services.yaml': services.join('\n---\n'),
    })
  })

  afterAll(async () => {
    await running?.[Symbol.asyncDispose]()
    await stopPrometheus()
    jobs?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function ready(service: string, replicas: number): Promise<void> {
    await running.until(`${service} has ${replicas} ready`, (snapshot) => {
      const own = snapshot.replicas.filter(
        ({ revision }) => revision === `default/${service}-predictor-00001`,
      )
      return own.length === replicas && own.every(({ phase }) => phase === 'ready')
    })
  }

  async function why(service: string): Promise<readonly Decision[]> {
    const { code, stdout, stderr } = await running.cli(
      'why',
      `${service}-predictor-00001`,
      '--output',
      'json',
    )
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as Decision[]
  }

  /** The name of the signal whose number counted when so many replicas were decided on. */
  async function bindingAt(service: string, replicas: number): Promise<string | undefined> {
    const decision = (await why(service)).find((each) => each.replicas === replicas)
    return decision?.signals.find(({ binding }) => binding)?.name
  }

  it.concurrent('by the KV cache of its engine', { timeout: 120_000 }, async () => {
    await ready('cache', 1)
    say('cache', { kv: 0.95 })
    await ready('cache', 3)
    expect(await bindingAt('cache', 3)).toBe('pods metric kv-cache')
    say('cache', { kv: 0.05 })
    await ready('cache', 1)
  })

  it.concurrent(
    'by the GPUs, as the manifest says that KServe does not look at',
    { timeout: 120_000 },
    async () => {
      await ready('gpu', 1)
      say('gpu', { gpu: 0.98 })
      await ready('gpu', 2)
      expect(await bindingAt('gpu', 2)).toBe('pods metric gpu-utilization')
      say('gpu', { gpu: 0.1 })
      await ready('gpu', 1)
    },
  )

  it.concurrent('by the queues of engines of language models', { timeout: 120_000 }, async () => {
    await ready('llm', 1)
    say('llm', { waiting: 20, kv: 0.5, running: 8 })
    await ready('llm', 3)
    expect(await bindingAt('llm', 3)).toMatch(/waiting|saturation/)
    say('llm', { waiting: 0, kv: 0.02, running: 0 })
    await ready('llm', 2)
  })

  it.concurrent('by the CPU of its processes', { timeout: 120_000 }, async () => {
    await ready('burning', 1)
    say('burning', { burn: 0.7 })
    await ready('burning', 2)
    expect(await bindingAt('burning', 2)).toBe('cpu resource utilization (percentage of request)')
  })

  it.runIf(hasPrometheus || process.env['CI'] === 'true').concurrent(
    'by a PromQL query, and not at all while the server is away',
    { timeout: 180_000 },
    async () => {
      await ready('queue', 1)
      waitingJobs = 6
      await ready('queue', 3)
      expect(await bindingAt('queue', 3)).toBe('external metric sum(jobs_waiting)')
      await stopPrometheus()
      waitingJobs = 0
      await running.until('a decision without an answer', (snapshot) => {
        const revision = snapshot.revisions.find(({ name }) => name === 'default/queue-predictor-00001')
        return revision?.lastDecision?.signals.some(({ reason }) => reason !== undefined) === true
      })
      expect((await why('queue')).at(-1)).toMatchObject({ inputs: { ready: 3 } })
      await ready('queue', 3)
      waitingJobs = 3
      await startPrometheus()
      await ready('queue', 2)
    },
  )
})
