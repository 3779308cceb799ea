import type { Permit } from '../../activator/permit.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { RevisionName } from '../core/names.ts'

/** What the gateway needs of the activator. */
export interface Admission {
  /**
   * The right to run one request on one replica, at once or as soon as there is room.
   * @param options.bytes what the request occupies while it waits.
   * @param options.failed permits with which this request has failed before: it goes to another replica.
   * @throws Refusal; the signal's reason when it is aborted.
   */
  acquire(
    revision: RevisionName,
    options: { readonly signal: Cancellation; readonly bytes?: number; readonly failed?: readonly Permit[] },
  ): Permit | Promise<Permit>
  /** The replica of this permit refused or reset a connection. */
  failed(permit: Permit): void
  /** The replica of this permit gave an answer. */
  answered(permit: Permit): void
  /** An answer of the revision said how many tokens it took. */
  used(revision: RevisionName, tokens: { readonly prompt: number; readonly generated: number }): void
}
