import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Bus, ControllerMember, GatewayMember, Report, SlotMessage } from '../core/report.ts'
import { silentLog, type Log } from '../core/telemetry.ts'

/** A membership; the same member may hold two, and each ends by itself. */
interface Seat<M> {
  readonly member: M
}

/** The bus of one process: everything is delivered in the turn in which it is said, or right after it. */
export class MemoryBus implements Bus {
  readonly #log: Log
  readonly #gateways = new Set<Seat<GatewayMember>>()
  #controller: Seat<ControllerMember> | undefined

  /** @param log hears of members that throw: whoever told them something must go on. */
  constructor(log: Log = silentLog) {
    this.#log = log
  }

  joinGateway(member: GatewayMember): Disposable {
    const seat = { member }
    this.#gateways.add(seat)
    return { [Symbol.dispose]: () => void this.#gateways.delete(seat) }
  }

  /** The newest controller is the one that hears; one that came before it and leaves later changes nothing. */
  joinController(member: ControllerMember): Disposable {
    const seat = { member }
    this.#controller = seat
    return {
      [Symbol.dispose]: () => {
        if (this.#controller === seat) this.#controller = undefined
      },
    }
  }

  report(reports: readonly Report[]): void {
    this.#tell((controller) => controller.report(reports))
  }

  wake(revision: RevisionName): void {
    this.#tell((controller) => controller.wake(revision))
  }

  tell(gateway: string, message: SlotMessage): void {
    queueMicrotask(() => {
      for (const { member } of this.#gateways) {
        if (member.name !== gateway) continue
        try {
          member.hear?.(message)
        } catch (error) {
          this.#log.error({ err: error }, 'a gateway failed to take what another one told it')
        }
      }
    })
  }

  /** @throws the signal's reason if it is aborted already; then no gateway was asked. */
  async letGo(revision: RevisionName, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const letGo: GatewayMember[] = []
    for (const { member } of this.#gateways) {
      if (!member.letGo(revision)) {
        for (const other of letGo) other.keep(revision)
        return false
      }
      letGo.push(member)
    }
    return true
  }

  keep(revision: RevisionName): void {
    for (const { member } of this.#gateways) member.keep(revision)
  }

  /** @throws the signal's reason if it is aborted already. */
  async load(
    replicas: readonly ReplicaName[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, number>> {
    signal.throwIfAborted()
    const members = [...this.#gateways].map(({ member }) => member)
    return new Map(
      replicas.map((replica) => [
        replica,
        members.reduce((sum, member) => sum + member.inFlight(replica), 0),
      ]),
    )
  }

  #tell(say: (controller: ControllerMember) => void): void {
    if (this.#controller === undefined) return
    try {
      say(this.#controller.member)
    } catch (error) {
      this.#log.error({ err: error }, 'the controller failed to take what a gateway told it')
    }
  }
}
