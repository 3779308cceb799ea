import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.ts'
import type { DesiredService, Problem } from '../core/desired.ts'
import { qualified, split, type InferenceServiceName, type RevisionName } from '../core/names.ts'
import type { Revision } from '../core/revision.ts'
import type { InferenceServiceStatus } from '../core/status.ts'
import type { Log } from '../core/telemetry.ts'
import { readHistory, type KeptService, type ServiceStore } from '../kserve/index.ts'
import {
  compareResourceVersions,
  dropManagedFields,
  isApiError,
  keyOf,
  kindOf,
  type ApiClient,
  type EventRecorder,
  type KubeObject,
  type ResourceCache,
  type WorkQueue,
} from './api/index.ts'
import { historyBehind, historyIn, INFERENCE_ROUTE, isEarlier } from './inference-route.ts'
import { revisionOf } from './kubernetes-cluster.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from './names.ts'
import { OwnedObjects } from './owned-objects.ts'
import { failureEvent, readinessEvent, refusedStatus } from './service-status.ts'

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
  /** Everything that a service needs but Deployments, with the hash of its content: see `withHash`. The InferenceRoute first. */
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
  /** By key: statuses that were written and that the cache does not show yet. */
  readonly #statuses = new Map<string, { readonly status: unknown; readonly resourceVersion: string }>()
  readonly #subscription: Disposable
  /** Nothing is written after it: another controller leads by then. */
  #signal: AbortSignal | undefined

  constructor(options: ServiceWriterOptions) {
    this.#options = options
    this.#owned = new OwnedObjects([options.routes, ...options.others], (service) => {
      if (this.#kept.has(service)) options.queue.add(service)
    })
    this.#subscription = options.services.onChange(({ key, object }) => {
      if (object === undefined) {
        this.#statuses.delete(key)
        this.#released.delete(nameOf(key))
      }
      if (this.#kept.has(nameOf(key)) || this.#problems.has(key)) options.queue.add(key)
    })
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]()
    this.#subscription[Symbol.dispose]()
  }

  async load(): Promise<Readonly<Record<string, unknown>>> {
    await this.#options.routes.whenSynced
    const { services, routes } = this.#options
    return Object.fromEntries(
      [...routes.values()].flatMap((route) => {
        const key = keyOf(route)
        const service = services.get(key)
        // Of one of its name that was there before, and goes with it.
        if (service !== undefined && isEarlier(route, service)) return []
        return [[key, this.#historyOf(route)]]
      }),
    )
  }

  /** One that cannot be read begins anew, behind the revisions whose Deployments say which names are taken. */
  #historyOf(route: KubeObject): unknown {
    const history = historyIn(route)
    try {
      return readHistory(history, `InferenceRoute ${keyOf(route)}: spec.history`)
    } catch (error) {
      const deployments = this.#owned.of(nameOf(keyOf(route))).filter(({ kind }) => kind === 'Deployment')
      if (deployments.length === 0) return history
      this.#options.log.error({ route: keyOf(route), err: error }, 'the history of a service begins anew')
      return historyBehind(deployments)
    }
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
    this.#signal = signal
    return this.#options.queue.run(signal, (key) => this.#write(key))
  }

  async #write(key: string): Promise<void> {
    const { services, objectsOf } = this.#options
    const service = services.get(key)
    const name = nameOf(key)
    if (service === undefined) this.#released.delete(name)
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return
    const kept = this.#kept.get(name)
    if (kept !== undefined) {
      const wanted = objectsOf(service, kept)
      const [route, ...others] = wanted
      // Requests wait for the first: nothing else stands before it. The others do not wait for each other.
      if (route !== undefined) await this.#apply(name, service, route)
      const written = await Promise.allSettled(others.map((object) => this.#apply(name, service, object)))
      for (const result of written) if (result.status === 'rejected') throw result.reason
      await this.#deleteOthers(name, wanted)
    } else if (this.#released.has(name)) {
      // Ours no longer, and not deleted: what it owns goes only by our hand.
      await this.#deleteOthers(name, [])
    }
    await this.#writeStatus(service, kept?.result.status, this.#problems.get(key) ?? [])
    // Last: gateways are asked for it, and one that does not answer must not keep the status from anybody.
    if (kept !== undefined) await this.#retireOrphans(name, kept.result.revisions)
    else if (this.#released.has(name)) {
      await this.#retireOrphans(name, [])
      if (!this.#kept.has(name)) this.#released.delete(name)
    }
  }

  async #apply(name: InferenceServiceName, service: KubeObject, object: KubeObject): Promise<void> {
    const there = this.#owned.find(name, object)
    const hash = object.metadata.annotations?.[ANNOTATIONS.applied]
    if (there?.metadata.annotations?.[ANNOTATIONS.applied] === hash) return
    const { client, events } = this.#options
    if (there === undefined && (await this.#isForeign(service, object))) {
      const message = `${object.kind} ${object.metadata.name} is there already and not ours: it is left alone`
      events.record(service, { type: 'Warning', reason: 'ObjectExists', message })
      return
    }
    this.#owned.wrote(dropManagedFields(await client.apply(object, {}, this.#signal)))
  }

  /** An object of that name which somebody else made is not taken over. */
  async #isForeign(service: KubeObject, object: KubeObject): Promise<boolean> {
    if (object.kind === INFERENCE_ROUTE.kind) {
      // Of our own kind the cache has all: requests wait for this one, so that nobody is asked.
      const found = this.#options.routes.get(keyOf(service))
      return found !== undefined && found.metadata.labels?.[LABELS.managedBy] !== MANAGED_BY
    }
    const { namespace, name } = object.metadata
    try {
      const found = await this.#options.client.get(kindOf(object), namespace, name, this.#signal)
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
        const { uid, namespace } = metadata
        const { client } = this.#options
        await client.delete(kindOf(object), namespace, metadata.name, { uid }, this.#signal)
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
    const before = this.#statusOf(service)
    const status =
      problems.length === 0 ? reached : refusedStatus({ reached, before, message, nowMs: clock.now() })
    if (problems.length > 0) events.record(service, { type: 'Warning', reason: 'InvalidSpec', message })
    if (status === undefined || !writesStatus) return
    const written: unknown = JSON.parse(JSON.stringify(status))
    if (isDeepStrictEqual(before, written)) return
    const told = [
      readinessEvent(service.metadata.name, before, status),
      // Of a spec that is refused it has been said already.
      problems.length > 0 ? undefined : failureEvent(before, status),
    ]
    const { apiVersion, kind, metadata } = service
    const { name, namespace } = metadata
    const answer = await client.apply(
      {
        apiVersion,
        kind,
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        status: written,
      },
      { subresource: 'status' },
      this.#signal,
    )
    const { resourceVersion } = answer.metadata
    if (resourceVersion !== undefined) {
      this.#statuses.set(keyOf(service), { status: answer['status'], resourceVersion })
    }
    for (const event of told) if (event !== undefined) events.record(service, event)
  }

  /** As it stands in the cluster: the cache may be behind what we wrote. */
  #statusOf(service: KubeObject): unknown {
    const key = keyOf(service)
    const written = this.#statuses.get(key)
    if (written === undefined) return service['status']
    const seen = service.metadata.resourceVersion ?? ''
    if (compareResourceVersions(seen, written.resourceVersion) < 0) return written.status
    this.#statuses.delete(key)
    return service['status']
  }
}

function nameOf(key: string): InferenceServiceName {
  const { namespace, name } = split(key)
  return qualified(namespace, name)
}
