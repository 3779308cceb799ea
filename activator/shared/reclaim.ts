import type { RevisionName } from '../../src/core/names.ts'
import type { RevisionPlace } from './assignment.ts'
import { Line } from './line.ts'
import { ownerOf, takeOver, tryLock, unlock } from './lock.ts'
import { EJECTED, FLAGS, GRANTED, HELD, LOCK, MAIN, REVISION_OF, TOTAL, type SharedMemory } from './memory.ts'

const LOCK_PATIENCE_MS = 50

/**
 * Cleans up behind dead threads, wherever they died. What a thread held and what was handed over to its waiters goes back,
 * its waiters leave the line. The words that each fact stands in are the truth (`HELD` of each thread, `GRANTED` of each
 * waiter, the `NEXT` chain); what is derived from them is made anew.
 */
export class Reclaim {
  readonly #memory: SharedMemory
  readonly #revisions: ReadonlyMap<RevisionName, RevisionPlace>
  /** Dead threads that were not cleaned up wholly: another one died with a lock, or is about to be known as dead. */
  readonly #dead = new Set<number>()

  constructor(memory: SharedMemory, revisions: ReadonlyMap<RevisionName, RevisionPlace>) {
    this.#memory = memory
    this.#revisions = revisions
  }

  /** The number of this thread must not be given out again yet. */
  isPending(thread: number): boolean {
    return this.#dead.has(thread)
  }

  add(thread: number): void {
    this.#dead.add(thread)
  }

  run(): void {
    let isDone = true
    for (const revision of this.#revisions.values()) isDone = this.#clean(revision) && isDone
    // Nobody grants anything to the dead any more: none of them stands in a line.
    if (isDone) isDone = this.#takeBackGrants()
    if (isDone) this.#dead.clear()
  }

  #clean(revision: RevisionPlace): boolean {
    const { words } = this.#memory
    const lockAt = this.#memory.revisionAt(revision.index) + LOCK
    const owner = ownerOf(words, lockAt)
    const diedInside = owner !== undefined && this.#dead.has(owner)
    if (diedInside) takeOver(words, lockAt, MAIN)
    else if (!tryLock(words, lockAt, { thread: MAIN, patienceMs: LOCK_PATIENCE_MS })) return false
    try {
      new Line(this.#memory, revision.index).repair((thread) => this.#dead.has(thread))
      for (const { index } of revision.replicas.values()) this.#giveBack(this.#memory.replicaAt(index))
      if (diedInside) this.#recount(revision)
    } finally {
      unlock(words, lockAt)
    }
    return true
  }

  /** What the dead held on a replica whose words begin at `at`. */
  #giveBack(at: number): void {
    const { words } = this.#memory
    for (const thread of this.#dead) {
      Atomics.sub(words, at + TOTAL, words[at + HELD + thread]!)
      words[at + HELD + thread] = 0
    }
    // A thread that found it failing can no longer bring it back.
    Atomics.and(words, at + FLAGS, ~EJECTED)
  }

  /** Makes the totals anew from the words that are written first; forgets what was granted to the dead. */
  #recount(revision: RevisionPlace): void {
    const { words, threads } = this.#memory
    const totals = new Map<number, number>()
    for (const { index } of revision.replicas.values()) {
      const heldAt = this.#memory.replicaAt(index) + HELD
      totals.set(
        index,
        words.subarray(heldAt, heldAt + threads).reduce((sum, held) => sum + held, 0),
      )
    }
    for (let thread = MAIN; thread < threads; thread++) {
      for (const waiter of this.#grantedTo(thread)) {
        const replica = words[waiter + GRANTED]! - 1
        const total = totals.get(replica)
        if (total === undefined) continue
        if (this.#dead.has(thread)) words[waiter + GRANTED] = 0
        else totals.set(replica, total + 1)
      }
    }
    for (const [replica, total] of totals)
      Atomics.store(words, this.#memory.replicaAt(replica) + TOTAL, total)
  }

  #takeBackGrants(): boolean {
    const { words } = this.#memory
    for (const thread of this.#dead) {
      for (const waiter of this.#grantedTo(thread)) {
        const at = this.#memory.replicaAt(words[waiter + GRANTED]! - 1)
        const lockAt = this.#memory.revisionAt(words[at + REVISION_OF]!) + LOCK
        if (!tryLock(words, lockAt, { thread: MAIN, patienceMs: LOCK_PATIENCE_MS })) return false
        words[waiter + GRANTED] = 0
        Atomics.sub(words, at + TOTAL, 1)
        unlock(words, lockAt)
      }
    }
    return true
  }

  *#grantedTo(thread: number): Iterable<number> {
    for (let nth = 0; nth < this.#memory.handle.capacity.waitersPerThread; nth++) {
      const waiter = this.#memory.waiterAt(thread, nth)
      if (Atomics.load(this.#memory.words, waiter + GRANTED) !== 0) yield waiter
    }
  }
}
