import type { Desired } from './desired.ts'
import type { ReplicaName } from './names.ts'
import type { Ready } from './replica.ts'
import type { Revision } from './revision.ts'

/** Where replicas run. Each answer is the whole truth at that moment and replaces the one before it. */
export interface Cluster {
  desired(signal: AbortSignal): AsyncIterable<Desired>
  ready(signal: AbortSignal): AsyncIterable<Ready>
  /**
   * Resolves when the platform has accepted the number, not when replicas are ready: a replica that has to
   * go is out of `ready` by then, and ends once `ReplicaLoad.drained` says so.
   */
  scale(revision: Revision, replicas: number, signal: AbortSignal): Promise<void>
  /** As to 0 replicas, of a revision that will not be asked for again: what was made for it goes, too. */
  retire(revision: Revision, signal: AbortSignal): Promise<void>
}

/** What a cluster asks of the gateways before it takes a replica away. */
export interface ReplicaLoad {
  /** Requests in flight on the replica: the idlest goes first. */
  inFlight(replica: ReplicaName): number
  /** Resolves when no request is in flight on the replica, or when `signal` is aborted. */
  drained(replica: ReplicaName, signal: AbortSignal): Promise<void>
}
