import type { ReplicaLoad } from '../../core/cluster.ts'
import type { GatewayMember } from '../../core/report.ts'
import type { Listening, PublishedTables } from '../../gateway/index.ts'

/** What carries requests in this process: one gateway in the main thread, or several in threads of their own. */
export interface DataPlane extends ReplicaLoad {
  /** Joins the bus: answers for all gateways of this process. */
  readonly member: GatewayMember
  readonly bound: Listening
  publish(tables: PublishedTables): void
  /**
   * Names of all living gateways, this one too: hard limits are divided among them. One that is about to end lives until
   * it is gone. Does nothing in a data plane that was opened without `sharing`.
   */
  divide(members: Iterable<string>): void
  /** Not ready, wait, refuse what is new, let what runs finish, end the rest; `signal` skips waiting. */
  drain(signal: AbortSignal): Promise<void>
  /** Ends every request and connection now. */
  close(): Promise<void>
}
