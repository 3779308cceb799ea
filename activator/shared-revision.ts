import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { Slots } from './slot.ts'

/** One revision, as the division of its slots among gateways sees it. */
export interface SharedRevision {
  readonly name: RevisionName
  /** Requests that wait here. */
  readonly waiting: number
  /** Since when the oldest of them waits, epoch ms. */
  readonly oldestSinceMs: number | undefined
  readonly slots: Pick<
    Slots,
    'containerConcurrency' | 'isWarm' | 'replicas' | 'busy' | 'inFlightOn' | 'spare' | 'refit'
  >
  /** Hands free slots to those who wait. */
  serve(): void
}

/** What a revision asks of those who divide its slots among gateways, and tells them. */
export interface SlotLender {
  /**
   * Slots of the replica that this gateway may use now: its own that are not lent, and borrowed ones.
   * @param limit requests on the replica at most, of all gateways; not 0.
   */
  roomOn(revision: RevisionName, limit: number, replica: ReplicaName): number
  /** A request on the replica ended; nobody has its slot yet. */
  freed(revision: SharedRevision, replica: ReplicaName): void
  /** What is free is about to go to those who wait here: those who wait elsewhere and came earlier go first. */
  offer(revision: SharedRevision): void
  /** Those who wait here have got what there was. */
  served(revision: SharedRevision): void
}
