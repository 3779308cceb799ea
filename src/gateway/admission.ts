import type { Permit } from '../../activator/permit.ts'
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
    options: { readonly signal: AbortSignal; readonly bytes?: number; readonly failed?: readonly Permit[] },
  ): Permit | Promise<Permit>
}
