import type { ReplicaName } from '../../src/core/names.ts'
import type { Address } from '../../src/core/replica.ts'
import type { Slot } from '../slot.ts'
import { EJECTED, FLAGS, RELEASED, RETIRED, ROOM, TOTAL, type SharedMemory } from './memory.ts'

/** A slot whose state stands in the shared memory: what one thread learns of a replica helps all. */
export class SharedSlot implements Slot {
  readonly replica: ReplicaName
  readonly address: Address
  readonly index: number
  /** Where its words begin. */
  readonly at: number
  readonly #words: Int32Array

  constructor(
    memory: SharedMemory,
    where: { readonly replica: ReplicaName; readonly address: Address; readonly index: number },
  ) {
    this.replica = where.replica
    this.address = where.address
    this.index = where.index
    this.at = memory.replicaAt(where.index)
    this.#words = memory.words
  }

  get inFlight(): number {
    return Atomics.load(this.#words, this.at + TOTAL)
  }

  get room(): number {
    const room = Atomics.load(this.#words, this.at + ROOM)
    return room === 0 ? Number.POSITIVE_INFINITY : room - 1
  }

  get released(): boolean {
    return (Atomics.load(this.#words, this.at + FLAGS) & (RELEASED | RETIRED)) !== 0
  }

  get ejected(): boolean {
    return (Atomics.load(this.#words, this.at + FLAGS) & EJECTED) !== 0
  }

  set ejected(ejected: boolean) {
    if (ejected) Atomics.or(this.#words, this.at + FLAGS, EJECTED)
    else Atomics.and(this.#words, this.at + FLAGS, ~EJECTED)
  }
}
