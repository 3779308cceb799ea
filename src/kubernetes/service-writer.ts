import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.ts'
import type { DesiredService, Problem } from '../core/desired.ts'
import { qualified, split, type InferenceServiceName, type RevisionName } from '../core/names.ts'
import type { Revision } from '../core/revision.ts'
import type { InferenceServiceStatus } from '../core/status.ts'
import type { Log } from '../core/telemetry.ts'
import type { KeptService, ServiceStore } from '../kserve/index.ts'
import {
  isApiError,
  keyOf,
  kindOf,
  type ApiClient,
  type EventRecorder,
  type KubeObject,
  type ResourceCache,
  type WorkQueue,
} from './api/index.ts'
import { historyIn } from './inference-route.ts'
import { revisionOf } from './kubernetes-cluster.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from './names.ts'
import { OwnedObjects } from './owned-objects.ts'
import { readinessEvent, refusedStatus } from './service-status.ts'

export interface ServiceWriterOptions {
  readonly client: Pick<ApiClient, 'apply' | 'delete' | 'get'>
  readonly clock: Clock
  readonly log: Log
  readonly events: EventRecorder
  readonly queue: WorkQueue
  readonly services: ResourceCache
  readonly routes: ResourceCache
  /** Everything else that is made for a service, its Deployments too. */
  readonly others: readonly ResourceCache[]
  /** Everything that a service needs but Deployments, with the hash of its content: see `withHash`. */
  readonly objectsOf: (service: KubeObject, kept: KeptService) => readonly KubeObject[]
  /** False where another controller writes the status of the same services. */
  readonly writesStatus: boolean
  /** Ends what is left of a revision that nobody knows. */
  readonly retireOrphan: (revision: RevisionName) => Promise<void>
}

/**
 * Writes what services came to into the cluster: InferenceRoute, Services and status. Looks at all that is true of a
 * service each time, and writes only what is different.
 */
export class ServiceWriter implements ServiceStore, Disposable {
  readonly #options: ServiceWriterOptions
  readonly #kept = new Map<InferenceServiceName, KeptService>()
  /** Ours no longer. */
  readonly #released = new Set<InferenceServiceName>()
  #problems: ReadonlyMap<string, readonly Problem[]> = new Map()
  readonly #owned: OwnedObjects
  readonly #subscription: Disposable

  constructor(options: ServiceWriterOptions) {
    this.#options = options
    this.#owned = new OwnedObjects([options.routes, ...options.others], (service) => {
      if (this.#kept.has(service)) options.queue.add(service)
    })
    // Its status is looked at again once what was written can be read: until then it may look as if it stood there.
    this.#subscription = options.services.onChange(({ key }) => {
      if (this.#kept.has(nameOf(key)) || this.#problems.has(key)) options.queue.add(key)
    })
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]()
    this.#subscription[Symbol.dispose]()
  }

  async load(): Promise<Readonly<Record<string, unknown>>> {
    await this.#options.routes.whenSynced
    const routes = [...this.#options.routes.values()]
    return Object.fromEntries(routes.map((route) => [keyOf(route), historyIn(route)]))
  }

  save(service: InferenceServiceName, kept: KeptService | undefined): Promise<void> {
    if (kept === undefined) {
      this.#kept.delete(service)
      this.#released.add(service)
    } else {
      this.#released.delete(service)
      this.#kept.set(service, kept)
    }
    this.#options.queue.add(service)
    return Promise.resolve()
  }

  /** The service as it was accepted last. */
  desired(service: InferenceServiceName): DesiredService | undefined {
    return this.#kept.get(service)?.desired
  }

  /** What is wrong with services, all of them, as it is now. */
  setProblems(problems: readonly Problem[]): void {
    const before = this.#problems
    this.#problems = Map.groupBy(problems, ({ namespace, name }) => `${namespace}/${name}`)
    for (const key of new Set([...before.keys(), ...this.#problems.keys()])) {
      if (!isDeepStrictEqual(before.get(key), this.#problems.get(key))) this.#options.queue.add(key)
    }
  }

  /** Until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void> {
    return this.#options.queue.run(signal, (key) => this.#write(key))
  }

  async #write(key: string): Promise<void> {
    const { services, objectsOf } = this.#options
    const service = services.get(key)
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return
    const name = qualified(service.metadata.namespace ?? '', service.metadata.name)
    const kept = this.#kept.get(name)
    if (kept !== undefined) {
      const wanted = objectsOf(service, kept)
      for (const object of wanted) await this.#apply(name, service, object)
      await this.#deleteOthers(name, wanted)
      await this.#retireOrphans(name, kept.result.revisions)
    } else if (this.#released.delete(name)) {
      // Ours no longer, and not deleted: what it owns goes only by our hand.
      await this.#deleteOthers(name, [])
      await this.#retireOrphans(name, [])
    }
    await this.#writeStatus(service, kept?.result.status, this.#problems.get(key) ?? [])
  }

  async #apply(name: InferenceServiceName, service: KubeObject, object: KubeObject): Promise<void> {
    const there = this.#owned.find(name, object)
    const hash = object.metadata.annotations?.[ANNOTATIONS.applied]
    if (there?.metadata.annotations?.[ANNOTATIONS.applied] === hash) return
    const { client, events } = this.#options
    if (there === undefined && (await this.#isForeign(object))) {
      const message = `${object.kind} ${object.metadata.name} is there already and not ours: it is left alone`
      events.record(service, { type: 'Warning', reason: 'ObjectExists', message })
      return
    }
    await client.apply(object)
  }

  /** An object of that name which somebody else made is not taken over. */
  async #isForeign(object: KubeObject): Promise<boolean> {
    const { namespace, name } = object.metadata
    try {
      const found = await this.#options.client.get(kindOf(object), namespace, name)
      return found.metadata.labels?.[LABELS.managedBy] !== MANAGED_BY
    } catch (error) {
      if (isApiError(error, 'NotFound')) return false
      throw error
    }
  }

  async #deleteOthers(name: InferenceServiceName, wanted: readonly KubeObject[]): Promise<void> {
    const names = new Set(wanted.map(({ kind, metadata }) => `${kind} ${metadata.name}`))
    for (const object of this.#owned.of(name)) {
      const { kind, metadata } = object
      if (kind === 'Deployment' || names.has(`${kind} ${metadata.name}`)) continue
      if (metadata.deletionTimestamp !== undefined) continue
      try {
        await this.#options.client.delete(kindOf(object), metadata.namespace, metadata.name, {
          uid: metadata.uid,
        })
      } catch (error) {
        if (!isApiError(error, 'NotFound', 'Conflict')) throw error
      }
    }
  }

  /** Left by a controller that ended before it had taken them away. */
  async #retireOrphans(name: InferenceServiceName, revisions: readonly Revision[]): Promise<void> {
    const known = new Set(revisions.map((revision) => revision.name))
    for (const object of this.#owned.of(name)) {
      const revision = object.kind === 'Deployment' ? revisionOf(object) : undefined
      if (revision !== undefined && !known.has(revision)) await this.#options.retireOrphan(revision)
    }
  }

  async #writeStatus(
    service: KubeObject,
    reached: InferenceServiceStatus | undefined,
    problems: readonly Problem[],
  ): Promise<void> {
    const { client, clock, events, writesStatus } = this.#options
    const message = problems.map((problem) => problem.message).join('; ')
    const before = service['status']
    const status =
      problems.length === 0 ? reached : refusedStatus({ reached, before, message, nowMs: clock.now() })
    if (problems.length > 0) events.record(service, { type: 'Warning', reason: 'InvalidSpec', message })
    if (status === undefined || !writesStatus) return
    const written: unknown = JSON.parse(JSON.stringify(status))
    if (isDeepStrictEqual(before, written)) return
    const event = readinessEvent(service.metadata.name, before, status)
    const { apiVersion, kind, metadata } = service
    const { name, namespace } = metadata
    await client.apply(
      {
        apiVersion,
        kind,
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        status: written,
      },
      { subresource: 'status' },
    )
    if (event !== undefined) events.record(service, event)
  }
}

function nameOf(key: string): InferenceServiceName {
  const { namespace, name } = split(key)
  return qualified(namespace, name)
}
