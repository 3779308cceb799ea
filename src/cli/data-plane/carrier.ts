import { Activator, type SharedThread, type SharingOptions } from '../../../activator/index.ts'
import type { RouteTableOptions } from '../../../router/index.ts'
import type { Clock } from '../../core/clock.ts'
import type { Config } from '../../core/config.ts'
import type { Random } from '../../core/random.ts'
import type { Bus } from '../../core/report.ts'
import type { Log, Metrics } from '../../core/telemetry.ts'
import {
  Gateway,
  GatewayTables,
  tcpProbe,
  type ConnectionCount,
  type PublishedTables,
} from '../../gateway/index.ts'

export interface CarrierOptions {
  readonly name: string
  readonly config: Pick<Config, 'gateway' | 'queue'>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly random: Random
  readonly bus: Pick<Bus, 'report' | 'wake'>
  /** Other gateways have slots of the same replicas; `name` is the one that they know this gateway by. */
  readonly sharing?: SharingOptions | undefined
  /** What the threads of one process share; undefined for one that is alone. */
  readonly shared?: {
    readonly slots: SharedThread
    readonly count: ConnectionCount
    readonly routing: RouteTableOptions
  }
}

/** Gateway, activator and tables of one thread, put together. */
export class Carrier {
  readonly activator: Activator
  readonly gateway: Gateway
  readonly #tables: GatewayTables
  #replicas: PublishedTables['replicas'] | undefined

  /** @throws ConfigError for an unusable field of `config.gateway`. */
  constructor({ name, config, clock, log, metrics, random, bus, sharing, shared }: CarrierOptions) {
    this.activator = new Activator({
      name,
      clock,
      bus,
      metrics,
      bounds: config.queue,
      sharing,
      probe: tcpProbe(clock, config.gateway.connectTimeoutMs),
      ...(shared === undefined
        ? {}
        : { openSlots: (revision, limit) => shared.slots.openSlots(revision, limit) }),
    })
    const tables = new GatewayTables(this.activator, shared?.routing)
    this.#tables = tables
    this.gateway = new Gateway({
      config: config.gateway,
      clock,
      log,
      metrics,
      random,
      table: () => tables.table,
      activator: this.activator,
      limitsOf: (revision) => tables.limitsOf(revision),
      wayTo: (permit, isGrpc) => tables.wayTo(permit, isGrpc),
      unready: (host, path, header) => tables.unready(host, path, header),
      ...(shared === undefined ? {} : { sharedCount: shared.count }),
    })
  }

  publish(tables: PublishedTables): void {
    this.#tables.publish(tables)
    if (tables.replicas === this.#replicas) return
    this.#replicas = tables.replicas
    this.gateway.retain(tables.replicas)
  }
}
