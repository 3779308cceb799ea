import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { Address, Replica } from '../../src/core/replica.ts'
import type { Slots } from '../slot.ts'
import { APPLIED, SharedMemory, type SharedHandle } from './memory.ts'
import { SharedSlotTable } from './shared-slot-table.ts'

/** Where revisions and replicas stand in the memory, as the main thread assigned it; goes with each table that it publishes. */
export interface SharedIndexes {
  readonly version: number
  readonly revisions: ReadonlyMap<RevisionName, number>
  /** By name and address: a replica that restarts elsewhere is another one. */
  readonly replicas: ReadonlyMap<string, number>
}

export function replicaKey(name: ReplicaName, { host, port }: Address): string {
  return `${name} ${host}:${port}`
}

/** What one thread does in the shared memory. */
export class SharedThread {
  readonly memory: SharedMemory
  readonly number: number
  #indexes: SharedIndexes = { version: 0, revisions: new Map(), replicas: new Map() }
  #names = new Map<number, RevisionName>()
  /** Places of waiters that were used before, and how many were never used. */
  readonly #free: number[] = []
  #used = 0

  /** @param number as the main thread gave it out; no other living thread has it. */
  constructor(handle: SharedHandle, number: number) {
    this.memory = new SharedMemory(handle)
    this.number = number
  }

  /** Takes over new tables: what is assigned holds from here on, `apply` gives the tables to the activator. */
  adopt(indexes: SharedIndexes, apply: () => void): void {
    this.#indexes = indexes
    this.#names = new Map([...indexes.revisions].map(([name, index]) => [index, name]))
    apply()
    // From here on nothing is taken on what these tables do not have: its place may be used anew.
    Atomics.store(this.memory.words, this.memory.threadAt(this.number) + APPLIED, indexes.version)
  }

  /** For the Activator's `openSlots`. */
  openSlots(name: RevisionName, limit: number): Slots {
    return new SharedSlotTable(this, { name, limit })
  }

  /** Calls `serve` for each revision for which other threads have something for this one, until `signal` is aborted. */
  listen(serve: (revision: RevisionName) => void, signal: AbortSignal): Promise<void> {
    return this.memory.listen(this.number, () => this.readMail(serve), signal)
  }

  readMail(serve: (revision: RevisionName) => void): void {
    for (const index of this.memory.takeMail(this.number)) {
      const name = this.#names.get(index)
      if (name !== undefined) serve(name)
    }
  }

  knows(revision: RevisionName): boolean {
    return this.#indexes.revisions.has(revision)
  }

  /** @throws Error for a revision that the adopted tables do not have. */
  revisionIndex(revision: RevisionName): number {
    const index = this.#indexes.revisions.get(revision)
    if (index === undefined) throw new Error(`shared slots: revision ${revision} has no place assigned`)
    return index
  }

  replicaIndex({ name, address }: Replica): number | undefined {
    return address === undefined ? undefined : this.#indexes.replicas.get(replicaKey(name, address))
  }

  /** A place for one that waits; 0 = as many wait in this thread as there is room for. */
  newWaiter(): number {
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    if (this.#used >= this.memory.handle.capacity.waitersPerThread) return 0
    return this.memory.waiterAt(this.number, this.#used++)
  }

  freeWaiter(waiter: number): void {
    this.#free.push(waiter)
  }
}
