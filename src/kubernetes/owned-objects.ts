import { qualified, type InferenceServiceName } from '../core/names.ts'
import type { KubeObject, ResourceCache } from './api/index.ts'
import { LABELS } from './names.ts'

/** What we made for each InferenceService, as the caches show it. */
export class OwnedObjects implements Disposable {
  readonly #byService = new Map<InferenceServiceName, Map<string, KubeObject>>()
  readonly #subscriptions = new DisposableStack()

  /** @param onChange told of the service of which something was changed or deleted. */
  constructor(caches: readonly ResourceCache[], onChange: (service: InferenceServiceName) => void) {
    for (const cache of caches) {
      for (const object of cache.values()) this.#place(object, object)
      this.#subscriptions.use(
        cache.onChange(({ object, before }) => {
          const service = this.#place(object, object ?? before)
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

  #place(object: KubeObject | undefined, newest: KubeObject | undefined): InferenceServiceName | undefined {
    const name = newest?.metadata.labels?.[LABELS.service]
    if (newest === undefined || name === undefined) return undefined
    const service = qualified(newest.metadata.namespace ?? '', name)
    const key = `${newest.kind} ${newest.metadata.name}`
    const objects = this.#byService.get(service) ?? new Map<string, KubeObject>()
    if (object === undefined) objects.delete(key)
    else objects.set(key, object)
    if (objects.size === 0) this.#byService.delete(service)
    else this.#byService.set(service, objects)
    return service
  }
}
