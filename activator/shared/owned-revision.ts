import type { Clock } from '../../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { SharedRevision, SlotLender } from '../shared-revision.ts'
import type { ReplicaPlace, RevisionPlace } from './assignment.ts'
import { tryLock, unlock } from './lock.ts'
import {
  FLAGS,
  LOCK,
  MAIN,
  OLDEST,
  RELEASED,
  RETIRED,
  ROOM,
  SINCE,
  TOTAL,
  WAITING,
  type SharedMemory,
} from './memory.ts'

/** The main thread hears of the death of who holds a lock only if it does not wait for it for long. */
const LOCK_PATIENCE_MS = 50

/** One revision of all threads, as the division among gateways sees it: the main thread speaks for them. */
export class OwnedRevision implements SharedRevision {
  readonly name: RevisionName
  readonly slots: SharedRevision['slots']
  readonly #place: RevisionPlace
  readonly #memory: SharedMemory
  readonly #words: Int32Array
  readonly #at: number
  readonly #clock: Clock
  readonly #lender: SlotLender
  readonly #livingThreads: () => Iterable<number>
  /** The lock could not be had: what threads do with the room that was written before is not known. */
  #isStuck = false
  /** A slot that comes free is kept for one who waits elsewhere. */
  #isHolding = false

  constructor(options: {
    readonly name: RevisionName
    readonly place: RevisionPlace
    readonly memory: SharedMemory
    readonly clock: Clock
    readonly lender: SlotLender
    readonly livingThreads: () => Iterable<number>
  }) {
    const { name, place, memory } = options
    this.name = name
    this.#place = place
    this.#memory = memory
    this.#words = memory.words
    this.#at = memory.revisionAt(place.index)
    this.#clock = options.clock
    this.#lender = options.lender
    this.#livingThreads = options.livingThreads
    this.slots = this.#view()
  }

  get waiting(): number {
    return Atomics.load(this.#words, this.#at + WAITING)
  }

  get oldestSinceMs(): number | undefined {
    return this.#locked(() => {
      const oldest = this.#words[this.#at + OLDEST]!
      if (oldest === 0) return undefined
      const nowMs = this.#clock.now()
      // The low 32 bits go round every 49 days; nobody waits as long.
      return nowMs - ((Math.trunc(nowMs) - this.#words[oldest + SINCE]!) >>> 0)
    })
  }

  /** Hands free slots to those who wait: elsewhere first if they came earlier, then in the threads. */
  serve(): void {
    const wasHolding = this.#isHolding
    this.#isHolding = false
    this.#lender.offer(this)
    // The one elsewhere waits no more.
    if (wasHolding && !this.#isHolding) this.#refit()
    if (this.waiting > 0)
      for (const thread of this.#livingThreads()) this.#memory.ring(thread, this.#place.index)
    this.#lender.served(this)
  }

  #view(): SharedRevision['slots'] {
    const place = this.#place
    const total = (replica: ReplicaPlace): number =>
      Atomics.load(this.#words, this.#memory.replicaAt(replica.index) + TOTAL)
    const isReleased = ({ index }: ReplicaPlace): boolean =>
      (Atomics.load(this.#words, this.#memory.replicaAt(index) + FLAGS) & (RELEASED | RETIRED)) !== 0
    const inTable = (): ReplicaPlace[] =>
      [...place.replicas.values()].filter(({ goneSince }) => goneSince === undefined)
    return {
      get containerConcurrency(): number {
        return place.limit
      },
      get isWarm(): boolean {
        return inTable().some((replica) => !isReleased(replica))
      },
      get replicas(): Iterable<ReplicaName> {
        return inTable().map(({ name }) => name)
      },
      get busy(): Iterable<ReplicaName> {
        return new Set([...place.replicas.values()].filter((each) => total(each) > 0).map(({ name }) => name))
      },
      inFlightOn: (replica) => {
        // Rather too many than too few.
        if (this.#isStuck) return place.limit
        let sum = 0
        for (const each of place.replicas.values()) if (each.name === replica) sum += total(each)
        return sum
      },
      spare: () => this.#locked(() => this.#hold(inTable().filter((each) => !isReleased(each)))),
      refit: () => this.#refit(),
    }
  }

  /**
   * Lowers the room of the replica with the least in flight. Where it has none free, the next slot that comes free there is
   * kept from those who wait in the threads: they came later than one elsewhere.
   */
  #hold(replicas: readonly ReplicaPlace[]): ReplicaName | undefined {
    const words = this.#words
    let best: { name: ReplicaName; at: number; free: number; room: number } | undefined
    for (const { name, index } of replicas) {
      const at = this.#memory.replicaAt(index)
      const room = this.#roomOn(name)
      const free = room - words[at + TOTAL]!
      if (room > 0 && (best === undefined || free > best.free)) best = { name, at, free, room }
    }
    if (best === undefined) return undefined
    // One more than the room stands there.
    words[best.at + ROOM] = best.room
    if (best.free > 0) return best.name
    this.#isHolding = true
    return undefined
  }

  #refit(): void {
    if (this.#place.limit === 0) return
    let isMore = false
    const isDone = this.#locked(() => {
      for (const { name, index } of this.#place.replicas.values()) {
        const at = this.#memory.replicaAt(index) + ROOM
        const room = this.#roomOn(name) + 1
        if (room > this.#words[at]!) isMore = true
        this.#words[at] = room
      }
      return true
    })
    this.#isStuck = isDone !== true
    if (isMore && this.waiting > 0)
      for (const thread of this.#livingThreads()) this.#memory.ring(thread, this.#place.index)
  }

  #roomOn(replica: ReplicaName): number {
    return this.#lender.roomOn(this.name, this.#place.limit, replica)
  }

  /** undefined also where the lock cannot be had. */
  #locked<T>(work: () => T): T | undefined {
    const at = this.#at + LOCK
    if (!tryLock(this.#words, at, { thread: MAIN, patienceMs: LOCK_PATIENCE_MS })) return undefined
    try {
      return work()
    } finally {
      unlock(this.#words, at)
    }
  }
}
