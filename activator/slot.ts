import type { ReplicaName } from '../src/core/names.ts'
import type { Address, Replica } from '../src/core/replica.ts'
import type { Waiter } from './waiter.ts'

/** One ready replica and what runs on it. A replica that restarts elsewhere gets a new slot. */
export interface Slot {
  readonly replica: ReplicaName
  readonly address: Address
  /** Where it stands in memory that threads share; -1 in a table of one thread. */
  readonly index: number
  /** Requests in flight on it, of all threads. */
  readonly inFlight: number
  /** As many requests may be in flight on it here, where other gateways have slots of it; Infinity = the limit alone counts. */
  readonly room: number
  /** Let go: the replica is about to leave and takes no request any more. */
  readonly released: boolean
  /** It failed: no request goes there while a healthy replica stands. */
  ejected: boolean
}

/**
 * The ready replicas of one revision, as the requests that go there see them. `containerConcurrency` is a hard limit per
 * replica, 0 = none; a slot is chosen and taken in one turn, so the limit is never crossed.
 *
 * Ejected replicas are in the choice only where there is no other: health alone makes nobody wait.
 */
export interface Slots {
  containerConcurrency: number
  /** Requests of this thread in flight, on leaving replicas too. */
  readonly inFlight: number
  readonly readyCount: number
  /** Requests that may be in flight here at one time; Infinity without a limit. */
  readonly capacity: number
  /** The replicas in the table. */
  readonly replicas: Iterable<ReplicaName>
  /** Replicas with requests of this gateway in flight, in the table or leaving it. */
  readonly busy: Iterable<ReplicaName>
  /** Whether a replica is there that takes requests, be it full now. */
  readonly isWarm: boolean
  /** Requests that wait in other threads. */
  readonly waitingElsewhere: number
  /** Replaces the table by the replicas that are ready now. */
  replace(ready: readonly Replica[]): void
  /** The room on replicas is another one. */
  refit(): void
  has(slot: Slot): boolean
  /**
   * For a newcomer: takes a slot on the least loaded replica with room; equal loads in turn. undefined: there is no room,
   * or somebody waits for it in another thread.
   * @param avoid slots on which this request has failed before.
   */
  take(avoid: readonly Slot[]): Slot | undefined
  /** The replica that `take` would choose; where others may take it meanwhile, it is held until `refit`. */
  spare(): ReplicaName | undefined
  /** Frees a slot. */
  giveBack(slot: Slot): void
  /** From here on the waiter stands in line with those of other threads; false where the line is as long as may be. */
  join(waiter: Waiter): boolean
  /** Gives free slots to the oldest waiters of whichever thread. */
  settle(): void
  /** For one who waits: its slot, if there is one by now. */
  takeFor(waiter: Waiter): Slot | undefined
  /** There can be a slot for one who came later than a waiter who got none, though that one would take any. */
  readonly mayServeBehind: boolean
  /** A waiter went away without a slot. */
  part(waiter: Waiter): void
  /** True where every replica that takes requests is among `avoid`. */
  hasOnly(avoid: readonly Slot[]): boolean
  /** Takes no request on any replica of now; false, and nothing changes, if one is in flight. */
  letGo(): boolean
  keep(): void
  inFlightOn(replica: ReplicaName): number
  /** Calls `done` once nothing is in flight on the replica; at once if so now. Returns how to stop waiting. */
  onDrained(replica: ReplicaName, done: () => void): () => void
}

export const NO_SLOTS: readonly Slot[] = []

/** @param limit requests per slot; 0 = any number. */
export function capacityOf(slots: readonly Slot[], limit: number): number {
  if (limit === 0) return Number.POSITIVE_INFINITY
  return slots.reduce((sum, { room }) => sum + Math.min(room, limit), 0)
}

/**
 * Chooses the least loaded slot with room; equal loads in turn. Ejected slots are in the choice only where the request has
 * no healthy one, full or not.
 */
export class Choice {
  /** Where the next search begins. */
  #turn = 0

  /** @param limit requests per slot; 0 = any number. */
  choose<S extends Slot>(slots: readonly S[], limit: number, avoid: readonly Slot[]): S | undefined {
    let best: S | undefined
    let bestAt = 0
    let spare: S | undefined
    let isSpareNeeded = true
    let at = this.#turn
    for (let left = slots.length; left > 0; left--, at++) {
      if (at >= slots.length) at = 0
      const slot = slots[at]!
      if (slot.released || (avoid.length > 0 && avoid.includes(slot))) continue
      if (!slot.ejected) isSpareNeeded = false
      if ((limit > 0 && slot.inFlight >= limit) || slot.inFlight >= slot.room) continue
      if (slot.ejected) {
        if (spare === undefined || slot.inFlight < spare.inFlight) spare = slot
      } else if (best === undefined || slot.inFlight < best.inFlight) {
        best = slot
        bestAt = at
        if (slot.inFlight === 0) break
      }
    }
    if (best === undefined) return isSpareNeeded ? spare : undefined
    this.#turn = bestAt + 1
    return best
  }
}
