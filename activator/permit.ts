import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { Address } from '../src/core/replica.ts'
import type { Slot } from './slots.ts'

/**
 * The right to have one request in flight on one replica. Give it back by leaving the scope that holds it:
 *
 *     using permit = await activator.acquire(revision, { signal })
 */
export interface Permit extends Disposable {
  readonly revision: RevisionName
  readonly replica: ReplicaName
  readonly address: Address
  /** How long the request waited for it, in ms. */
  readonly waitedMs: number
  /** The request waited because no replica was ready. */
  readonly cold: boolean
}

/** A permit knows its slot, so that a retry can avoid it. */
export class HeldPermit implements Permit {
  readonly revision: RevisionName
  readonly slot: Slot
  readonly waitedMs: number
  readonly cold: boolean
  readonly sinceMs: number
  #giveBack: ((permit: HeldPermit) => void) | undefined

  constructor(
    granted: {
      readonly revision: RevisionName
      readonly slot: Slot
      readonly sinceMs: number
      readonly waitedMs: number
      readonly cold: boolean
    },
    giveBack: (permit: HeldPermit) => void,
  ) {
    this.revision = granted.revision
    this.slot = granted.slot
    this.sinceMs = granted.sinceMs
    this.waitedMs = granted.waitedMs
    this.cold = granted.cold
    this.#giveBack = giveBack
  }

  get replica(): Permit['replica'] {
    return this.slot.replica
  }

  get address(): Permit['address'] {
    return this.slot.address
  }

  [Symbol.dispose](): void {
    const giveBack = this.#giveBack
    this.#giveBack = undefined
    giveBack?.(this)
  }
}
