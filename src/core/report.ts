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
  /** Requests that left the queue with a permit in the period, and how long they had waited, together. Absent: none. */
  readonly waited?: { readonly requests: number; readonly totalMs: number }
  /** What answers' `usage` said in the period. Absent: none did. */
  readonly tokens?: { readonly prompt: number; readonly generated: number }
}

/**
 * What gateways say to each other about the slots of replicas with a hard limit; plain JSON. Messages may be lost, late,
 * twice or out of order: none of that creates a slot.
 */
export type SlotMessage = {
  readonly from: string
  /** When the process that says it began, epoch ms: of two that have the name `from`, the later one lives. */
  readonly life: number
} & (
  | {
      /** Do you divide the slots among these, too? `round` is repeated in the answer. */
      readonly kind: 'divide'
      readonly round: number
      readonly members: readonly string[]
    }
  | {
      /** Yes, and beyond my share I still run or lent this many: they end, and no new ones begin. */
      readonly kind: 'divided'
      /** The life of the one that is told. */
      readonly toLife: number
      readonly round: number
      readonly over: readonly (readonly [ReplicaName, number])[]
      /** Stands for the lives of all members, as the sender knows them. */
      readonly lives: number
    }
  | {
      /** I hold requests that your free slots of the revision could serve. In place of what I said before; 0 = no longer. */
      readonly kind: 'borrow'
      readonly revision: RevisionName
      readonly wanted: number
      /** How long the oldest of them has waited, ms. */
      readonly waitedMs: number
    }
  | {
      /** One slot of the replica is yours until you give it back. Said again from time to time while it is. */
      readonly kind: 'lend'
      readonly toLife: number
      readonly revision: RevisionName
      readonly replica: ReplicaName
      /** Grows with every slot that this life of the sender lends. */
      readonly lease: number
    }
  | { readonly kind: 'give-back'; readonly toLife: number; readonly lease: number }
)

/** A gateway, as the controller and other gateways see it through the bus. */
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
  /** What another gateway says. Absent where slots are not divided among gateways. */
  hear?(message: SlotMessage): void
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
  /**
   * From a gateway to the one of that name; lost where there is none. Never throws, never waits, and is heard in a later
   * turn than it was said. Absent on a bus on which gateways cannot hear each other.
   */
  tell?(gateway: string, message: SlotMessage): void
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
