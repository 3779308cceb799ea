import type { Clock } from '../../src/core/clock.ts'
import type { ReplicaLoad } from '../../src/core/cluster.ts'
import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { SlotMessage } from '../../src/core/report.ts'
import type { ActivatorTables } from '../activator.ts'
import { Drained } from '../drained.ts'
import type { SharedRevision } from '../shared-revision.ts'
import { Sharing, type SharingOptions } from '../sharing.ts'
import { Assignment, type ReplicaPlace, type RevisionPlace } from './assignment.ts'
import { tryLock, unlock } from './lock.ts'
import {
  APPLIED,
  DEFAULT_CAPACITY,
  FLAGS,
  LOCK,
  MAIN,
  RELEASED,
  SharedMemory,
  TOTAL,
  WAITING,
  WATCHED,
  type SharedCapacity,
  type SharedHandle,
} from './memory.ts'
import { OwnedRevision } from './owned-revision.ts'
import { Reclaim } from './reclaim.ts'
import type { SharedIndexes } from './shared-thread.ts'

/** The main thread hears of the death of who holds a lock only if it does not wait for it for long. */
const LOCK_PATIENCE_MS = 50

/** The main thread's side of shared slots: assigns places, answers for all threads, cleans up behind a dead one. */
export class SharedOwner implements ReplicaLoad {
  readonly #memory: SharedMemory
  readonly #living = new Set<number>()
  readonly #assignment: Assignment
  readonly #reclaim: Reclaim
  readonly #drained = new Drained()
  readonly #sharing: Sharing | undefined
  readonly #clock: Clock | undefined
  #names: ReadonlyMap<number, RevisionName> = new Map()
  readonly #owned = new WeakMap<RevisionPlace, OwnedRevision>()

  /** @param sharing other gateways have slots of the same replicas, and know this process by that name. */
  constructor(
    capacity: Partial<SharedCapacity> & Pick<SharedCapacity, 'workers'>,
    sharing?: SharingOptions & { readonly name: string; readonly clock: Clock },
  ) {
    this.#memory = SharedMemory.allocate({ ...DEFAULT_CAPACITY, ...capacity })
    this.#clock = sharing?.clock
    this.#sharing =
      sharing &&
      new Sharing({
        ...sharing,
        slots: {
          revision: (name) => this.#revision(name),
          revisions: () => this.#hardRevisions(),
          holding: (replica) => this.#revisionHolding(replica),
        },
      })
    const lender = this.#sharing?.lender
    this.#assignment = new Assignment(
      this.#memory,
      () => this.#living,
      lender && ((revision, limit, replica) => lender.roomOn(revision, limit, replica)),
    )
    this.#reclaim = new Reclaim(this.#memory, this.#assignment.revisions)
  }

  /** For the workers. */
  get handle(): SharedHandle {
    return this.#memory.handle
  }

  /**
   * A number for a new worker, from 1 on.
   * @throws RangeError when as many live, or could not be cleaned up yet, as there is room for.
   */
  openThread(): number {
    const { workers } = this.#memory.handle.capacity
    for (let thread = MAIN + 1; thread <= workers; thread++) {
      if (this.#living.has(thread) || this.#reclaim.isPending(thread)) continue
      this.#living.add(thread)
      // It has taken over no tables yet: no place is used anew before it has.
      Atomics.store(this.#memory.words, this.#memory.threadAt(thread) + APPLIED, 0)
      return thread
    }
    throw new RangeError(`shared slots: there is room for ${workers} workers, and all of it is taken`)
  }

  /** The thread is dead: gives back what it held, and serves those who wait for it. */
  closeThread(thread: number): void {
    if (!this.#living.delete(thread)) return
    this.#reclaim.add(thread)
    this.#reclaim.run()
    for (const { index } of this.#assignment.revisions.values())
      for (const other of this.#living) this.#memory.ring(other, index)
    // Whoever died may have written to a mailbox without ringing.
    for (const other of this.#living) this.#memory.ringBell(other)
    this.#sharing?.refresh()
    this.#settleDrained()
  }

  /** The places of what is in these tables: send both to each worker. */
  assign(tables: ActivatorTables): SharedIndexes {
    const indexes = this.#assignment.assign(tables)
    this.#names = new Map([...indexes.revisions].map(([name, index]) => [index, name]))
    // Those who wait may have replicas now, whose slots other gateways have.
    if (this.#sharing !== undefined)
      for (const [name, { index, limit }] of this.#assignment.revisions)
        if (limit > 0 && this.#waiting(index) > 0) this.#revision(name)?.serve()
    return indexes
  }

  /** Names of all living gateways; one that is about to end lives until it is gone. */
  divide(members: Iterable<string>): void {
    this.#sharing?.update(members)
  }

  hear(message: SlotMessage): void {
    this.#sharing?.hear(message)
  }

  /** As GatewayMember's. False also where the lock cannot be had at once: it is asked again. */
  letGo(revision: RevisionName): boolean {
    const place = this.#assignment.revisions.get(revision)
    if (place === undefined) return true
    const { words } = this.#memory
    const at = this.#memory.revisionAt(place.index)
    if (!tryLock(words, at + LOCK, { thread: MAIN, patienceMs: LOCK_PATIENCE_MS })) return false
    try {
      const replicas = [...place.replicas.values()]
      if (words[at + WAITING]! > 0 || replicas.some((replica) => this.#total(replica) > 0)) return false
      for (const replica of replicas) Atomics.or(words, this.#flagsAt(replica), RELEASED)
      return true
    } finally {
      unlock(words, at + LOCK)
    }
  }

  keep(revision: RevisionName): void {
    const place = this.#assignment.revisions.get(revision)
    if (place === undefined) return
    for (const replica of place.replicas.values())
      Atomics.and(this.#memory.words, this.#flagsAt(replica), ~RELEASED)
    for (const thread of this.#living) this.#memory.ring(thread, place.index)
  }

  inFlight(replica: ReplicaName): number {
    let sum = 0
    for (const place of this.#placesOf(replica)) sum += this.#total(place)
    return sum
  }

  drained(replica: ReplicaName, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    // First the flag, then the look at the total: whoever ends the last request does it the other way round.
    for (const place of this.#placesOf(replica)) Atomics.or(this.#memory.words, this.#flagsAt(place), WATCHED)
    return new Promise((resolve) => {
      const onAbort = (): void => {
        stop()
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const stop = this.#drained.on(replica, this.inFlight(replica) === 0, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  /** Requests in line and in flight, over all revisions and threads. */
  get underWay(): number {
    let sum = 0
    for (const place of this.#assignment.revisions.values()) sum += this.#underWayOf(place)
    return sum
  }

  /** Hears from the workers which replicas have drained and where requests wait, until `signal` is aborted. */
  async listen(signal: AbortSignal): Promise<void> {
    await this.#memory.listen(MAIN, () => this.readMail(), signal)
    this.#sharing?.stop()
  }

  readMail(): void {
    this.#settleDrained()
    for (const index of this.#memory.takeMail(MAIN)) {
      const name = this.#names.get(index)
      if (name !== undefined) this.#revision(name)?.serve()
    }
  }

  #revision(name: RevisionName): OwnedRevision | undefined {
    const place = this.#assignment.revisions.get(name)
    const [sharing, clock] = [this.#sharing, this.#clock]
    if (place === undefined || sharing === undefined || clock === undefined) return undefined
    let owned = this.#owned.get(place)
    if (owned === undefined) {
      const [memory, { lender }] = [this.#memory, sharing]
      owned = new OwnedRevision({ name, place, memory, clock, lender, livingThreads: () => this.#living })
      this.#owned.set(place, owned)
    }
    return owned
  }

  *#hardRevisions(): Iterable<SharedRevision> {
    for (const [name, { limit }] of this.#assignment.revisions) {
      const revision = limit > 0 ? this.#revision(name) : undefined
      if (revision !== undefined) yield revision
    }
  }

  #revisionHolding(replica: ReplicaName): SharedRevision | undefined {
    for (const [name, { replicas }] of this.#assignment.revisions)
      for (const place of replicas.values()) if (place.name === replica) return this.#revision(name)
    return undefined
  }

  #underWayOf({ index, replicas }: RevisionPlace): number {
    let sum = this.#waiting(index)
    for (const replica of replicas.values()) sum += this.#total(replica)
    return sum
  }

  #waiting(revision: number): number {
    return Atomics.load(this.#memory.words, this.#memory.revisionAt(revision) + WAITING)
  }

  #settleDrained(): void {
    for (const replica of this.#drained.awaited) {
      if (this.inFlight(replica) === 0) this.#drained.settle(replica)
    }
  }

  *#placesOf(replica: ReplicaName): Iterable<ReplicaPlace> {
    for (const { replicas } of this.#assignment.revisions.values())
      for (const place of replicas.values()) if (place.name === replica) yield place
  }

  #total(replica: ReplicaPlace): number {
    return Atomics.load(this.#memory.words, this.#memory.replicaAt(replica.index) + TOTAL)
  }

  #flagsAt(replica: ReplicaPlace): number {
    return this.#memory.replicaAt(replica.index) + FLAGS
  }
}
