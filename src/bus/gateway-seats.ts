import type { Clock } from '../core/clock.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { GatewayMember, SlotMessage } from '../core/report.ts'
import type { Log } from '../core/telemetry.ts'
import { LetGoLeases } from './let-go-leases.ts'

/** The gateways of this process, which answer as one. */
export class GatewaySeats {
  readonly #log: Log
  readonly #seats = new Set<{ readonly member: GatewayMember }>()
  readonly #leases: LetGoLeases

  constructor(clock: Clock, log: Log) {
    this.#log = log
    this.#leases = new LetGoLeases(clock, (revision) => this.#tellToKeep(revision))
  }

  get size(): number {
    return this.#seats.size
  }

  /** @returns ends this membership, once. */
  join(member: GatewayMember): () => void {
    const seat = { member }
    this.#seats.add(seat)
    return () => void this.#seats.delete(seat)
  }

  /** undefined where there is no gateway to answer. */
  letGo(revision: RevisionName): { readonly released: boolean } | undefined {
    if (this.#seats.size === 0) return undefined
    const released = this.#try(false, (members) => members.every((member) => member.letGo(revision)))
    if (released) this.#leases.begin(revision)
    else this.keep(revision)
    return { released }
  }

  keep(revision: RevisionName): void {
    this.#leases.end(revision)
    this.#tellToKeep(revision)
  }

  /** The controller cannot reach this process any more. */
  keepAll(): void {
    this.#leases.endAll()
  }

  /** Requests in flight on each replica; undefined where there is no gateway to answer. */
  load(replicas: readonly ReplicaName[]): { readonly inFlight: readonly number[] } | undefined {
    if (this.#seats.size === 0) return undefined
    return this.#try(undefined, (members) => ({
      inFlight: replicas.map((replica) => members.reduce((sum, member) => sum + member.inFlight(replica), 0)),
    }))
  }

  /** What another gateway says to the one of that name. */
  hear(name: string, message: SlotMessage): void {
    this.#try(undefined, (members) => {
      for (const member of members) if (member.name === name) member.hear?.(message)
    })
  }

  #tellToKeep(revision: RevisionName): void {
    this.#try(undefined, (members) => {
      for (const member of members) member.keep(revision)
    })
  }

  /** A gateway that fails answers as one that does not let go. */
  #try<T>(otherwise: T, ask: (members: readonly GatewayMember[]) => T): T {
    try {
      return ask([...this.#seats].map(({ member }) => member))
    } catch (error) {
      this.#log.error({ err: error }, 'a gateway failed to answer what the controller asked')
      return otherwise
    }
  }
}
