import { isDeepStrictEqual } from 'node:util'
import type { Desired, DesiredService, Problem } from '../core/desired.ts'
import { Latest } from '../core/latest.ts'
import { split } from '../core/names.ts'
import { parseRfc3339 } from '../core/rfc3339.ts'
import { toDesired, type DesiredOptions, type ManifestDocument } from '../kserve/index.ts'
import type { KubeObject, ResourceCache } from './api/index.ts'
import { acceptedIn } from './inference-route.ts'

export interface ManifestCaches {
  readonly services: ResourceCache
  /** ServingRuntimes and ClusterServingRuntimes. */
  readonly runtimes: readonly ResourceCache[]
  /** What was accepted before, of a service that was changed into something that we refuse. */
  readonly routes: ResourceCache
}

/** What was made of one InferenceService, and of which of its versions. */
interface Judged {
  readonly object: KubeObject
  readonly service?: DesiredService
  readonly problems: readonly Problem[]
}

/**
 * The InferenceServices of a cluster as one `Desired` after the other. A service is read again when it or a runtime
 * changed; of one that did not, the value is the same object.
 */
export class KubernetesManifests implements Disposable {
  readonly #caches: ManifestCaches
  readonly #options: Omit<DesiredOptions, 'metadata' | 'runtimes'>
  readonly #isOurs: (service: KubeObject) => boolean
  readonly #onRemarks: (service: KubeObject, remarks: readonly string[]) => void
  readonly #latest = new Latest<Desired>({ services: [], problems: [] })
  readonly #judged = new Map<string, Judged>()
  readonly #dirty = new Set<string>()
  readonly #subscriptions = new DisposableStack()
  #isDue = false
  /** Nothing is judged before everything was read: a runtime that is not known yet may be there. */
  #isBegun = false

  constructor(
    caches: ManifestCaches,
    options: Omit<DesiredOptions, 'metadata' | 'runtimes'>,
    {
      isOurs = () => true,
      onRemarks = () => {},
    }: {
      /** Whether we serve an InferenceService at all, where another controller may do so. */
      readonly isOurs?: ((service: KubeObject) => boolean) | undefined
      /** Told what was remarked on one that was read: a field that has no effect here, say. */
      readonly onRemarks?: (service: KubeObject, remarks: readonly string[]) => void
    } = {},
  ) {
    this.#caches = caches
    this.#options = options
    this.#isOurs = isOurs
    this.#onRemarks = onRemarks
    this.#subscriptions.use(
      caches.services.onChange(({ key, object }) => {
        if (!this.#isSame(key, object)) this.#mark(key)
      }),
    )
    for (const cache of caches.runtimes) this.#subscriptions.use(cache.onChange(() => this.#markAll()))
  }

  [Symbol.dispose](): void {
    this.#subscriptions.dispose()
  }

  /** Ends when `signal` is aborted; the first value comes once everything was read. */
  async *desired(signal: AbortSignal): AsyncGenerator<Desired, void, void> {
    const { services, runtimes, routes } = this.#caches
    await Promise.all([services, ...runtimes, routes].map((cache) => cache.whenSynced))
    if (signal.aborted) return
    this.#markAll()
    this.#judge()
    this.#isBegun = true
    yield* this.#latest.values(signal)
  }

  /** Status and other writes that do not change what is asked for are no reason to read a service again. */
  #isSame(key: string, object: KubeObject | undefined): boolean {
    const before = this.#judged.get(key)?.object
    if (before === undefined || object === undefined) return false
    const [a, b] = [before.metadata, object.metadata]
    return (
      a.uid === b.uid &&
      a.generation === b.generation &&
      a.deletionTimestamp === b.deletionTimestamp &&
      isDeepStrictEqual(a.annotations, b.annotations) &&
      isDeepStrictEqual(a.labels, b.labels)
    )
  }

  #markAll(): void {
    for (const object of this.#caches.services.values()) this.#mark(keyOf(object))
  }

  /** Changes of one turn are read together. */
  #mark(key: string): void {
    this.#dirty.add(key)
    if (this.#isDue || !this.#isBegun) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#judge()
    })
  }

  #judge(): void {
    const { services } = this.#caches
    const changed: KubeObject[] = []
    for (const key of this.#dirty) {
      const object = services.get(key)
      // One that is being deleted goes with all that is its own, in the background; it gets no more requests.
      if (object === undefined || object.metadata.deletionTimestamp !== undefined || !this.#isOurs(object))
        this.#judged.delete(key)
      else changed.push(object)
    }
    this.#dirty.clear()
    for (const judged of this.#read(changed)) this.#judged.set(keyOf(judged.object), judged)
    const all = [...this.#judged.values()]
    this.#latest.set({
      services: all.flatMap(({ service }) => service ?? []),
      problems: all.flatMap(({ problems }) => problems),
    })
  }

  #read(objects: readonly KubeObject[]): readonly Judged[] {
    if (objects.length === 0) return []
    const first = this.#desiredOf(objects)
    for (const object of objects) {
      const remarks = first.remarks.get(keyOf(object))
      if (remarks !== undefined) this.#onRemarks(object, remarks)
    }
    const refused = objects.filter((object) => !first.services.has(keyOf(object)))
    // A change that we refuse takes nothing away: what was accepted before goes on.
    const before = refused.flatMap(
      (object) => acceptedIn(this.#caches.routes.get(keyOf(object)), object) ?? [],
    )
    const second = before.length === 0 ? undefined : this.#desiredOf(before)
    return objects.map((object) => {
      const key = keyOf(object)
      const kept = this.#judged.get(key)
      const isKept = kept?.object.metadata.uid === object.metadata.uid
      const service =
        first.services.get(key) ?? (isKept ? kept?.service : undefined) ?? second?.services.get(key)
      return {
        object,
        ...(service === undefined ? {} : { service }),
        problems: first.problems.get(key) ?? [],
      }
    })
  }

  #desiredOf(objects: readonly KubeObject[]): {
    readonly services: ReadonlyMap<string, DesiredService>
    readonly problems: ReadonlyMap<string, readonly Problem[]>
    readonly remarks: ReadonlyMap<string, readonly string[]>
  } {
    const runtimes = this.#caches.runtimes.flatMap((cache) => [...cache.values()])
    const byKey = new Map(objects.map((object) => [keyOf(object), object]))
    const { services, problems, warnings } = toDesired([...runtimes, ...objects].map(documentOf), {
      ...this.#options,
      runtimes: 'cluster',
      metadata: (namespace, name) => metadataOf(byKey.get(`${namespace}/${name}`)),
    })
    const byService = (all: readonly Problem[]): Map<string, Problem[]> =>
      Map.groupBy(
        all.filter(({ kind }) => kind === 'InferenceService'),
        ({ namespace, name }) => `${namespace}/${name}`,
      )
    return {
      services: new Map(services.map((service) => [`${service.namespace}/${service.name}`, service])),
      problems: byService(problems),
      remarks: new Map(
        [...byService(warnings)].map(([key, some]) => [key, some.map(({ message }) => message)]),
      ),
    }
  }
}

function metadataOf(object: KubeObject | undefined): { generation: number; createdAtMs: number } {
  const { generation = 1, creationTimestamp = '' } = object?.metadata ?? {}
  return { generation, createdAtMs: parseRfc3339(creationTimestamp) ?? 0 }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/** As the object would stand in a file; it has no lines that could be named. */
function documentOf(object: KubeObject): ManifestDocument {
  const { apiVersion, kind, metadata } = object
  const { name, namespace, annotations, labels } = metadata
  const value = {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: object['spec'],
  }
  return { source: `${kind} ${split(keyOf(object)).namespace}/${name}`, value, lineOf: () => 0 }
}
