import type { Clock } from '../src/core/clock.ts'
import type { RevisionName } from '../src/core/names.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Bus, SlotMessage } from '../src/core/report.ts'
import { silentMetrics } from '../src/core/telemetry.ts'
import { Activator, type ActivatorTables } from './activator.ts'
import type { Permit } from './permit.ts'
import type { AcquireOptions, ActivationBounds } from './revision-activator.ts'
import { FakeThread } from './shared/fake-threads.ts'
import { SharedOwner } from './shared/index.ts'
import { shareOf } from './shares.ts'
import type { SharingOptions } from './sharing.ts'

export const IRIS: RevisionName = 'ml/iris-00001'

/** A ready replica of IRIS. */
export function ready(name: string): Replica {
  const address = { host: '127.0.0.1', port: 9_000 }
  return {
    name: `ml/${name}`,
    revision: IRIS,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    address,
    restarts: 0,
  }
}

/** A replica of which this gateway has all that remains of `limit` among the members. */
export function readyOwnedBy(gateway: string, members: readonly string[], limit = 1): Replica {
  for (let nth = 0; ; nth++) {
    const replica = ready(`r${nth}`)
    if (shareOf(limit, replica.name, gateway, members) > Math.floor(limit / members.length)) return replica
  }
}

/** One of several gateways on one bus, and which of its named requests came through. */
export class FakeGateway implements Disposable {
  readonly activator: Activator
  readonly log: string[] = []
  readonly permits = new Map<string, Permit>()
  readonly #joined: Disposable

  constructor(
    name: string,
    world: { readonly clock: Clock; readonly bus: Bus; readonly sharing?: SharingOptions },
  ) {
    const { clock, bus } = world
    this.activator = new Activator({
      name,
      clock,
      bus,
      metrics: silentMetrics,
      bounds: { depthMax: 1_000, bytesMax: 1_000, activationTimeoutMs: 0 },
      sharing: { tell: (to, message) => bus.tell?.(to, message), ...world.sharing },
    })
    this.#joined = bus.joinGateway(this.activator)
  }

  serve(replicas: readonly Replica[], containerConcurrency = 1): void {
    this.activator.update({ revisions: [{ name: IRIS, containerConcurrency }], replicas })
  }

  /** A request by name; `log` has it in the turn in which it got its permit. */
  request(name: string, signal: AbortSignal = new AbortController().signal): void {
    const outcome = this.activator.acquire(IRIS, { signal })
    if (outcome instanceof Promise)
      outcome.then(
        (permit) => this.#granted(name, permit),
        (reason: unknown) => this.log.push(`${name}: ${String(reason)}`),
      )
    else this.#granted(name, outcome)
  }

  finish(name: string): void {
    this.permits.get(name)![Symbol.dispose]()
    this.permits.delete(name)
  }

  /** As many as get a permit at once. */
  take(count: number): number {
    const before = this.permits.size
    for (let nth = 0; nth < count; nth++) this.request(`taken-${before + nth}`)
    return this.permits.size - before
  }

  /** Its process ends. */
  [Symbol.dispose](): void {
    this.#joined[Symbol.dispose]()
  }

  #granted(name: string, permit: Permit): void {
    this.permits.set(name, permit)
    this.log.push(name)
  }
}

/** A gateway of two threads, all run by one real thread: they read their mail when told to. */
export class ThreadedProcess {
  readonly #owner: SharedOwner
  readonly #threads: FakeThread[]
  #next = 0

  constructor(options: {
    readonly name: string
    readonly clock: Clock
    readonly bounds: ActivationBounds
    readonly sharing: SharingOptions
  }) {
    const { name, clock, sharing } = options
    const capacity = { workers: 2, revisions: 2, replicas: 16, waitersPerThread: 1_000 }
    this.#owner = new SharedOwner(capacity, { ...sharing, name, clock })
    this.#threads = [new FakeThread(this.#owner, options), new FakeThread(this.#owner, options)]
  }

  update(tables: ActivatorTables): void {
    const indexes = this.#owner.assign(tables)
    for (const thread of this.#threads) thread.adopt(indexes, tables)
  }

  /** At one thread, then at the other. */
  acquire(revision: RevisionName, options: AcquireOptions): Permit | Promise<Permit> {
    return this.#threads[this.#next++ % 2]!.activator.acquire(revision, options)
  }

  divide(members: Iterable<string>): void {
    this.#owner.divide(members)
  }

  hear(message: SlotMessage): void {
    this.#owner.hear(message)
  }

  readMail(): void {
    this.#owner.readMail()
    for (const thread of this.#threads) thread.readMail()
  }
}
