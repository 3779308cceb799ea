import type { ReplicaName, RevisionName } from '../../src/core/names.ts'
import type { Replica } from '../../src/core/replica.ts'
import { Drained } from '../drained.ts'
import { capacityOf, Choice, NO_SLOTS, type Slot, type Slots } from '../slot.ts'
import type { Waiter } from '../waiter.ts'
import { Line } from './line.ts'
import { lock, unlock } from './lock.ts'
import {
  AVOIDED,
  AVOIDED_MAX,
  FLAGS,
  GRANTED,
  HELD,
  LOCK,
  MAIN,
  PLAIN,
  RELEASED,
  RETIRED,
  SINCE,
  THREAD_OF,
  TOLD,
  TOTAL,
  WAITING,
  WATCHED,
  type SharedMemory,
} from './memory.ts'
import { SharedSlot } from './shared-slot.ts'
import type { SharedThread } from './shared-thread.ts'

/** One thread's view of the slots of a revision that all threads share; see index.ts for how it works. */
export class SharedSlotTable implements Slots {
  readonly #thread: SharedThread
  readonly #memory: SharedMemory
  readonly #words: Int32Array
  readonly #me: number
  readonly #name: RevisionName
  #revision: number
  /** Where the words of the revision begin. */
  #at: number
  #line: Line
  readonly #choice = new Choice()
  #slots: SharedSlot[] = []
  /** Slots that left the table with requests of this thread in flight. */
  readonly #leaving = new Set<SharedSlot>()
  readonly #drained = new Drained()
  /** Waiters that gave back the slot they were granted and stand in line again, before younger ones that were granted. */
  readonly #putBack = new Set<number>()
  #inFlight = 0
  /** Requests of this thread in line or granted. */
  #joined = 0

  containerConcurrency: number

  constructor(thread: SharedThread, revision: { readonly name: RevisionName; readonly limit: number }) {
    this.#thread = thread
    this.#memory = thread.memory
    this.#words = thread.memory.words
    this.#me = thread.number
    this.#name = revision.name
    this.#revision = thread.revisionIndex(revision.name)
    this.#at = this.#memory.revisionAt(this.#revision)
    this.#line = new Line(this.#memory, this.#revision)
    this.containerConcurrency = revision.limit
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get readyCount(): number {
    return this.#slots.length
  }

  get capacity(): number {
    return capacityOf(this.#slots, this.containerConcurrency)
  }

  get replicas(): Iterable<ReplicaName> {
    return this.#slots.map(({ replica }) => replica)
  }

  get busy(): Iterable<ReplicaName> {
    const busy = [...this.#slots, ...this.#leaving].filter((slot) => this.#heldOn(slot) > 0)
    return new Set(busy.map(({ replica }) => replica))
  }

  get isWarm(): boolean {
    return this.#slots.some((slot) => !slot.released)
  }

  get waitingElsewhere(): number {
    return Math.max(0, Atomics.load(this.#words, this.#at + WAITING) - this.#joined)
  }

  get mayServeBehind(): boolean {
    return this.#putBack.size > 0
  }

  replace(ready: readonly Replica[]): void {
    if (this.#thread.knows(this.#name)) {
      // Removed and back in the meantime, it may stand elsewhere; then nothing of it was left where it stood.
      this.#revision = this.#thread.revisionIndex(this.#name)
      this.#at = this.#memory.revisionAt(this.#revision)
      this.#line = new Line(this.#memory, this.#revision)
    }
    const before = new Map(this.#slots.map((slot) => [slot.index, slot]))
    this.#slots = []
    for (const replica of ready) {
      const index = this.#thread.replicaIndex(replica)
      if (replica.address === undefined || index === undefined) continue
      const known = before.get(index)
      before.delete(index)
      this.#slots.push(
        known ?? new SharedSlot(this.#memory, { replica: replica.name, address: replica.address, index }),
      )
    }
    for (const slot of before.values()) if (this.#heldOn(slot) > 0) this.#leaving.add(slot)
  }

  /** The main thread writes the room of replicas. */
  refit(): void {}

  has(slot: Slot): boolean {
    return this.#slots.some((each) => each === slot)
  }

  take(avoid: readonly Slot[] = NO_SLOTS): Slot | undefined {
    const words = this.#words
    if (Atomics.load(words, this.#at + PLAIN) > 0) return undefined
    lock(words, this.#at + LOCK, this.#me)
    try {
      if (words[this.#at + PLAIN]! > 0) return undefined
      const slot = this.#choose(avoid)
      if (slot === undefined) return undefined
      words[slot.at + TOTAL]! += 1
      this.#hold(slot)
      return slot
    } finally {
      unlock(words, this.#at + LOCK)
    }
  }

  spare(): ReplicaName | undefined {
    return this.#choose(NO_SLOTS)?.replica
  }

  giveBack(slot: Slot): void {
    const at = this.#memory.replicaAt(slot.index)
    lock(this.#words, this.#at + LOCK, this.#me)
    try {
      this.#words[at + HELD + this.#me]! -= 1
      this.#free(at)
      this.#settle(false)
      this.#tellMain()
    } finally {
      unlock(this.#words, this.#at + LOCK)
    }
    this.#inFlight -= 1
    if (this.#leaving.size > 0) this.#forgetIdle()
    if (this.#drained.isAwaited(slot.replica) && this.inFlightOn(slot.replica) === 0)
      this.#drained.settle(slot.replica)
  }

  join(waiter: Waiter): boolean {
    const node = this.#thread.newWaiter()
    if (node === 0) return false
    const words = this.#words
    words[node + THREAD_OF] = this.#me
    words[node + GRANTED] = 0
    words[node + SINCE] = waiter.sinceMs
    // Of a request that failed more often than there is room for, the last failures count.
    const avoided = waiter.avoid.slice(-AVOIDED_MAX)
    for (let nth = 0; nth < AVOIDED_MAX; nth++) {
      const slot = avoided[nth]
      words[node + AVOIDED + nth] = slot === undefined ? 0 : slot.index + 1
    }
    waiter.node = node
    this.#joined += 1
    lock(words, this.#at + LOCK, this.#me)
    try {
      this.#line.append(node)
      // Once more, now that it stands in line: a slot may have come free after the first try.
      this.#settle(true)
      if (words[node + GRANTED] === 0) this.#tellMain()
    } finally {
      unlock(words, this.#at + LOCK)
    }
    return true
  }

  settle(): void {
    if (Atomics.load(this.#words, this.#at + WAITING) === 0) return
    lock(this.#words, this.#at + LOCK, this.#me)
    try {
      this.#settle(false)
    } finally {
      unlock(this.#words, this.#at + LOCK)
    }
  }

  takeFor(waiter: Waiter): Slot | undefined {
    const words = this.#words
    const { node } = waiter
    if (Atomics.load(words, node + GRANTED) === 0) return undefined
    lock(words, this.#at + LOCK, this.#me)
    try {
      const index = words[node + GRANTED]! - 1
      const slot = this.#slots.find((each) => each.index === index)
      if (slot === undefined) {
        this.#passOn(node, index)
        return undefined
      }
      words[node + GRANTED] = 0
      this.#hold(slot)
      this.#leaveLine(waiter)
      return slot
    } finally {
      unlock(words, this.#at + LOCK)
    }
  }

  part(waiter: Waiter): void {
    const words = this.#words
    const { node } = waiter
    if (node === 0) return
    lock(words, this.#at + LOCK, this.#me)
    try {
      const index = words[node + GRANTED]! - 1
      if (index < 0) this.#line.remove(node)
      else {
        words[node + GRANTED] = 0
        this.#free(this.#memory.replicaAt(index))
        this.#settle(true)
      }
      this.#leaveLine(waiter)
      this.#tellMain()
    } finally {
      unlock(words, this.#at + LOCK)
    }
  }

  hasOnly(avoid: readonly Slot[]): boolean {
    return this.isWarm && this.#slots.every((slot) => slot.released || avoid.includes(slot))
  }

  letGo(): boolean {
    const words = this.#words
    lock(words, this.#at + LOCK, this.#me)
    try {
      const slots = [...this.#slots, ...this.#leaving]
      if (words[this.#at + WAITING]! > 0 || slots.some((slot) => slot.inFlight > 0)) return false
      for (const slot of this.#slots) Atomics.or(words, slot.at + FLAGS, RELEASED)
      return true
    } finally {
      unlock(words, this.#at + LOCK)
    }
  }

  keep(): void {
    for (const slot of this.#slots) Atomics.and(this.#words, slot.at + FLAGS, ~RELEASED)
  }

  inFlightOn(replica: ReplicaName): number {
    let sum = 0
    for (const slot of this.#slots) if (slot.replica === replica) sum += this.#heldOn(slot)
    for (const slot of this.#leaving) if (slot.replica === replica) sum += this.#heldOn(slot)
    return sum
  }

  onDrained(replica: ReplicaName, done: () => void): () => void {
    return this.#drained.on(replica, this.inFlightOn(replica) === 0, done)
  }

  #heldOn(slot: SharedSlot): number {
    return this.#words[slot.at + HELD + this.#me]!
  }

  #forgetIdle(): void {
    for (const slot of this.#leaving) if (this.#heldOn(slot) === 0) this.#leaving.delete(slot)
  }

  #tellMain(): void {
    if (this.#words[this.#at + TOLD] !== 0) this.#memory.ring(MAIN, this.#revision)
  }

  // From here on the caller holds the lock.

  #choose(avoid: readonly Slot[]): SharedSlot | undefined {
    return this.#choice.choose(this.#slots, this.containerConcurrency, avoid)
  }

  /** The slot, counted in the total already, is this thread's. */
  #hold(slot: SharedSlot): void {
    this.#words[slot.at + HELD + this.#me]! += 1
    this.#inFlight += 1
  }

  /** @param at where the words of the replica begin. */
  #free(at: number): void {
    // In this order with the main thread, which sets the flag and then looks at the total.
    const isIdle = Atomics.sub(this.#words, at + TOTAL, 1) === 1
    if (isIdle && (Atomics.load(this.#words, at + FLAGS) & WATCHED) !== 0) this.#memory.ringBell(MAIN)
  }

  /**
   * Hands free slots to those in line, oldest first; a retry that cannot use them lets the next one by.
   * @param ringsSelf false where the caller looks at all who wait in this thread afterwards.
   */
  #settle(ringsSelf: boolean): void {
    const words = this.#words
    let waiter = this.#line.oldest
    while (waiter !== 0) {
      const next = this.#line.after(waiter)
      const isPlain = this.#line.isPlain(waiter)
      const slot = this.#choose(isPlain ? NO_SLOTS : this.#avoidedBy(waiter))
      if (slot !== undefined) {
        words[slot.at + TOTAL]! += 1
        words[waiter + GRANTED] = slot.index + 1
        this.#line.remove(waiter)
        const thread = words[waiter + THREAD_OF]!
        if (ringsSelf || thread !== this.#me) this.#memory.ring(thread, this.#revision)
      } else if (isPlain) return
      waiter = next
    }
  }

  #avoidedBy(waiter: number): readonly Slot[] {
    const avoided = this.#words.subarray(waiter + AVOIDED, waiter + AVOIDED + AVOIDED_MAX)
    return this.#slots.filter((slot) => avoided.includes(slot.index + 1))
  }

  /** This thread's table does not have the replica that was granted. */
  #passOn(node: number, index: number): void {
    const at = this.#memory.replicaAt(index)
    // A table that has it is on its way: the next update takes it.
    if ((Atomics.load(this.#words, at + FLAGS) & RETIRED) === 0) return
    this.#words[node + GRANTED] = 0
    this.#free(at)
    this.#line.prepend(node)
    this.#putBack.add(node)
    this.#settle(true)
  }

  #leaveLine(waiter: Waiter): void {
    this.#putBack.delete(waiter.node)
    this.#thread.freeWaiter(waiter.node)
    waiter.node = 0
    this.#joined -= 1
  }
}
