/**
 * What deciding costs: `npm run bench:decide [-- --quick] [--revisions 10000] [--ticks 1000] [-o json]`.
 *
 *     two gateways' reports, once a second ──▶ controller ──▶ a decision for each revision every 2 s
 *              measurements of two replicas ──▶
 *
 * All revisions are busy, and what is seen of them is another at every tick, so that no decision is like the one before and
 * the last thousand of each are kept: the worst that can be. Of ten revisions eight are of class kpa, one hpa, one llm.
 * The controller is the real one, with its windows, policies, status and metrics; the cluster is not. Aims: below 10 % of
 * one core, below 1 GB.
 */
import { parseArgs } from 'node:util'
import { readAutoscalerConfig } from '../autoscaler/index.ts'
import { MemoryBus } from '../src/bus/index.ts'
import { Controller } from '../src/control/controller.ts'
import { ManualClock } from '../src/core/manual-clock.ts'
import type { Measured, MetricSources } from '../src/core/measurements.ts'
import type { RevisionName } from '../src/core/names.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Report } from '../src/core/report.ts'
import type { ScalingSpec } from '../src/core/revision.ts'
import { silentLog } from '../src/core/telemetry.ts'
import { PromMetrics } from '../src/telemetry/index.ts'
import { machine } from './cpu.ts'
import { median, percentile, table } from './figures.ts'
import { choices, wholeNumber } from './options.ts'
import { pretendedReplicas, pretendedServices, scaledBy, START_MS, urls } from './pretended-services.ts'

const TICK_MS = 2_000

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    revisions: { type: 'string' },
    ticks: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
})
const [output] = choices('-o', values.output, ['table', 'json'])
const revisions = wholeNumber(
  '--revisions',
  values.revisions ?? (values.quick ? '1000' : '10000'),
  1,
  100_000,
)
const ticks = wholeNumber('--ticks', values.ticks ?? (values.quick ? '100' : '1000'), 10, 100_000)

const bounds = { 'autoscaling.knative.dev/min-scale': '1', 'autoscaling.knative.dev/max-scale': '20' }
const scalings: readonly ScalingSpec[] = [
  ...Array.from({ length: 8 }, () => ({ class: 'kpa' as const, annotations: bounds })),
  {
    class: 'hpa',
    annotations: bounds,
    metrics: [
      { kind: 'replica', metric: 'gpu-utilization', target: { type: 'Utilization', value: 70 } },
      { kind: 'replica', metric: 'waiting', target: { type: 'AverageValue', value: '5' } },
    ],
  },
  { class: 'llm', annotations: bounds },
]

const clock = new ManualClock(START_MS)
const random = new SeededRandom(1)
const services = pretendedServices(revisions).map((service, index) =>
  scaledBy(service, scalings[index % scalings.length]!),
)
const replicas = services.flatMap((service) => pretendedReplicas(service, START_MS))

/** Says something else whenever it is asked, as engines do. */
class RandomSources implements MetricSources {
  readonly #replicas = new Map<RevisionName, readonly Replica[]>()

  watch({ name }: { readonly name: RevisionName }, of: readonly Replica[]): void {
    this.#replicas.set(name, of)
  }

  forget(revision: RevisionName): void {
    this.#replicas.delete(revision)
  }

  measured(revision: RevisionName) {
    const number = (most: number): Measured<number> => ({
      value: random.next() * most,
      atMs: clock.now(),
      from: 'bench',
    })
    return {
      replicas: (this.#replicas.get(revision) ?? []).map(({ name: replica }) => ({
        replica,
        metrics: {
          running: number(20),
          waiting: number(8),
          'kv-cache': number(1),
          'gpu-utilization': number(1),
        },
        series: [],
      })),
      queries: [],
    }
  }
}

function reports(gateway: string): readonly Report[] {
  return services.map(({ name }) => ({
    gateway,
    revision: `bench/${name}-predictor-00001`,
    atMs: clock.now(),
    concurrency: random.next() * 50,
    requests: Math.floor(random.next() * 100),
    waiting: 0,
    inFlight: 5,
  }))
}

/** Of this process, in ms. */
async function cpuOf(turn: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await turn()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const over = new AbortController()
const bus = new MemoryBus(silentLog)
const once = async function* <T>(value: T): AsyncGenerator<T> {
  yield value
}
const controller: Controller = new Controller({
  clock,
  bus,
  log: silentLog,
  metrics: new PromMetrics(() => controller.snapshot()),
  cluster: {
    desired: () => once({ services, problems: [] }),
    ready: () => once({ replicas }),
    scale: () => Promise.resolve(),
    retire: () => Promise.resolve(),
  },
  sources: new RandomSources(),
  store: { load: () => Promise.resolve({}), save: () => Promise.resolve() },
  autoscaler: readAutoscalerConfig({}),
  progressDeadlineMs: 600_000,
  reconcile: { strict: false, keep: 1, urls },
  publish: () => {},
})
const running = controller.run(over.signal)
await controller.whenReady

const cpuMs: number[] = []
for (let tick = 0; tick < ticks; tick += 1) {
  const heard = [0, 1].map(() => ['a', 'b'].map(reports))
  cpuMs.push(
    await cpuOf(async () => {
      for (const second of heard) {
        for (const gateway of second) bus.report(gateway)
        await clock.advance(TICK_MS / 2)
      }
    }),
  )
}
const kept = controller.decisions(`bench/${services[0]!.name}-predictor-00001`)?.length ?? 0
globalThis.gc?.()
const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
over.abort()
await running

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
// The first ones compile the code.
const warm = cpuMs.slice(Math.min(10, ticks - 1))
const figures = {
  revisions,
  ticks,
  decisionsKept: kept,
  cpuMsPerTick: Number(median(warm).toFixed(1)),
  cpuMsPerTickP99: Number(percentile(warm, 99).toFixed(1)),
  corePercent: Number(((100 * warm.reduce((sum, ms) => sum + ms, 0)) / warm.length / TICK_MS).toFixed(2)),
  rssMb: megabytes(rss),
  heapMb: megabytes(heapUsed),
  arraysMb: megabytes(arrayBuffers),
}
if (output === 'json') console.log(JSON.stringify({ results: [figures] }))
else {
  console.log(machine())
  console.log(
    table(
      [
        'revisions',
        'CPU ms per tick',
        'p99',
        'share of a core',
        'RSS MB',
        'heap',
        'arrays',
        'decisions each',
      ],
      [
        [
          String(revisions),
          String(figures.cpuMsPerTick),
          String(figures.cpuMsPerTickP99),
          `${figures.corePercent} %`,
          String(figures.rssMb),
          String(figures.heapMb),
          String(figures.arraysMb),
          String(kept),
        ],
      ],
    ),
  )
  console.log('aims for 10,000 revisions: below 10 % of a core, below 1,000 MB')
}
