import type { ReplicaName } from '../../core/names.ts'
import type { GatewayMember } from '../../core/report.ts'
import type { Listening, PublishedTables } from '../../gateway/index.ts'
import { Carrier, type CarrierOptions } from './carrier.ts'
import type { DataPlane } from './data-plane.ts'

/** One gateway, in the thread of the control plane. */
export class MainThreadDataPlane implements DataPlane {
  readonly bound: Listening
  readonly #carrier: Carrier
  readonly #reporting = new AbortController()

  /** @throws Error naming host and port when they cannot be had; ConfigError. */
  static async open(options: CarrierOptions): Promise<MainThreadDataPlane> {
    const carrier = new Carrier(options)
    return new MainThreadDataPlane(carrier, await carrier.gateway.listen())
  }

  private constructor(carrier: Carrier, bound: Listening) {
    this.#carrier = carrier
    this.bound = bound
    void carrier.activator.run(this.#reporting.signal)
  }

  get member(): GatewayMember {
    return this.#carrier.activator
  }

  publish(tables: PublishedTables): void {
    this.#carrier.publish(tables)
  }

  divide(members: Iterable<string>): void {
    this.#carrier.activator.divide(members)
  }

  inFlight(replica: ReplicaName): number {
    return this.#carrier.activator.inFlight(replica)
  }

  drained(replica: ReplicaName, signal: AbortSignal): Promise<void> {
    return this.#carrier.activator.drained(replica, signal)
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#carrier.gateway.drain(signal)
  }

  async close(): Promise<void> {
    await this.#carrier.gateway.close()
    this.#reporting.abort()
  }
}
