import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { SharedOwner, type SharingOptions } from '../../../activator/index.ts'
import type { Clock } from '../../core/clock.ts'
import type { Config } from '../../core/config.ts'
import type { ReplicaName, RevisionName } from '../../core/names.ts'
import type { Bus, GatewayMember } from '../../core/report.ts'
import type { Log } from '../../core/telemetry.ts'
import { ConnectionCount, type Listening, type PublishedTables } from '../../gateway/index.ts'
import type { Dump } from '../../telemetry/index.ts'
import { Cursors } from './cursors.ts'
import type { DataPlane } from './data-plane.ts'
import { GatewayThread } from './gateway-thread.ts'
import type { ThreadBirth } from './messages.ts'

/** A thread that died is replaced after this long, so that one that cannot live does not take the machine. */
const REPLACE_AFTER_MS = 500
/** How long a scrape waits for the counts of a thread; then it gets those before. */
const DUMP_PATIENCE_MS = 1_000
/** Numbers of threads that died are given out again only when all they held was given back. */
const SPARE_NUMBERS = 4

export interface ThreadsOptions {
  readonly config: Pick<Config, 'gateway' | 'queue'>
  readonly clock: Clock
  readonly log: Log
  readonly logging: ThreadBirth['log']
  readonly bus: Pick<Bus, 'report' | 'wake'>
  /** Other gateways have slots of the same replicas, and know this process by that name. */
  readonly sharing?: SharingOptions & { readonly name: string }
  /** The last counts of a thread that died, to be added to those of the living. */
  readonly onLost?: (dump: Dump) => void
  /** Starts a thread; for tests that end one. */
  readonly start?: (script: URL, birth: ThreadBirth) => Worker
}

/**
 * Several gateways, each in a thread with its own event loop and its own listener on the same ports. They share the
 * slots of replicas, so that a limit holds over all of them, the cursors of splits, and the number of connections. One
 * that dies loses its own sockets only, and is replaced.
 */
export class ThreadsDataPlane implements DataPlane {
  readonly bound: Listening
  readonly member: GatewayMember
  readonly #options: ThreadsOptions
  readonly #owner: SharedOwner
  readonly #connections: Int32Array<SharedArrayBuffer>
  readonly #cursors = new Cursors()
  readonly #threads = new Map<number, GatewayThread>()
  readonly #over = new AbortController()
  #isStopping = false
  #tables: PublishedTables = { routes: [], revisions: [], replicas: [] }

  /** @throws Error naming host and port when they cannot be had; ConfigError. */
  static async open(options: ThreadsOptions): Promise<ThreadsDataPlane> {
    const { gateway } = options.config
    // With reusePort a second process of the same user would share the port without a word.
    const port = await freePort(gateway.host, gateway.port)
    const tlsPort = gateway.tls === undefined ? undefined : await freePort(gateway.host, gateway.tls.port)
    const tls =
      gateway.tls === undefined ? {} : { tls: { ...gateway.tls, port: tlsPort ?? gateway.tls.port } }
    const { queue } = options.config
    const config = {
      gateway: { ...gateway, port, ...tls },
      // The number of those that wait is bounded over all threads, their bytes in each.
      queue: { ...queue, bytesMax: Math.floor(queue.bytesMax / gateway.workers) },
    }
    const plane = new ThreadsDataPlane({ ...options, config }, { host: gateway.host, port, tlsPort })
    try {
      await Promise.all(Array.from({ length: gateway.workers }, () => plane.#open()))
    } catch (error) {
      await plane.close()
      throw error
    }
    return plane
  }

  private constructor(options: ThreadsOptions, bound: Listening) {
    const numbers = options.config.gateway.workers + SPARE_NUMBERS
    this.#options = options
    this.bound = bound
    const { sharing, clock } = options
    this.#owner = new SharedOwner({ workers: numbers }, sharing && { ...sharing, clock })
    this.#connections = ConnectionCount.cells(numbers + 1)
    this.member = {
      name: sharing?.name ?? 'gateway',
      letGo: (revision: RevisionName) => this.#owner.letGo(revision),
      keep: (revision: RevisionName) => this.#owner.keep(revision),
      inFlight: (replica) => this.inFlight(replica),
      hear: (message) => this.#owner.hear(message),
    }
    void this.#owner.listen(this.#over.signal)
  }

  /** Threads that carry requests now. */
  get size(): number {
    return this.#threads.size
  }

  inFlight(replica: ReplicaName): number {
    return this.#owner.inFlight(replica)
  }

  drained(replica: ReplicaName, signal: AbortSignal): Promise<void> {
    return this.#owner.drained(replica, signal)
  }

  divide(members: Iterable<string>): void {
    this.#owner.divide(members)
  }

  publish(tables: PublishedTables): void {
    this.#tables = tables
    const indexes = this.#indexes()
    for (const thread of this.#threads.values())
      thread.publish(tables, indexes, this.#cursors.of(tables.routes))
  }

  /** What each thread has counted; for one that does not answer in time, what it had counted before. */
  dumps(living: ReadonlySet<string>): Promise<readonly Dump[]> {
    const signal = this.#patience()
    return Promise.all([...this.#threads.values()].map((thread) => thread.dump(living, signal))).then(
      (dumps) => dumps.filter((dump) => dump !== undefined),
    )
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#isStopping = true
    const hurry = (): void => {
      for (const thread of this.#threads.values()) thread.hurry()
    }
    signal.addEventListener('abort', hurry, { once: true })
    await Promise.all([...this.#threads.values()].map((thread) => thread.drain()))
    signal.removeEventListener('abort', hurry)
    await this.close()
  }

  async close(): Promise<void> {
    this.#isStopping = true
    this.#over.abort()
    await Promise.all([...this.#threads.values()].map((thread) => thread.end()))
  }

  async #open(): Promise<void> {
    const { log, bus, start } = this.#options
    const number = this.#owner.openThread()
    const birth: ThreadBirth = {
      config: this.#options.config,
      log: this.#options.logging,
      number,
      slots: this.#owner.handle,
      cursors: this.#cursors.memory,
      connections: this.#connections,
    }
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = new URL(`./thread.${extension}`, import.meta.url)
    const worker = start?.(script, birth) ?? new Worker(script, { workerData: birth })
    const thread = new GatewayThread(worker, {
      onReport: (reports) => bus.report(reports),
      onWake: (revision) => bus.wake(revision),
      onError: (error) => log.error({ err: error, thread: number }, 'a thread that carries requests failed'),
      onExit: () => this.#lost(number),
    })
    this.#threads.set(number, thread)
    thread.publish(this.#tables, this.#indexes(), this.#cursors.of(this.#tables.routes))
    try {
      await thread.listening
    } catch (error) {
      // One that cannot listen lives on, and would keep its number.
      await thread.end()
      throw error
    }
  }

  #indexes(): ReturnType<SharedOwner['assign']> {
    return this.#owner.assign({
      revisions: this.#tables.revisions.map(({ name, template }) => ({
        name,
        containerConcurrency: template.limits.containerConcurrency,
      })),
      replicas: this.#tables.replicas,
    })
  }

  #lost(number: number): void {
    const thread = this.#threads.get(number)
    if (thread === undefined) return
    this.#threads.delete(number)
    this.#owner.closeThread(number)
    this.#connections[number] = 0
    // Of one that never listened, whoever opened it hears, and tries again.
    if (this.#isStopping || !thread.hasListened) return
    if (thread.lastDump !== undefined) this.#options.onLost?.(thread.lastDump)
    this.#options.log.warn({ thread: number }, 'a thread that carries requests ended and is replaced')
    void this.#replace()
  }

  async #replace(): Promise<void> {
    const { clock, log } = this.#options
    for (;;) {
      try {
        await clock.sleep(REPLACE_AFTER_MS, this.#over.signal)
        // While the others drain, a new one would go on taking requests.
        if (this.#isStopping) return
        await this.#open()
        return
      } catch (error) {
        if (this.#isStopping) return
        log.error({ err: error }, 'no thread could be started in place of the one that ended')
      }
    }
  }

  #patience(): AbortSignal {
    const controller = new AbortController()
    this.#options.clock.after(DUMP_PATIENCE_MS, () => controller.abort(), { keepAlive: false })
    return controller.signal
  }
}

/** The port if nobody has it, or any free one for 0. @throws Error naming host and port. */
async function freePort(host: string, wanted: number): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? cause.message)
      reject(new Error(`gateway: cannot listen on host ${host}, port ${wanted}: ${why}`, { cause }))
    })
    server.listen({ host, port: wanted }, () => {
      const bound = server.address()
      server.close(() => resolve(bound === null || typeof bound === 'string' ? wanted : bound.port))
    })
  })
}
