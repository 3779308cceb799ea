import type { Clock } from '../../src/core/clock.ts'
import type { Cluster, ReplicaLoad } from '../../src/core/cluster.ts'
import type { Desired } from '../../src/core/desired.ts'
import { Latest } from '../../src/core/latest.ts'
import type { ReplicaName } from '../../src/core/names.ts'
import type { Ready, Replica } from '../../src/core/replica.ts'
import type { Revision } from '../../src/core/revision.ts'

export interface FakeClusterOptions {
  readonly clock: Clock
  readonly load: ReplicaLoad
  /** From the start of a replica to ready, in ms. Called once a start. */
  readonly startUpMs: (revision: Revision) => number
  /** Replicas that run at one time, draining ones included; the others wait, oldest first. */
  readonly capacity?: number
  /** From the crash of a replica to its next start, in ms. */
  readonly restartMs?: number
}

interface FakeReplica {
  view: Replica
  readonly revision: Revision
  /** Cancels what it waits for: the end of its start, its drain, its restart. */
  waiting: AbortController
}

/** A Cluster without processes: replicas are timers on its clock. For simulation and for tests of what uses a Cluster. */
export class FakeCluster implements Cluster {
  readonly #options: FakeClusterOptions
  readonly #desired = new Latest<Desired>({ services: [], problems: [] })
  readonly #ready = new Latest<Ready>({ replicas: [] })
  readonly #replicas = new Map<ReplicaName, FakeReplica>()
  #nextNumber = 0
  #nextPort = 20_000
  /** When false, every `scale` is refused: an API server that is away. */
  acceptsScale = true

  constructor(options: FakeClusterOptions) {
    this.#options = options
  }

  desired(signal: AbortSignal): AsyncIterable<Desired> {
    return this.#desired.values(signal)
  }

  ready(signal: AbortSignal): AsyncIterable<Ready> {
    return this.#ready.values(signal)
  }

  /** What `ready` says now. */
  get replicas(): readonly Replica[] {
    return this.#ready.value.replicas
  }

  configure(desired: Desired): void {
    this.#desired.set(desired)
  }

  // oxlint-disable-next-line typescript/require-await -- a throw has to be a rejection
  async scale(revision: Revision, replicas: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.acceptsScale) throw new Error(`scale ${revision.name}: the cluster does not answer`)
    const ofRevision = [...this.#replicas.values()].filter(
      (replica) => replica.revision.name === revision.name,
    )
    const staying = ofRevision.filter(({ view }) => view.phase !== 'draining')
    const { load } = this.#options
    const rank = ({ view }: FakeReplica): number => (view.phase === 'ready' ? load.inFlight(view.name) : -1)
    const idlestFirst = [...staying].sort(
      (a, b) => rank(a) - rank(b) || b.view.createdAtMs - a.view.createdAtMs,
    )
    for (const replica of idlestFirst.slice(0, Math.max(0, staying.length - replicas))) this.#leave(replica)
    for (let missing = replicas - staying.length; missing > 0; missing -= 1) this.#create(revision)
  }

  retire(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.scale(revision, 0, signal)
  }

  /** The replica's process ends by itself; it is started again after `restartMs`. */
  crash(name: ReplicaName): void {
    const replica = this.#replicas.get(name)
    if (replica === undefined) throw new Error(`crash ${name}: no such replica`)
    if (replica.view.phase === 'draining') {
      this.#remove(replica)
      return
    }
    const restartMs = this.#options.restartMs ?? 0
    const { restarts } = replica.view
    const retryAtMs = this.#options.clock.now() + restartMs
    this.#show(replica, {
      phase: 'failed',
      reasonCode: 'Exited',
      reason: 'crashed',
      retryAtMs,
      restarts: restarts + 1,
    })
    this.#waitFor(replica, restartMs, () => this.#load(replica))
  }

  #create(revision: Revision): void {
    const { clock } = this.#options
    const name: ReplicaName = `${revision.name}-${String(this.#nextNumber++).padStart(5, '0')}`
    const nowMs = clock.now()
    // Those that wait already are before it.
    const isFull = this.#running() >= (this.#options.capacity ?? Number.POSITIVE_INFINITY)
    const replica: FakeReplica = {
      revision,
      view: {
        name,
        revision: revision.name,
        phase: 'scheduling',
        sinceMs: nowMs,
        createdAtMs: nowMs,
        restarts: 0,
      },
      waiting: new AbortController(),
    }
    this.#replicas.set(name, replica)
    if (isFull)
      this.#show(replica, { phase: 'scheduling', reasonCode: 'Unschedulable', reason: 'the cluster is full' })
    else this.#load(replica)
  }

  #load(replica: FakeReplica): void {
    const address = { host: '10.0.0.1', port: this.#nextPort++ }
    this.#show(replica, { phase: 'loading', address })
    this.#waitFor(replica, this.#options.startUpMs(replica.revision), () =>
      this.#show(replica, { phase: 'ready', address }),
    )
  }

  #leave(replica: FakeReplica): void {
    replica.waiting.abort()
    if (replica.view.phase !== 'ready') {
      this.#remove(replica)
      return
    }
    const { address } = replica.view
    this.#show(replica, { phase: 'draining', ...(address === undefined ? {} : { address }) })
    replica.waiting = new AbortController()
    void this.#options.load
      .drained(replica.view.name, replica.waiting.signal)
      .then(() => this.#remove(replica))
  }

  #remove(replica: FakeReplica): void {
    replica.waiting.abort()
    if (!this.#replicas.delete(replica.view.name)) return
    this.#publish()
    const isWaiting = ({ view }: FakeReplica): boolean => view.phase === 'scheduling'
    const next = [...this.#replicas.values()].find(isWaiting)
    if (next !== undefined && this.#running() < (this.#options.capacity ?? Number.POSITIVE_INFINITY))
      this.#load(next)
  }

  #running(): number {
    return [...this.#replicas.values()].filter(({ view }) => view.phase !== 'scheduling').length
  }

  #waitFor(replica: FakeReplica, delayMs: number, then: () => void): void {
    replica.waiting.abort()
    replica.waiting = new AbortController()
    this.#options.clock.sleep(delayMs, replica.waiting.signal).then(then, () => {})
  }

  #show(replica: FakeReplica, parts: Partial<Replica> & Pick<Replica, 'phase'>): void {
    const { name, revision, createdAtMs, restarts } = replica.view
    replica.view = { name, revision, createdAtMs, restarts, sinceMs: this.#options.clock.now(), ...parts }
    this.#publish()
  }

  #publish(): void {
    this.#ready.set({ replicas: [...this.#replicas.values()].map(({ view }) => view) })
  }
}
