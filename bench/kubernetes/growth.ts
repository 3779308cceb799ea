/**
 * What one change costs the controller and a gateway when there are more and more revisions, without any cluster: they
 * live on tables that are made here. Prints CPU for one change: `node bench/kubernetes/growth.ts [300,1000,10000]`.
 */
import { readAutoscalerConfig } from '../../autoscaler/index.ts'
import { MemoryBus } from '../../src/bus/index.ts'
import { Carrier } from '../../src/cli/data-plane/carrier.ts'
import { Controller } from '../../src/control/controller.ts'
import type { Tables } from '../../src/control/tables.ts'
import { noMetricSources } from '../../src/core/measurements.ts'
import { readConfig } from '../../src/core/config.ts'
import type { Desired } from '../../src/core/desired.ts'
import { Latest } from '../../src/core/latest.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import type { Ready } from '../../src/core/replica.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import { PromMetrics } from '../../src/telemetry/index.ts'
import { median, table } from '../figures.ts'
import { wholeNumbers } from '../options.ts'
import { pretendedReplicas, pretendedServices, START_MS, urls } from '../pretended-services.ts'

const CHANGES = 30

/** CPU of one of many turns of `change`, in ms. */
async function cost(change: () => void | Promise<void>): Promise<number> {
  const figures: number[] = []
  for (let turn = 0; turn < CHANGES; turn++) {
    const before = process.cpuUsage()
    await change()
    await new Promise((resolve) => setImmediate(resolve))
    const { user, system } = process.cpuUsage(before)
    figures.push((user + system) / 1_000)
  }
  return median(figures)
}

async function measure(count: number): Promise<readonly string[]> {
  const clock = new ManualClock(START_MS)
  const over = new AbortController()
  const services = [...pretendedServices(count)]
  const desired = new Latest<Desired>({ services: [...services], problems: [] })
  const ready = new Latest<Ready>({
    replicas: services.flatMap((service) => pretendedReplicas(service, START_MS)),
  })
  let tables: Tables | undefined
  const bus = new MemoryBus(silentLog)
  const metrics = new PromMetrics(() => ({ revisions: [] }))
  const controller = new Controller({
    clock,
    bus,
    metrics,
    log: silentLog,
    cluster: {
      desired: (signal) => desired.values(signal),
      ready: (signal) => ready.values(signal),
      scale: () => Promise.resolve(),
      retire: () => Promise.resolve(),
    },
    sources: noMetricSources,
    store: { load: () => Promise.resolve({}), save: () => Promise.resolve() },
    autoscaler: readAutoscalerConfig({}),
    progressDeadlineMs: 600_000,
    reconcile: { strict: false, keep: 1, urls },
    publish: (published) => (tables = published),
  })
  const running = controller.run(over.signal)
  await controller.whenReady
  await clock.advance(4_000)
  const config = readConfig({})
  const carrier = new Carrier({
    name: 'g',
    config,
    clock,
    log: silentLog,
    metrics,
    random: new SeededRandom(1),
    bus,
  })
  let turn = 0
  const onePod = await cost(() => {
    const replicas = [...ready.value.replicas]
    const index = (turn++ * 2) % replicas.length
    replicas[index] = { ...replicas[index]!, phase: turn % 2 === 0 ? 'ready' : 'loading' }
    ready.set({ replicas })
  })
  const oneService = await cost(() => {
    services[turn++ % count] = { ...services[turn % count]! }
    desired.set({ services: [...services], problems: [] })
  })
  const tick = await cost(() => clock.advance(2_000))
  if (tables === undefined) throw new Error('nothing was published')
  let published: Tables = tables
  carrier.publish(published)
  const gatewayPod = await cost(() => {
    const replicas = [...published.replicas]
    const index = turn++ % replicas.length
    replicas[index] = { ...replicas[index]! }
    carrier.publish((published = { ...published, replicas }))
  })
  const gatewayRoute = await cost(() => {
    const routes = [...published.routes]
    const index = turn++ % routes.length
    routes[index] = { ...routes[index]! }
    carrier.publish((published = { ...published, routes }))
  })
  over.abort()
  await running
  return [
    count.toLocaleString('en'),
    ...[onePod, oneService, tick, gatewayPod, gatewayRoute].map((ms) => ms.toFixed(2)),
  ]
}

const rows: (readonly string[])[] = []
for (const count of wholeNumbers('REVISIONS', process.argv[2] ?? '300,1000,10000', 1, 100_000)) {
  rows.push(await measure(count))
}
console.log(`CPU for one change in ms, median of ${CHANGES}; two replicas each:\n`)
console.log(
  table(['revisions', 'a pod', 'a service', 'tick (2 s)', "gateway's: a pod", "gateway's: a route"], rows),
)
