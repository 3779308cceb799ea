import { qualified, type InferenceServiceName } from '../core/names.ts'
import { compareResourceVersions, type KubeObject, type ResourceCache } from './api/index.ts'
import { LABELS } from './names.ts'

/** What we made for each InferenceService: as the caches show it, or as we wrote it, whichever is newer. */
export class OwnedObjects implements Disposable {
  readonly #byService = new Map<InferenceServiceName, Map<string, KubeObject>>()
  readonly #subscriptions = new DisposableStack()

  /** @param onChange told of the service of which something was changed or deleted. */
  constructor(caches: readonly ResourceCache[], onChange: (service: InferenceServiceName) => void) {
    for (const cache of caches) {
      for (const object of cache.values()) this.#place(object, object)
      this.#subscriptions.use(
        cache.onChange(({ object, before }) => {
          // Without the label it is as good as gone.
          const labelled = object !== undefined && serviceOf(object) !== undefined ? object : undefined
          const service = this.#isOld(object) ? undefined : this.#place(labelled, labelled ?? before)
          if (service !== undefined) onChange(service)
        }),
      )
    }
  }

  [Symbol.dispose](): void {
    this.#subscriptions.dispose()
  }

  of(service: InferenceServiceName): readonly KubeObject[] {
    return [...(this.#byService.get(service)?.values() ?? [])]
  }

  find(service: InferenceServiceName, { kind, metadata }: KubeObject): KubeObject | undefined {
    return this.#byService.get(service)?.get(`${kind} ${metadata.name}`)
  }

  /** As the API server answered a write: the caches show it a moment later, and it must not be written again until then. */
  wrote(object: KubeObject): void {
    if (!this.#isOld(object)) this.#place(object, object)
  }

  #isOld(object: KubeObject | undefined): boolean {
    const service = object === undefined ? undefined : serviceOf(object)
    if (object === undefined || service === undefined) return false
    const known = this.find(service, object)?.metadata.resourceVersion ?? ''
    return compareResourceVersions(object.metadata.resourceVersion ?? '', known) < 0
  }

  #place(object: KubeObject | undefined, newest: KubeObject | undefined): InferenceServiceName | undefined {
    const service = newest === undefined ? undefined : serviceOf(newest)
    if (newest === undefined || service === undefined) return undefined
    const key = `${newest.kind} ${newest.metadata.name}`
    const objects = this.#byService.get(service) ?? new Map<string, KubeObject>()
    if (object === undefined) objects.delete(key)
    else objects.set(key, object)
    if (objects.size === 0) this.#byService.delete(service)
    else this.#byService.set(service, objects)
    return service
  }
}

function serviceOf({ metadata }: KubeObject): InferenceServiceName | undefined {
  const name = metadata.labels?.[LABELS.service]
  return name === undefined ? undefined : qualified(metadata.namespace ?? '', name)
}
