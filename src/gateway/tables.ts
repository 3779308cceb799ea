import type { Activator } from '../../activator/index.ts'
import { RouteTable, type RequestHead, type RouteTableOptions } from '../../router/index.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Address, Replica, Transport } from '../core/replica.ts'
import type { RequestLimits, Revision } from '../core/revision.ts'
import type { Route } from '../core/route.ts'
import { grpcTransportOf, transportOf } from '../core/transport.ts'
import { PLAIN_HTTP1, type Way } from './upstream.ts'

/** What the control plane says, as one whole value. */
export interface PublishedTables {
  readonly routes: readonly Route[]
  readonly revisions: readonly Revision[]
  readonly replicas: readonly Replica[]
}

/** As much of a permit as says where its request goes. */
export interface Placed {
  readonly revision: RevisionName
  readonly replica: ReplicaName
  readonly address: Address
}

/** What a gateway looks things up in. Each publication replaces the one before, in one turn. */
export class GatewayTables {
  readonly #activator: Pick<Activator, 'update'>
  readonly #routing: RouteTableOptions
  #routes: readonly Route[] = []
  #revisions: readonly Revision[] = []
  #replicas: readonly Replica[] = []
  #table = new RouteTable([])
  #limits: ReadonlyMap<RevisionName, RequestLimits> = new Map()
  #transports: ReadonlyMap<RevisionName, Transport> = new Map()
  /** Of replicas that take gRPC calls on a port of its own. */
  #grpcWays: ReadonlyMap<ReplicaName, TwoWays> = new Map()
  /** Routes without a revision that can answer yet, by name and match. */
  #unready = new RouteTable([])

  /** @param routing where the splits of worker threads meet. */
  constructor(activator: Pick<Activator, 'update'>, routing: RouteTableOptions = {}) {
    this.#activator = activator
    this.#routing = routing
  }

  get table(): RouteTable {
    return this.#table
  }

  limitsOf(revision: RevisionName): RequestLimits | undefined {
    return this.#limits.get(revision)
  }

  /** Where the replica of a permit takes a request: gRPC calls may have a port of their own. */
  wayTo({ revision, replica, address }: Placed, isGrpc: boolean): Way {
    const ways = this.#grpcWays.get(replica)
    if (ways !== undefined) return isGrpc ? ways.grpc : { address, transport: ways.other }
    return { address, transport: this.#transports.get(revision) ?? PLAIN_HTTP1 }
  }

  /**
   * Why a host that is known has no revision that can answer; undefined for an unknown one.
   * @param header as in RequestHead: gRPC metadata can name a service, too.
   */
  unready(host: string, path: string, header: RequestHead['header'] = () => undefined): string | undefined {
    const match = this.#unready.match({ host, path, header })
    if (match === undefined) return undefined
    const { name, service } = match.route
    const own = new Set(this.#revisions.filter((one) => one.service === service).map((one) => one.name))
    const reason = this.#replicas.find((one) => own.has(one.revision) && one.reason !== undefined)?.reason
    return `${name} has not been ready yet${reason === undefined ? '' : `; ${reason}`}`
  }

  publish({ routes, revisions, replicas }: PublishedTables): void {
    const isPlacedAlike = revisions === this.#revisions && replicas === this.#replicas
    if (!isPlacedAlike) this.#place(revisions, replicas)
    if (sameItems(this.#routes, routes)) return
    this.#routes = routes
    this.#table = new RouteTable(routes, this.#table, this.#routing)
    this.#unready = new RouteTable(
      routes.flatMap((route) => (route.split.length > 0 ? [] : [placeholder(route)])),
    )
  }

  #place(revisions: readonly Revision[], replicas: readonly Replica[]): void {
    // Revisions first: a route never leads to one that the activator does not know.
    if (!sameItems(this.#revisions, revisions)) {
      this.#revisions = revisions
      this.#limits = new Map(revisions.map(({ name, template }) => [name, template.limits]))
      this.#transports = new Map(revisions.map(({ name, template }) => [name, transportOf(template.replica)]))
    }
    this.#replicas = replicas
    this.#grpcWays = grpcWays(revisions, replicas)
    this.#activator.update({
      revisions: revisions.map(({ name, template }) => ({
        name,
        containerConcurrency: template.limits.containerConcurrency,
      })),
      replicas,
    })
  }
}

/** To a replica with two ports. */
interface TwoWays {
  readonly grpc: Way
  readonly other: Transport
}

function grpcWays(revisions: readonly Revision[], replicas: readonly Replica[]): Map<ReplicaName, TwoWays> {
  const ways = new Map<ReplicaName, TwoWays>()
  const own = replicas.filter(({ grpcAddress }) => grpcAddress !== undefined)
  if (own.length === 0) return ways
  const templates = new Map(revisions.map(({ name, template }) => [name, template.replica]))
  for (const { name, revision, grpcAddress } of own) {
    const template = templates.get(revision)
    if (grpcAddress === undefined || template === undefined) continue
    const grpc = { address: grpcAddress, transport: grpcTransportOf(template) }
    ways.set(name, { grpc, other: transportOf(template, true) })
  }
  return ways
}

/** Stands where a split will be, so that the host is known. */
function placeholder(route: Route): Route {
  return { ...route, split: [{ revision: route.service, percent: 100 }] }
}

/** Whether two lists hold the same objects in the same order. */
export function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a === b) return true
  return a.length === b.length && a.every((item, index) => item === b[index])
}
