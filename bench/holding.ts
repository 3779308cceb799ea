import { once } from 'node:events'
import { connect } from 'node:http2'
import { cpuMicros, residentBytes, type Cores } from './cpu.ts'
import { LeftOut } from './expect.ts'
import type { GatewayProcessOptions, GatewayQuestion } from './gateway-process.ts'
import { h2load, h2loadCommand, type H2loadRequest } from './load.ts'
import { HOST } from './peers/proxy.ts'
import type { Child, Processes } from './processes.ts'
import type { Tools } from './tools.ts'
import { UnrelatedTraffic, type Quiet } from './unrelated.ts'
import { SMALL_ANSWER, startNginxUpstream } from './upstreams/nginx.ts'

const WARM_HOST = 'warm.bench.localhost'
const CONTAINER_CONCURRENCY = 100
const REPLICAS = 4
/** The first replica is alone for so long. */
const OTHERS_LATER_MS = 100
/** A burst of connections that the listen queue takes. */
const CONNECTIONS_PER_SECOND = 5_000
const STREAMS_PER_CONNECTION_MAX = 1_000
const HOLD_PATIENCE_MS = 180_000
const QUIET_SECONDS = 3

export type Version = 'http/1.1' | 'h2c'

export interface Stage {
  readonly cores: Cores
  readonly processes: Processes
  readonly tools: Tools
}

/** What one held request adds to its process, in bytes. */
export interface Memory {
  /** Resident memory, as it stood when the last one was held. */
  readonly resident: number
  /** The same after a garbage collection. */
  readonly residentCollected: number
  /** JavaScript objects that live, without buffers. */
  readonly heap: number
}

export interface Held {
  readonly version: Version
  readonly held: number
  readonly connections: number
  readonly memory: Memory
  /** From the coming of the first replica to the last answer. */
  readonly releaseMs: number
  readonly releasesPerSecond: number
  /** CPU of the gateway for one, from the coming of the first replica to the last answer. */
  readonly cpuMicrosPerReleased: number
  readonly lost: number
  readonly containerConcurrency: number
  /** What the first replica saw. */
  readonly mostAtOnce: number
  readonly unrelated: { readonly before: Quiet; readonly holding: Quiet; readonly releasing: Quiet }
  readonly unrelatedErrors: number
}

export interface HoldRow extends Held {
  readonly peer: Memory
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const epochMs = (): number => performance.timeOrigin + performance.now()

/** @throws LeftOut; Error if requests get lost on the way to the queue. */
export async function holdInGateway(stage: Stage, version: Version, count: number): Promise<Held> {
  const { cores, processes, tools } = stage
  const warm = await startNginxUpstream(processes, tools, cores.load)
  await using _warm = warm.child
  const script = 'upstreams/counting-replicas.ts'
  const counting = await processes.startScript(cores.load, script, { replicas: REPLICAS })
  await using replicas = counting.child
  const replicaPorts = Array.from({ length: REPLICAS }, (_, index) => counting.ready[`port${index}`] ?? 0)
  const common = { containerConcurrency: CONTAINER_CONCURRENCY, protocol: 'http/1.1' as const }
  const options: GatewayProcessOptions = {
    path: 'own',
    port: 0,
    services: [
      { ...common, host: HOST, ports: [] },
      { ...common, host: WARM_HOST, ports: [warm.port] },
    ],
  }
  const started = await processes.startScript(cores.measured, 'gateway-process.ts', options, ['--expose-gc'])
  await using gateway = started.child
  const ask = (question: GatewayQuestion) => gateway.ask(question)
  const port = started.ready['port'] ?? 0
  const request = await requestsOf(port, version, count)

  const target = { host: WARM_HOST, path: '/small', bodyEnd: SMALL_ANSWER }
  using unrelated = new UnrelatedTraffic(port, target)
  await pause(QUIET_SECONDS * 1000)
  unrelated.take()
  await pause(QUIET_SECONDS * 1000)
  const before = unrelated.take()

  const memory = await MemoryMeter.start(gateway, count)
  let isOver = false
  const load = h2load({ core: cores.load, processes, tools }, request).finally(() => (isOver = true))
  await heldBy(gateway, count, () => isOver)
  memory.held()
  unrelated.take()
  await pause(QUIET_SECONDS * 1000)
  const holding = unrelated.take()
  const perHeld = await memory.finish()

  await pause(200)
  unrelated.take()
  const cpuBefore = cpuMicros(gateway.pid)
  const wokenMs = epochMs()
  await ask({ ask: 'replicas', service: 0, ports: replicaPorts.slice(0, 1) })
  await pause(OTHERS_LATER_MS)
  await ask({ ask: 'replicas', service: 0, ports: replicaPorts })
  const { log } = await load
  const cpuAfter = cpuMicros(gateway.pid)
  const releasing = unrelated.take()
  const releaseMs =
    log.reduce((last, { beganMs, tookMs }) => Math.max(last, beganMs + tookMs), wokenMs) - wokenMs
  const { most0 = Number.NaN } = await replicas.ask({})
  return {
    version,
    held: count,
    connections: request.connections,
    memory: perHeld,
    releaseMs,
    releasesPerSecond: (count / releaseMs) * 1000,
    cpuMicrosPerReleased: (cpuAfter - cpuBefore) / count,
    lost: count - log.filter(({ status }) => status === 200).length,
    containerConcurrency: CONTAINER_CONCURRENCY,
    mostAtOnce: most0,
    unrelated: { before, holding, releasing },
    unrelatedErrors: before.errors + holding.errors + releasing.errors,
  }
}

/** The same connections (streams) held by a server that does nothing else. */
export async function holdBare(stage: Stage, version: Version, count: number): Promise<Memory> {
  const { cores, processes, tools } = stage
  const flags = ['--expose-gc']
  const started = await processes.startScript(cores.measured, 'peers/bare-holder.ts', { version }, flags)
  await using bare = started.child
  const request = await requestsOf(started.ready['port'] ?? 0, version, count)
  const memory = await MemoryMeter.start(bare, count)
  await using load = processes.start(cores.load, h2loadCommand(tools, request))
  await heldBy(bare, count, () => load.hasEnded)
  memory.held()
  return await memory.finish()
}

/** Resident memory and heap of a process before and while it holds. */
class MemoryMeter {
  readonly #child: Child
  readonly #count: number
  readonly #heapBefore: number
  readonly #residentBefore: number
  #residentHeld = Number.NaN

  private constructor(child: Child, count: number, heapBefore: number) {
    this.#child = child
    this.#count = count
    this.#heapBefore = heapBefore
    this.#residentBefore = residentBytes(child.pid)
  }

  static async start(child: Child, count: number): Promise<MemoryMeter> {
    return new MemoryMeter(child, count, await heapOf(child))
  }

  held(): void {
    this.#residentHeld = residentBytes(this.#child.pid)
  }

  async finish(): Promise<Memory> {
    const heapHeld = await heapOf(this.#child)
    const residentCollected = residentBytes(this.#child.pid)
    const perHeld = (bytes: number): number => bytes / this.#count
    return {
      resident: perHeld(this.#residentHeld - this.#residentBefore),
      residentCollected: perHeld(residentCollected - this.#residentBefore),
      heap: perHeld(heapHeld - this.#heapBefore),
    }
  }
}

async function heapOf(child: Child): Promise<number> {
  const { heapBytes = Number.NaN } = await child.ask({ ask: 'collect' })
  return heapBytes
}

async function requestsOf(port: number, version: Version, count: number): Promise<H2loadRequest> {
  const request = {
    url: `http://127.0.0.1:${port}/`,
    headers: [`:authority: ${HOST}`],
    version,
    requests: count,
  }
  if (version === 'http/1.1')
    return { ...request, connections: count, streams: 1, connectionsPerSecond: CONNECTIONS_PER_SECOND }
  const streams = Math.min(STREAMS_PER_CONNECTION_MAX, await streamsAllowed(port))
  return { ...request, connections: Math.ceil(count / streams), streams }
}

/** How many streams at once the server allows on a connection. */
async function streamsAllowed(port: number): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    await once(session, 'remoteSettings', { signal: AbortSignal.timeout(5_000) })
    return session.remoteSettings.maxConcurrentStreams ?? STREAMS_PER_CONNECTION_MAX
  } catch (cause) {
    throw new LeftOut('the gateway speaks no HTTP/2 with prior knowledge', { cause })
  } finally {
    session.destroy()
  }
}

/** Resolves once so many requests wait. */
async function heldBy(child: Child, count: number, isOver: () => boolean): Promise<void> {
  const untilMs = performance.now() + HOLD_PATIENCE_MS
  for (;;) {
    const { waiting = 0 } = await child.ask({ ask: 'waiting', service: 0 })
    if (waiting >= count) return
    if (isOver()) throw new Error(`the load ended while ${waiting} of ${count} requests waited`)
    if (performance.now() > untilMs) throw new Error(`only ${waiting} of ${count} requests came to wait`)
    await pause(50)
  }
}
