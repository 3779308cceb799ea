import type { ReplicaLoad } from '../../src/core/cluster.ts'
import type { ReplicaName } from '../../src/core/names.ts'

/** A ReplicaLoad whose requests are made by hand: `begin` one, `finish` it. */
export class HeldLoad implements ReplicaLoad {
  readonly #counts = new Map<ReplicaName, number>()
  readonly #idle = new Map<ReplicaName, PromiseWithResolvers<void>>()

  begin(replica: ReplicaName): void {
    this.#counts.set(replica, this.inFlight(replica) + 1)
  }

  finish(replica: ReplicaName): void {
    this.#counts.set(replica, this.inFlight(replica) - 1)
    if (this.inFlight(replica) === 0) this.#idle.get(replica)?.resolve()
  }

  inFlight(replica: ReplicaName): number {
    return this.#counts.get(replica) ?? 0
  }

  async drained(replica: ReplicaName, signal: AbortSignal): Promise<void> {
    if (this.inFlight(replica) === 0 || signal.aborted) return
    const idle = this.#idle.get(replica) ?? Promise.withResolvers<void>()
    this.#idle.set(replica, idle)
    signal.addEventListener('abort', () => idle.resolve(), { once: true })
    await idle.promise
    this.#idle.delete(replica)
  }
}
