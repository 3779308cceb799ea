/**
 * The gateway as `pilotlight up` composes it, with tables that stand still instead of a control plane: what the
 * benchmarks measure. Routing, concurrency limits, metrics and reports are all on. `path: simple` is the same around
 * Fastify and http-proxy-3.
 */
import { z } from 'zod'
import { Activator } from '../activator/index.ts'
import { MemoryBus } from '../src/bus/index.ts'
import { Carrier } from '../src/cli/data-plane/carrier.ts'
import { SystemClock } from '../src/core/clock.ts'
import { readConfig } from '../src/core/config.ts'
import { SystemRandom } from '../src/core/random.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Revision } from '../src/core/revision.ts'
import type { Route } from '../src/core/route.ts'
import { GatewayTables } from '../src/gateway/index.ts'
import { pinoLog, PromMetrics } from '../src/telemetry/index.ts'
import { SimpleGateway } from '../test/simple-path/simple-gateway.ts'
import { answerBenchmark, collectGarbage, optionsOfScript, type Numbers } from './child.ts'

/** Besides those that are measured: a table is not empty in life. */
const OTHER_SERVICES = 200

const optionsSchema = z.object({
  path: z.enum(['own', 'simple']),
  /** 0 = any free port; the one taken is in the hello. */
  port: z.int(),
  services: z.array(
    z.object({
      host: z.string(),
      containerConcurrency: z.int(),
      protocol: z.enum(['http/1.1', 'h2c']),
      /** Where its replicas listen, on 127.0.0.1; none: it is asleep. */
      ports: z.array(z.int()),
    }),
  ),
})
export type GatewayProcessOptions = z.infer<typeof optionsSchema>

const questionSchema = z.discriminatedUnion('ask', [
  /** From now on the service has these replicas. */
  z.object({ ask: z.literal('replicas'), service: z.int(), ports: z.array(z.int()) }),
  /** How many requests of the service wait. */
  z.object({ ask: z.literal('waiting'), service: z.int() }),
  /** Collects garbage (needs --expose-gc), then says how large the heap is. */
  z.object({ ask: z.literal('collect') }),
])
export type GatewayQuestion = z.infer<typeof questionSchema>

const options = optionsSchema.parse(optionsOfScript())
const ports = options.services.map((service) => service.ports)
const clock = new SystemClock()
const random = new SystemRandom()
const log = pinoLog({ clock, level: 'warn' })
const config = readConfig({
  gateway: { port: options.port, connectionsMax: 0 },
  queue: { depthMax: 200_000 },
})

const bus = new MemoryBus(log)
const metrics = new PromMetrics(() => ({ revisions: [] }))
bus.joinController({ report() {}, wake() {} })

const services: GatewayProcessOptions['services'] = [
  ...options.services,
  ...Array.from({ length: OTHER_SERVICES }, (_, index) => ({
    host: `other-${index}.bench.localhost`,
    containerConcurrency: 1,
    protocol: 'http/1.1' as const,
    ports: [],
  })),
]
const revisions = services.map((service, index): Revision => {
  const { containerConcurrency, protocol } = service
  return {
    name: `bench/service-${index}-predictor-00001`,
    service: `bench/service-${index}`,
    component: 'predictor',
    componentName: `service-${index}-predictor`,
    generation: 1,
    createdAtMs: 0,
    template: {
      replica: {
        command: [],
        args: [],
        env: [],
        ports: [{ name: protocol === 'h2c' ? 'h2c' : 'http1', containerPort: 8080 }],
        requests: {},
        limits: {},
        storage: [],
        podSpec: {},
      },
      limits: { containerConcurrency, timeoutMs: 300_000, responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
      scaling: { class: 'kpa', annotations: {} },
    },
  }
})
const routes = services.map(({ host }, index): Route => ({
  name: `bench/service-${index}`,
  service: `bench/service-${index}`,
  component: 'predictor',
  hosts: [host],
  pathPrefixes: [`/serving/bench/service-${index}`],
  match: 'all',
  split: [{ revision: `bench/service-${index}-predictor-00001`, percent: 100 }],
}))

/** The simple path around its own activator, as Carrier puts the other together. */
function simpleCarrier(): Pick<Carrier, 'activator' | 'publish'> & { readonly gateway: SimpleGateway } {
  const activator = new Activator({ name: 'gateway', clock, bus, metrics, bounds: config.queue })
  const tables = new GatewayTables(activator)
  const gateway = new SimpleGateway({
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
  return { activator, gateway, publish: (published) => tables.publish(published) }
}

const carrier =
  options.path === 'own'
    ? new Carrier({ name: 'gateway', config, clock, log, metrics, random, bus })
    : simpleCarrier()
const { activator } = carrier
bus.joinGateway(activator)

function publish(): void {
  const replicas = ports.flatMap((of, service) =>
    of.map((port): Replica => ({
      name: `bench/service-${service}-predictor-00001-${port}`,
      revision: `bench/service-${service}-predictor-00001`,
      phase: 'ready',
      sinceMs: 0,
      createdAtMs: 0,
      address: { host: '127.0.0.1', port },
      restarts: 0,
    })),
  )
  carrier.publish({ routes, revisions, replicas })
}

publish()
const { port } = await carrier.gateway.listen()
void activator.run(new AbortController().signal)

answerBenchmark({ port }, (said): Numbers => {
  const question = questionSchema.parse(said)
  if (question.ask === 'collect') return collectGarbage()
  if (question.ask === 'waiting')
    return { waiting: activator.queue(revisions[question.service]!.name).waiting }
  ports[question.service] = question.ports
  publish()
  return {}
})
