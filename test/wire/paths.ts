import { RouteTable } from '../../router/index.ts'
import { readConfig } from '../../src/core/config.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { silentLog, silentMetrics } from '../../src/core/telemetry.ts'
import { SimpleGateway } from '../simple-path/simple-gateway.ts'
import { FakeActivator, HOST, REVISION, startGateway, type Finished } from '../support/gateway-harness.ts'
import { RecordingReplica } from './recording-replica.ts'

/** A gateway on a free port before one recording replica. */
export interface Path {
  readonly port: number
  readonly replica: RecordingReplica
  readonly activator: FakeActivator
  readonly finished: readonly Finished[]
  close(): Promise<void>
}

/** The gateway's own data path. */
export async function startOwnPath(): Promise<Path> {
  const replica = await RecordingReplica.start()
  const { gateway, port, activator, finished } = await startGateway([replica.address])
  return { port, replica, activator, finished, close: closing(gateway, replica) }
}

/** The oracle: the same routes, the same limits, on Fastify and http-proxy-3. */
export async function startSimplePath(): Promise<Path> {
  const replica = await RecordingReplica.start()
  const activator = new FakeActivator([replica.address])
  const finished: Finished[] = []
  const table = new RouteTable([
    {
      name: 'ml/iris-predictor',
      service: 'ml/iris',
      component: 'predictor',
      hosts: [HOST],
      pathPrefixes: ['/serving/ml/iris'],
      match: 'all',
      split: [{ revision: REVISION, percent: 100 }],
    },
  ])
  const gateway = new SimpleGateway({
    config: { ...readConfig({}).gateway, port: 0 },
    clock: new ManualClock(1_000_000),
    log: silentLog,
    random: new SeededRandom(7),
    metrics: { ...silentMetrics, requestFinished: (request) => void finished.push(request) },
    table: () => table,
    activator,
    limitsOf: () => ({ containerConcurrency: 0, timeoutMs: 0, responseStartTimeoutMs: 0, idleTimeoutMs: 0 }),
  })
  const { port } = await gateway.listen()
  return { port, replica, activator, finished, close: closing(gateway, replica) }
}

function closing(gateway: { close(): Promise<void> }, replica: RecordingReplica): () => Promise<void> {
  return async () => {
    await gateway.close()
    await replica.close()
  }
}
