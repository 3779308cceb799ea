import { SeededRandom } from '../../src/core/random.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import { FakeApiServer } from '../../src/kubernetes/api/fake-api-server.ts'
import { ImpatientClock } from '../../src/kubernetes/api/fake-impatient-clock.ts'
import { ResourceCache, type ApiClient, type ResourceKind } from '../../src/kubernetes/api/index.ts'

/** An API server of its own, and caches of what is in it. */
export class KubernetesCaches implements AsyncDisposable {
  readonly clock: ImpatientClock
  readonly server: FakeApiServer
  readonly client: ApiClient
  readonly #over = new AbortController()
  readonly #caches: ResourceCache[] = []
  readonly #running: Promise<void>[] = []

  static async open(nowMs = 1_700_000_000_000): Promise<KubernetesCaches> {
    const clock = new ImpatientClock(nowMs)
    return new KubernetesCaches(clock, await FakeApiServer.start({ clock }))
  }

  private constructor(clock: ImpatientClock, server: FakeApiServer) {
    this.clock = clock
    this.server = server
    this.client = server.client({ clock })
  }

  of(kind: ResourceKind): ResourceCache {
    const { clock } = this
    const cache = new ResourceCache(this.client, kind, {
      clock,
      random: new SeededRandom(1),
      log: silentLog,
    })
    this.#caches.push(cache)
    this.#running.push(cache.run(this.#over.signal))
    return cache
  }

  /** The caches show what the API server has, and everybody was told. */
  async seen(): Promise<void> {
    const isSeen = (cache: ResourceCache): boolean => {
      const stored = this.server.store.all(cache.kind)
      return (
        cache.isSynced &&
        stored.length === cache.size &&
        stored.every(({ metadata: { namespace, name, resourceVersion } }) => {
          const key = namespace === undefined ? name : `${namespace}/${name}`
          return cache.get(key)?.metadata.resourceVersion === resourceVersion
        })
      )
    }
    do await turn()
    while (!this.#caches.every(isSeen))
    await turn()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#running)
    await this.client.close()
    await this.server[Symbol.asyncDispose]()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
