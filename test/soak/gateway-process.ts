/**
 * A gateway alone in its process, as `pilotlight up` composes it, with tables that its parent hands in: so that its
 * memory and its handles are its own. Run it with `--expose-gc` and an IPC channel.
 */
import { Activator } from '../../activator/index.ts'
import { SystemClock } from '../../src/core/clock.ts'
import { readConfig } from '../../src/core/config.ts'
import type { RevisionName } from '../../src/core/names.ts'
import { SystemRandom } from '../../src/core/random.ts'
import type { Metrics } from '../../src/core/telemetry.ts'
import { Gateway, GatewayTables } from '../../src/gateway/index.ts'
import { pinoLog, PromMetrics } from '../../src/telemetry/index.ts'
import type { FromGateway, Sample, ToGateway } from './messages.ts'

const config = readConfig(JSON.parse(process.argv[2] ?? '{}'), 'soak')
const clock = new SystemClock()
const random = new SystemRandom()
const log = pinoLog({ clock, level: 'warn', pretty: false, colour: false })
const revisions = new Set<RevisionName>()
const finished: Record<string, number> = {}

const prom: PromMetrics = new PromMetrics(() => ({
  revisions: [...revisions].map((name) => ({
    name,
    wanted: 0,
    replicas: { scheduling: 0, pulling: 0, loading: 0, ready: 0, draining: 0, failed: 0 },
    ...activator.queue(name),
  })),
}))
/** All that PromMetrics counts, and beside it what the soak reads. */
const metrics: Metrics = new Proxy(prom, {
  get(target, name): unknown {
    const value: unknown = Reflect.get(target, name, target)
    if (typeof value !== 'function') return value
    return (...args: unknown[]): unknown => {
      if (name === 'requestFinished') count(args[0])
      return Reflect.apply(value, target, args)
    }
  },
})

function count(request: unknown): void {
  if (typeof request !== 'object' || request === null || !('status' in request)) return
  const status = String(request.status)
  finished[status] = (finished[status] ?? 0) + 1
}

const tell = (message: FromGateway): void => void process.send?.(message)

const activator = new Activator({
  name: 'gateway',
  clock,
  bus: { report() {}, wake: (revision) => tell({ kind: 'wake', revision }) },
  metrics,
  bounds: config.queue,
})
const tables = new GatewayTables(activator)
const gateway = new Gateway({
  config: config.gateway,
  clock,
  log,
  metrics,
  random,
  table: () => tables.table,
  activator,
  limitsOf: (revision) => tables.limitsOf(revision),
  unready: (host, path) => tables.unready(host, path),
})
const loops = new AbortController()

async function sample(): Promise<Sample> {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('gateway-process.ts needs --expose-gc')
  // Finalizers of the first run free what the second one collects.
  for (let run = 0; run < 2; run++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  // As a scrape does: what the registry keeps is part of what may grow.
  await prom.expose()
  const { rss, heapUsed, external } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1
  return {
    atMs: clock.now(),
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    handles,
    connections: gateway.connections,
    underWay: Math.max(gateway.underWay, activator.underWay),
    revisions: Object.fromEntries(
      [...revisions].map((name) => {
        const { waiting, inFlight } = activator.queue(name)
        return [name, { waiting, inFlight }]
      }),
    ),
    finished: { ...finished },
  }
}

async function obey(message: ToGateway): Promise<void> {
  switch (message.kind) {
    case 'publish':
      for (const { name } of message.tables.revisions) revisions.add(name)
      tables.publish(message.tables)
      break
    case 'sample':
      tell({ kind: 'sample', sample: await sample() })
      break
    case 'drain':
      loops.abort()
      await gateway.drain()
      tell({ kind: 'drained' })
      process.disconnect?.()
      break
  }
}

process.on('message', (message: ToGateway) => void obey(message))
// Whoever started it has gone.
process.on('disconnect', () => process.exit(0))
void activator.run(loops.signal)
const { port } = await gateway.listen()
tell({ kind: 'listening', port })
