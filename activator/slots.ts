import type { ReplicaName } from '../src/core/names.ts'
import type { Replica } from '../src/core/replica.ts'
import { Drained } from './drained.ts'
import { capacityOf, Choice, NO_SLOTS, type Slot, type Slots } from './slot.ts'
import type { Waiter } from './waiter.ts'

interface OwnSlot extends Slot {
  inFlight: number
  room: number
  released: boolean
}

/** The slots of a revision where one thread serves all its requests. */
export class SlotTable implements Slots {
  #slots: OwnSlot[] = []
  readonly #choice = new Choice()
  #inFlight = 0
  readonly #drained = new Drained()
  /** Slots that left the table with requests in flight. */
  readonly #leaving = new Set<OwnSlot>()

  readonly #roomOn: ((limit: number, replica: ReplicaName) => number) | undefined
  #limit: number

  /** @param roomOn slots of this gateway on a replica with a hard limit. Default: there is no other gateway. */
  constructor(containerConcurrency: number, roomOn?: (limit: number, replica: ReplicaName) => number) {
    this.#limit = containerConcurrency
    this.#roomOn = roomOn
  }

  get containerConcurrency(): number {
    return this.#limit
  }

  set containerConcurrency(limit: number) {
    if (limit === this.#limit) return
    this.#limit = limit
    this.refit()
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get readyCount(): number {
    return this.#slots.length
  }

  get capacity(): number {
    return capacityOf(this.#slots, this.#limit)
  }

  get replicas(): Iterable<ReplicaName> {
    return this.#slots.map(({ replica }) => replica)
  }

  get busy(): Iterable<ReplicaName> {
    if (this.#inFlight === 0) return []
    const busy = [...this.#slots, ...this.#leaving].filter(({ inFlight }) => inFlight > 0)
    return new Set(busy.map(({ replica }) => replica))
  }

  get isWarm(): boolean {
    return this.#slots.some((slot) => !slot.released)
  }

  /** There is no other thread. */
  readonly waitingElsewhere = 0
  readonly mayServeBehind = false

  replace(ready: readonly Replica[]): void {
    const before = new Map(this.#slots.map((slot) => [slot.replica, slot]))
    this.#slots = []
    for (const { name, address } of ready) {
      if (address === undefined) continue
      const isSame = ({ replica, address: { host, port } }: OwnSlot): boolean =>
        replica === name && host === address.host && port === address.port
      const listed = before.get(name)
      // One that was away for a moment comes back with the requests that it still runs.
      const known =
        listed !== undefined && isSame(listed) ? listed : [...this.#leaving].find((slot) => isSame(slot))
      if (known !== undefined) {
        if (known === listed) before.delete(name)
        else known.room = this.#roomFor(name)
        this.#leaving.delete(known)
        this.#slots.push(known)
      } else {
        const room = this.#roomFor(name)
        this.#slots.push({
          replica: name,
          address,
          index: -1,
          inFlight: 0,
          room,
          released: false,
          ejected: false,
        })
      }
    }
    for (const slot of before.values()) {
      if (slot.inFlight > 0) this.#leaving.add(slot)
    }
  }

  refit(): void {
    if (this.#roomOn === undefined) return
    for (const slot of this.#slots) slot.room = this.#roomFor(slot.replica)
  }

  has(slot: Slot): boolean {
    return this.#slots.some((each) => each === slot)
  }

  take(avoid: readonly Slot[] = NO_SLOTS): Slot | undefined {
    const best = this.#choice.choose(this.#slots, this.containerConcurrency, avoid)
    if (best === undefined) return undefined
    best.inFlight += 1
    this.#inFlight += 1
    return best
  }

  spare(): ReplicaName | undefined {
    return this.#choice.choose(this.#slots, this.containerConcurrency, NO_SLOTS)?.replica
  }

  giveBack(slot: OwnSlot): void {
    slot.inFlight -= 1
    this.#inFlight -= 1
    if (slot.inFlight > 0) return
    this.#leaving.delete(slot)
    if (this.#drained.isAwaited(slot.replica) && this.inFlightOn(slot.replica) === 0)
      this.#drained.settle(slot.replica)
  }

  /** Within one thread the queue is the line. */
  join(): boolean {
    return true
  }

  settle(): void {}

  takeFor(waiter: Waiter): Slot | undefined {
    return this.take(waiter.avoid)
  }

  part(): void {}

  hasOnly(avoid: readonly Slot[]): boolean {
    return this.isWarm && this.#slots.every((slot) => slot.released || avoid.includes(slot))
  }

  letGo(): boolean {
    if (this.#inFlight > 0) return false
    for (const slot of this.#slots) slot.released = true
    return true
  }

  keep(): void {
    for (const slot of this.#slots) slot.released = false
  }

  inFlightOn(replica: ReplicaName): number {
    let sum = 0
    for (const slot of this.#slots) if (slot.replica === replica) sum += slot.inFlight
    for (const slot of this.#leaving) if (slot.replica === replica) sum += slot.inFlight
    return sum
  }

  onDrained(replica: ReplicaName, done: () => void): () => void {
    return this.#drained.on(replica, this.inFlightOn(replica) === 0, done)
  }

  #roomFor(replica: ReplicaName): number {
    if (this.#roomOn === undefined || this.#limit === 0) return Number.POSITIVE_INFINITY
    return this.#roomOn(this.#limit, replica)
  }
}
