import { afterEach } from 'vitest'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect, type Server as NetServer } from 'node:net'
import type { Permit } from '../../activator/permit.ts'
import { RouteTable } from '../../router/index.ts'
import { readConfig, type Config } from '../../src/core/config.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import type { Address } from '../../src/core/replica.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import { silentLog, silentMetrics, type Metrics } from '../../src/core/telemetry.ts'
import type { Admission } from '../../src/gateway/admission.ts'
import { Gateway } from '../../src/gateway/gateway.ts'

/** A gateway on a free port before fake replicas: for tests of this folder. */

export const HOST = 'iris.ml.localhost'
export const REVISION = 'ml/iris-predictor-00001'

export type Finished = Parameters<Metrics['requestFinished']>[0]

/** Hands out the replicas in turn, and knows who holds one. */
export class FakeActivator implements Admission {
  readonly #addresses: Address[]
  cold = false
  held = 0
  acquired: { bytes: number | undefined; failed: readonly Permit[] }[] = []
  /** Takes the place of the permit, e.g. a promise that never comes or a refusal. */
  instead: ((signal: AbortSignal) => Promise<Permit>) | undefined
  readonly #released: (() => void)[] = []

  constructor(addresses: Address[]) {
    this.#addresses = addresses
  }

  acquire(
    revision: Permit['revision'],
    options: { readonly signal: AbortSignal; readonly bytes?: number; readonly failed?: readonly Permit[] },
  ): Promise<Permit> {
    const { failed = [] } = options
    this.acquired.push({ bytes: options.bytes, failed: [...failed] })
    if (this.instead !== undefined) return this.instead(options.signal)
    const at = failed.length % this.#addresses.length
    this.held += 1
    return Promise.resolve({
      revision,
      replica: `ml/replica-${at}`,
      address: this.#addresses[at]!,
      waitedMs: 1_234,
      cold: this.cold,
      [Symbol.dispose]: () => {
        this.held -= 1
        for (const resolve of this.#released.splice(0)) resolve()
      },
    })
  }

  failures = 0
  failed(): void {
    this.failures += 1
  }

  answered(): void {}
  used(): void {}

  /** Resolves at the next release. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#released.push(resolve))
  }
}

export async function listening(server: Server | NetServer): Promise<Address> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server has no address')
  return { host: bound.address, port: bound.port }
}

export async function replica(listener: RequestListener): Promise<{ server: Server; address: Address }> {
  const server = createServer(listener)
  return { server, address: await listening(server) }
}

/** A port on which nobody listens. */
export async function deadAddress(): Promise<Address> {
  const server = createServer()
  const address = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return address
}

export async function startGateway(
  addresses: Address[],
  options: {
    readonly config?: Partial<Config['gateway']>
    readonly limits?: Partial<RequestLimits>
    readonly unready?: (host: string) => string | undefined
  } = {},
) {
  const clock = new ManualClock(1_000_000)
  const activator = new FakeActivator(addresses)
  const finished: Finished[] = []
  let onFinished: (() => void)[] = []
  let retries = 0
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
  const gateway = new Gateway({
    config: { ...readConfig({}).gateway, port: 0, ...options.config },
    clock,
    log: silentLog,
    random: new SeededRandom(7),
    metrics: {
      ...silentMetrics,
      retried: () => void (retries += 1),
      requestFinished: (request) => {
        finished.push(request)
        for (const resolve of onFinished.splice(0)) resolve()
      },
    },
    table: () => table,
    activator,
    limitsOf: () => ({
      containerConcurrency: 0,
      timeoutMs: 0,
      responseStartTimeoutMs: 0,
      idleTimeoutMs: 0,
      ...options.limits,
    }),
    ...(options.unready === undefined ? {} : { unready: options.unready }),
  })
  const { host, port } = await gateway.listen()
  return {
    gateway,
    clock,
    activator,
    finished,
    host,
    port,
    retries: () => retries,
    /** The next finished request, or the last if there is one already. */
    nextFinished: async (count = 1): Promise<Finished> => {
      while (finished.length < count) await new Promise<void>((resolve) => onFinished.push(resolve))
      return finished[count - 1]!
    },
  }
}

/** Sends bytes as they are and gives all that comes back until the connection ends; `reset` if it broke. */
export function raw(port: number, text: string): Promise<{ text: string; reset: boolean }> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let reset = false
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    socket.on('error', () => (reset = true))
    socket.on('close', () => resolve({ text: received, reset }))
  })
}

/** What a test opened, ended after it in reverse order. */
export const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

/** A gateway before one replica, and those of `before`; both end with the test. */
export async function up(
  listener: Parameters<typeof replica>[0],
  options: Parameters<typeof startGateway>[1] = {},
  before: { host: string; port: number }[] = [],
) {
  const { server, address } = await replica(listener)
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const gateway = await startGateway([...before, address], options)
  ends.push(() => gateway.gateway.close())
  return { ...gateway, server }
}

export const get = (path = '/', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${more}\r\n`
export const post = (body: string, more = ''): string =>
  `POST /x HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`
