import { afterEach, expect } from 'vitest'
import { Activator, type QueueView } from '../../activator/index.ts'
import { RouteTable } from '../../router/index.ts'
import { readConfig, type Config } from '../../src/core/config.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import type { Address } from '../../src/core/replica.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import { silentLog, silentMetrics, type Metrics } from '../../src/core/telemetry.ts'
import { Gateway } from '../../src/gateway/gateway.ts'
import { dial, eventually, Wire, WireReplica } from './wire.ts'

/** A gateway with its activator between connections that the test holds by their ends. */

export const HOST = 'iris.ml.localhost'
export const REVISION = 'ml/iris-predictor-00001'

export const GET = `GET /x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
export const postOf = (bytes: number): string =>
  `POST /x HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${bytes}\r\n\r\n`
export const CHUNKED_POST = `POST /x HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`

export type Finished = Parameters<Metrics['requestFinished']>[0]

/** Sockets and servers that this process has open. */
export function openSockets(): number {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /^(?:TCP|TLS|Pipe)(?:Socket|Server)Wrap$/.test(name)).length
}

export interface WorldOptions {
  readonly config?: Partial<Config['gateway']>
  readonly limits?: Partial<RequestLimits>
  /** Default 1. None: whatever is asked waits until `ready`. */
  readonly replicas?: number
}

export class World {
  readonly clock = new ManualClock(1_000_000)
  readonly finished: Finished[] = []
  readonly queueLeft: string[] = []
  readonly replicas: readonly WireReplica[]
  readonly activator: Activator
  readonly gateway: Gateway
  readonly #before: number
  readonly #clients: Wire[] = []
  #retries = 0
  #port = 0
  #tlsPort: number | undefined
  /** Connections of clients that were taken and are not over. */
  connections = 0
  readonly refusedConnections: string[] = []

  private constructor(replicas: readonly WireReplica[], options: WorldOptions, before: number) {
    this.#before = before
    this.replicas = replicas
    const limits: RequestLimits = {
      containerConcurrency: 0,
      timeoutMs: 0,
      responseStartTimeoutMs: 0,
      idleTimeoutMs: 0,
      ...options.limits,
    }
    const metrics: Metrics = {
      ...silentMetrics,
      requestFinished: (request) => void this.finished.push(request),
      queueLeft: (_revision, outcome) => void this.queueLeft.push(outcome),
      retried: () => void (this.#retries += 1),
      connectionOpened: () => void (this.connections += 1),
      connectionClosed: () => void (this.connections -= 1),
      connectionRefused: (reason) => void this.refusedConnections.push(reason),
    }
    const config = readConfig({})
    this.activator = new Activator({
      name: 'gateway',
      clock: this.clock,
      bus: { report() {}, wake() {} },
      metrics,
      bounds: config.queue,
    })
    const table = new RouteTable([
      {
        name: 'ml/iris-predictor',
        service: 'ml/iris',
        component: 'predictor',
        hosts: [HOST],
        pathPrefixes: [],
        match: 'all',
        split: [{ revision: REVISION, percent: 100 }],
      },
    ])
    this.gateway = new Gateway({
      // A retry waits for another replica: the tests that want one say so.
      config: { ...config.gateway, port: 0, retriesMax: 0, ...options.config },
      clock: this.clock,
      log: silentLog,
      random: new SeededRandom(7),
      metrics,
      table: () => table,
      activator: this.activator,
      limitsOf: () => limits,
    })
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const before = openSockets()
    const replicas = await Promise.all(
      Array.from({ length: options.replicas ?? 1 }, () => WireReplica.start()),
    )
    const world = new World(replicas, options, before)
    world.ready(...replicas.map(({ address }) => address))
    worlds.push(world)
    const bound: { readonly port: number; readonly tlsPort?: number | undefined } =
      await world.gateway.listen()
    world.#port = bound.port
    world.#tlsPort = bound.tlsPort
    return world
  }

  get port(): number {
    return this.#port
  }

  get tlsPort(): number {
    if (this.#tlsPort === undefined) throw new Error('this world speaks no TLS')
    return this.#tlsPort
  }

  get replica(): WireReplica {
    const [replica] = this.replicas
    if (replica === undefined) throw new Error('this world has no replica')
    return replica
  }

  get queue(): QueueView {
    return this.activator.queue(REVISION)
  }

  get retries(): number {
    return this.#retries
  }

  /** From now on these replicas are ready, and no others. */
  ready(...addresses: Address[]): void {
    this.activator.update({
      revisions: [{ name: REVISION, containerConcurrency: 0 }],
      replicas: addresses.map((address, at) => ({
        name: `ml/replica-${at}`,
        revision: REVISION,
        phase: 'ready',
        sinceMs: 0,
        createdAtMs: 0,
        restarts: 0,
        address,
      })),
    })
  }

  async client(options: { readonly localAddress?: string } = {}): Promise<Wire> {
    const wire = await dial(this.#port, options)
    this.#clients.push(wire)
    return wire
  }

  /** A client that has sent this. */
  async asking(text: string): Promise<Wire> {
    const wire = await this.client()
    wire.write(text)
    return wire
  }

  /** No request waits, none runs, and nobody holds a permit. */
  idle(): Promise<void> {
    return eventually('no request waits or runs', () => this.activator.underWay === 0)
  }

  async over(count: number): Promise<readonly Finished[]> {
    await eventually(`${count} requests are over`, () => this.finished.length >= count)
    return this.finished
  }

  /** What is true after every test: all that was taken is given back, and the gateway leaves no socket open. */
  async leavesNothing(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy()
    // A client that had half closed before is found gone when it is asked again.
    for (let seconds = 0; seconds < 60 && this.activator.underWay > 0; seconds++)
      await this.clock.advance(1_000)
    await this.idle()
    await eventually('no byte waits', () => this.queue.waitingBytes === 0)
    await this.gateway.close()
    for (const replica of this.replicas) await replica.stop()
    await eventually('every socket is closed', () => openSockets() <= this.#before)
    await eventually('as many connections were closed as opened', () => this.connections === 0)
    // What is left of timers is harmless; a timer that fires after the end is not.
    await this.clock.advance(1_000_000)
  }
}

const worlds: World[] = []

/** Begins what ends, checked, after the test. */
export const startWorld = (options?: WorldOptions): Promise<World> => World.start(options)

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.leavesNothing()
})

/** What a client has to see of an answer that broke off: a reset, and never an end that looks like one. */
export async function expectBrokenOff(client: Wire): Promise<void> {
  expect(await client.over()).toBe('reset')
  expect(client.text).not.toContain('\r\n0\r\n\r\n')
}

/** The head and the body of the one answer in `text`. */
export function answerOf(text: string): { status: number; head: string; body: string } {
  const at = text.indexOf('\r\n\r\n')
  return {
    status: Number(text.slice(9, 12)),
    head: text.slice(0, at).toLowerCase(),
    body: text.slice(at + 4),
  }
}
