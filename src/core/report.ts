import type { ReplicaName, RevisionName } from './names.ts'

/** What one gateway saw of one revision in one reporting period (a second; shorter when it was cold). */
export interface Report {
  readonly gateway: string
  readonly revision: RevisionName
  /** End of the period, epoch ms. */
  readonly atMs: number
  /** Time-weighted mean of the requests in flight or waiting. */
  readonly concurrency: number
  /** Requests that arrived in the period. */
  readonly requests: number
  /** Requests in the queue at the end of the period. */
  readonly waiting: number
  /** Requests on a replica at the end of the period. */
  readonly inFlight: number
}

/** A gateway, as the controller sees it through the bus. */
export interface GatewayMember {
  readonly name: string
  /**
   * Asks whether this gateway holds or runs nothing for the revision. If so it answers true and, from that
   * turn on, hands out no permit on the replicas it knows of: a request that arrives now is held and wakes
   * the revision. `keep` takes that back.
   */
  letGo(revision: RevisionName): boolean
  keep(revision: RevisionName): void
  /** Requests in flight on the replica. */
  inFlight(replica: ReplicaName): number
}

/** The controller, as gateways see it through the bus. */
export interface ControllerMember {
  report(reports: readonly Report[]): void
  /** A request waits for a revision that has no ready replica. */
  wake(revision: RevisionName): void
}

/** How gateways and the controller hear each other. */
export interface Bus {
  /** A gateway joins, until disposed. */
  joinGateway(member: GatewayMember): Disposable
  /** The controller joins, until disposed; there is one at a time. */
  joinController(member: ControllerMember): Disposable
  /** From a gateway: to the controller, if there is one. Never throws, never waits. */
  report(reports: readonly Report[]): void
  wake(revision: RevisionName): void
  /** From the controller: true when every gateway let go. If one did not, those that did are told to keep. */
  letGo(revision: RevisionName, signal: AbortSignal): Promise<boolean>
  keep(revision: RevisionName): void
  /**
   * From the controller: requests in flight on each of the replicas, over all gateways; undefined when not every
   * gateway answered, which says nothing about any of them.
   */
  load(
    replicas: readonly ReplicaName[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, number> | undefined>
}
