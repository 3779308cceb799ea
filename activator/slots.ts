import type { ReplicaName } from '../src/core/names.ts'
import type { Address, Replica } from '../src/core/replica.ts'

/** One ready replica and what runs on it. A replica that restarts elsewhere gets a new slot. */
export interface Slot {
  readonly replica: ReplicaName
  readonly address: Address
  inFlight: number
  /** Let go: the replica is about to leave and takes no request any more. */
  released: boolean
}

/**
 * The ready replicas of one revision. `containerConcurrency` is a hard limit per replica, 0 = none; a slot is
 * chosen and taken in one turn, so the limit is never crossed.
 */
export class SlotTable {
  #slots: Slot[] = []
  /** Where the last search began: equal loads are served in turn. */
  #turn = 0
  #inFlight = 0
  readonly #drained = new Map<ReplicaName, (() => void)[]>()
  /** Slots that left the table with requests in flight. */
  readonly #leaving = new Set<Slot>()

  containerConcurrency: number

  constructor(containerConcurrency: number) {
    this.containerConcurrency = containerConcurrency
  }

  /** Requests in flight, on leaving replicas too. */
  get inFlight(): number {
    return this.#inFlight
  }

  get readyCount(): number {
    return this.#slots.length
  }

  /** Whether a replica is there that takes requests, be it full now. */
  get isWarm(): boolean {
    return this.#slots.some((slot) => !slot.released)
  }

  /** Replaces the table by the replicas that are ready now. */
  replace(ready: readonly Replica[]): void {
    const before = new Map(this.#slots.map((slot) => [slot.replica, slot]))
    this.#slots = []
    for (const { name, address } of ready) {
      if (address === undefined) continue
      const known = before.get(name)
      if (known?.address.port === address.port && known.address.host === address.host) {
        before.delete(name)
        this.#slots.push(known)
      } else {
        this.#slots.push({ replica: name, address, inFlight: 0, released: false })
      }
    }
    for (const slot of before.values()) {
      if (slot.inFlight > 0) this.#leaving.add(slot)
    }
  }

  /**
   * Takes a slot on the least loaded replica with room; equal loads in turn. undefined: there is no room.
   * @param avoid slots on which this request has failed before.
   */
  take(avoid?: readonly Slot[]): Slot | undefined {
    const slots = this.#slots
    const limit = this.containerConcurrency
    let best: Slot | undefined
    let bestAt = 0
    for (let step = 0; step < slots.length; step++) {
      const at = (this.#turn + step) % slots.length
      const slot = slots[at]!
      if (slot.released || (limit > 0 && slot.inFlight >= limit)) continue
      if (avoid !== undefined && avoid.includes(slot)) continue
      if (best === undefined || slot.inFlight < best.inFlight) {
        best = slot
        bestAt = at
        if (slot.inFlight === 0) break
      }
    }
    if (best === undefined) return undefined
    this.#turn = bestAt + 1
    best.inFlight += 1
    this.#inFlight += 1
    return best
  }

  giveBack(slot: Slot): void {
    slot.inFlight -= 1
    this.#inFlight -= 1
    if (slot.inFlight > 0) return
    this.#leaving.delete(slot)
    this.#settleDrained(slot.replica)
  }

  /** True where every replica that takes requests is among `avoid`. */
  hasOnly(avoid: readonly Slot[]): boolean {
    return this.isWarm && this.#slots.every((slot) => slot.released || avoid.includes(slot))
  }

  /** Takes no request on any replica of now; false, and nothing changes, if one is in flight. */
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

  /** Calls `done` once nothing is in flight on the replica; at once if so now. Returns how to stop waiting. */
  onDrained(replica: ReplicaName, done: () => void): () => void {
    if (this.inFlightOn(replica) === 0) {
      done()
      return () => {}
    }
    const waiting = this.#drained.get(replica) ?? []
    waiting.push(done)
    this.#drained.set(replica, waiting)
    return () => {
      const at = waiting.indexOf(done)
      if (at >= 0) waiting.splice(at, 1)
      if (waiting.length === 0 && this.#drained.get(replica) === waiting) this.#drained.delete(replica)
    }
  }

  #settleDrained(replica: ReplicaName): void {
    const waiting = this.#drained.get(replica)
    if (waiting === undefined || this.inFlightOn(replica) > 0) return
    this.#drained.delete(replica)
    for (const done of waiting) done()
  }
}
