import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { Replica } from '../../src/core/replica.ts'
import type { ActivatorTables } from '../activator.ts'
import { APPLIED, FLAGS, MAIN, RETIRED, ROOM, TOLD, TOTAL, WAITING, type SharedMemory } from './memory.ts'
import { Places } from './places.ts'
import { replicaKey, type SharedIndexes } from './shared-thread.ts'

/** Where one replica stands in the memory. */
export interface ReplicaPlace {
  readonly name: ReplicaName
  readonly index: number
  /** The first tables without it; undefined while it is in the tables. */
  goneSince: number | undefined
}

/** Where one revision stands, and its replicas, those that left but still run requests included. */
export interface RevisionPlace {
  readonly index: number
  readonly replicas: Map<string, ReplicaPlace>
  /** Requests on one replica at most; 0 = no limit. */
  limit: number
  goneSince: number | undefined
}

/**
 * Which revision and replica stands where in the memory; only the main thread assigns. A place is used anew when every
 * living thread has taken over tables without what stood there, and nothing of it is in flight or waits any more.
 */
export class Assignment {
  readonly #memory: SharedMemory
  readonly #livingThreads: () => Iterable<number>
  readonly #revisionPlaces: Places
  readonly #replicaPlaces: Places
  readonly #revisions = new Map<RevisionName, RevisionPlace>()
  readonly #roomOn: ((revision: RevisionName, limit: number, replica: ReplicaName) => number) | undefined
  #version = 0

  /** @param roomOn slots of this process on a replica with a hard limit. Default: there is no other gateway. */
  constructor(
    memory: SharedMemory,
    livingThreads: () => Iterable<number>,
    roomOn?: (revision: RevisionName, limit: number, replica: ReplicaName) => number,
  ) {
    this.#roomOn = roomOn
    const { capacity } = memory.handle
    this.#memory = memory
    this.#livingThreads = livingThreads
    this.#revisionPlaces = new Places('revisions', capacity.revisions)
    this.#replicaPlaces = new Places('ready replicas', capacity.replicas)
  }

  get revisions(): ReadonlyMap<RevisionName, RevisionPlace> {
    return this.#revisions
  }

  /**
   * The places of what is in these tables; publish them together.
   * @throws RangeError when the memory has no room for them; what was assigned before holds on.
   */
  assign(tables: ActivatorTables): SharedIndexes {
    this.#version += 1
    this.#reuse()
    const revisions = new Map<RevisionName, number>()
    const replicas = new Map<string, number>()
    for (const { name, containerConcurrency } of tables.revisions)
      revisions.set(name, this.#revision(name, containerConcurrency).index)
    for (const replica of tables.replicas) {
      const place = this.#revisions.get(replica.revision)
      // The same that activators take into their tables.
      if (replica.phase !== 'ready' || replica.address === undefined || !revisions.has(replica.revision))
        continue
      const key = replicaKey(replica.name, replica.address)
      if (place !== undefined) replicas.set(key, this.#replica(place, key, replica).index)
    }
    for (const [name, revision] of this.#revisions) {
      if (!revisions.has(name)) revision.goneSince ??= this.#version
      for (const [key, replica] of revision.replicas) if (!replicas.has(key)) this.#retire(replica)
    }
    return { version: this.#version, revisions, replicas }
  }

  #revision(name: RevisionName, limit: number): RevisionPlace {
    let place = this.#revisions.get(name)
    if (place === undefined) {
      const index = this.#revisionPlaces.take()
      this.#memory.clearRevision(index)
      if (this.#roomOn !== undefined && limit > 0)
        this.#memory.words[this.#memory.revisionAt(index) + TOLD] = 1
      place = { index, replicas: new Map(), limit, goneSince: undefined }
      this.#revisions.set(name, place)
    }
    place.limit = limit
    place.goneSince = undefined
    return place
  }

  #replica(revision: RevisionPlace, key: string, replica: Replica): ReplicaPlace {
    const { name } = replica
    let place = revision.replicas.get(key)
    if (place === undefined) {
      const index = this.#replicaPlaces.take()
      this.#memory.clearReplica(index, revision.index)
      if (this.#roomOn !== undefined && revision.limit > 0)
        this.#memory.words[this.#memory.replicaAt(index) + ROOM] =
          this.#roomOn(replica.revision, revision.limit, name) + 1
      place = { name, index, goneSince: undefined }
      revision.replicas.set(key, place)
    }
    if (place.goneSince !== undefined) {
      place.goneSince = undefined
      Atomics.and(this.#memory.words, this.#memory.replicaAt(place.index) + FLAGS, ~RETIRED)
    }
    return place
  }

  #retire(replica: ReplicaPlace): void {
    if (replica.goneSince !== undefined) return
    replica.goneSince = this.#version
    Atomics.or(this.#memory.words, this.#memory.replicaAt(replica.index) + FLAGS, RETIRED)
  }

  #reuse(): void {
    const { words } = this.#memory
    let applied = Number.POSITIVE_INFINITY
    for (const thread of this.#livingThreads()) {
      if (thread !== MAIN)
        applied = Math.min(applied, Atomics.load(words, this.#memory.threadAt(thread) + APPLIED))
    }
    const isOver = ({ goneSince }: { readonly goneSince: number | undefined }): boolean =>
      goneSince !== undefined && goneSince <= applied
    for (const [name, revision] of this.#revisions) {
      for (const [key, replica] of revision.replicas) {
        if (!isOver(replica) || Atomics.load(words, this.#memory.replicaAt(replica.index) + TOTAL) > 0)
          continue
        revision.replicas.delete(key)
        this.#replicaPlaces.giveBack(replica.index)
      }
      const waiting = Atomics.load(words, this.#memory.revisionAt(revision.index) + WAITING)
      if (!isOver(revision) || revision.replicas.size > 0 || waiting > 0) continue
      this.#revisions.delete(name)
      this.#revisionPlaces.giveBack(revision.index)
    }
  }
}
