import { Latest } from '../core/latest.ts'
import type { RevisionName } from '../core/names.ts'
import type { Ready } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import type { Route } from '../core/route.ts'
import type { Log } from '../core/telemetry.ts'
import type { KubeObject, ResourceCache } from './api/index.ts'
import { readInferenceRoute, type RoutedService } from './inference-route.ts'

/** What a gateway routes by, as one whole value. */
export interface GatewayTables {
  readonly routes: readonly Route[]
  readonly revisions: readonly Revision[]
  readonly replicas: Ready['replicas']
}

/**
 * The tables of a gateway, made of the InferenceRoutes and pods of the cluster: no controller has to be there. While
 * the API server is away they stay as they are.
 */
export class GatewayView implements Disposable {
  readonly #routes: ResourceCache
  readonly #log: Log
  readonly #services = new Map<string, RoutedService>()
  readonly #revisions = new Map<RevisionName, Revision>()
  /** Made anew when a service was read. */
  #routed: Omit<GatewayTables, 'replicas'> | undefined
  readonly #changes = new Latest(0)
  readonly #subscription: Disposable

  constructor(routes: ResourceCache, log: Log) {
    this.#routes = routes
    this.#log = log
    this.#subscription = routes.onChange(({ key, object }) => this.#take(key, object))
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }

  revisionOf(name: RevisionName): Revision | undefined {
    return this.#revisions.get(name)
  }

  /** Counts changes of routes and revisions. */
  changes(signal: AbortSignal): AsyncIterable<number> {
    return this.#changes.values(signal)
  }

  /** Everything known now, with the replicas that the caller knows. */
  tables({ replicas }: Ready): GatewayTables {
    this.#routed ??= {
      routes: [...this.#services.values()].flatMap(({ routes }) => routes),
      revisions: [...this.#revisions.values()],
    }
    return { ...this.#routed, replicas }
  }

  get isSynced(): boolean {
    return this.#routes.isSynced
  }

  #take(key: string, object: KubeObject | undefined): void {
    const before = this.#services.get(key)
    if (object === undefined) {
      this.#services.delete(key)
    } else {
      try {
        this.#services.set(key, readInferenceRoute(object))
      } catch (error) {
        // What was read before goes on: a newer controller may write what we do not know yet.
        this.#log.error({ route: key, err: error }, 'an InferenceRoute cannot be read')
        return
      }
    }
    this.#routed = undefined
    for (const { name } of before?.revisions ?? []) this.#revisions.delete(name)
    for (const revision of this.#services.get(key)?.revisions ?? []) {
      this.#revisions.set(revision.name, revision)
    }
    this.#changes.set(this.#changes.value + 1)
  }
}
