import type { Activator } from '../../activator/index.ts'
import { RouteTable } from '../../router/index.ts'
import type { RevisionName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { RequestLimits, Revision } from '../core/revision.ts'
import type { Route } from '../core/route.ts'

/** What the control plane says, as one whole value. */
export interface PublishedTables {
  readonly routes: readonly Route[]
  readonly revisions: readonly Revision[]
  readonly replicas: readonly Replica[]
}

/** What a gateway looks things up in. Each publication replaces the one before, in one turn. */
export class GatewayTables {
  readonly #activator: Pick<Activator, 'update'>
  #routes: readonly Route[] = []
  #revisions: readonly Revision[] = []
  #replicas: readonly Replica[] = []
  #table = new RouteTable([])
  #limits: ReadonlyMap<RevisionName, RequestLimits> = new Map()
  /** Routes without a revision that can answer yet, by name and match. */
  #unready = new RouteTable([])

  constructor(activator: Pick<Activator, 'update'>) {
    this.#activator = activator
  }

  get table(): RouteTable {
    return this.#table
  }

  limitsOf(revision: RevisionName): RequestLimits | undefined {
    return this.#limits.get(revision)
  }

  /** Why a host that is known has no revision that can answer; undefined for an unknown one. */
  unready(host: string, path: string): string | undefined {
    const match = this.#unready.match({ host, path, header: () => undefined })
    if (match === undefined) return undefined
    const { name, service } = match.route
    const own = new Set(this.#revisions.filter((one) => one.service === service).map((one) => one.name))
    const reason = this.#replicas.find((one) => own.has(one.revision) && one.reason !== undefined)?.reason
    return `${name} has not been ready yet${reason === undefined ? '' : `; ${reason}`}`
  }

  publish({ routes, revisions, replicas }: PublishedTables): void {
    // Revisions first: a route never leads to one that the activator does not know.
    if (!sameItems(this.#revisions, revisions)) {
      this.#revisions = revisions
      this.#limits = new Map(revisions.map(({ name, template }) => [name, template.limits]))
    }
    this.#replicas = replicas
    this.#activator.update({
      revisions: revisions.map(({ name, template }) => ({
        name,
        containerConcurrency: template.limits.containerConcurrency,
      })),
      replicas,
    })
    if (sameItems(this.#routes, routes)) return
    this.#routes = routes
    this.#table = new RouteTable(routes, this.#table)
    this.#unready = new RouteTable(
      routes.flatMap((route) => (route.split.length > 0 ? [] : [placeholder(route)])),
    )
  }
}

/** Stands where a split will be, so that the host is known. */
function placeholder(route: Route): Route {
  return { ...route, split: [{ revision: route.service, percent: 100 }] }
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
