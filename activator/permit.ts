import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { Address } from '../src/core/replica.ts'

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
