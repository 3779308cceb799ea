import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { Address } from '../src/core/replica.ts'
import type { Slot } from './slot.ts'
import type { Waiter } from './waiter.ts'

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

/** Where permits come from and go back to. One object for all permits of a revision, so that a permit costs no closure. */
export interface PermitIssuer {
  readonly name: RevisionName
  takeBack(permit: HeldPermit): void
  /** The replica refused or reset a connection. */
  failed(slot: Slot): void
  /** The replica gave a whole answer. */
  answered(slot: Slot): void
}

/** A permit knows its slot, so that a retry can avoid it. */
export class HeldPermit implements Permit {
  readonly slot: Slot
  readonly sinceMs: number
  readonly waitedMs: number
  readonly cold: boolean
  readonly issuer: PermitIssuer
  #held = true

  /** @param waiter who waited for it; none where there was room at once. */
  constructor(issuer: PermitIssuer, slot: Slot, sinceMs: number, waiter?: Waiter) {
    this.issuer = issuer
    this.slot = slot
    this.sinceMs = sinceMs
    this.waitedMs = waiter === undefined ? 0 : sinceMs - waiter.sinceMs
    this.cold = waiter !== undefined && waiter.cold
  }

  get revision(): RevisionName {
    return this.issuer.name
  }

  get replica(): ReplicaName {
    return this.slot.replica
  }

  get address(): Address {
    return this.slot.address
  }

  [Symbol.dispose](): void {
    if (!this.#held) return
    this.#held = false
    this.issuer.takeBack(this)
  }
}
