import { SystemClock } from '../../../src/core/clock.ts'
import { SystemRandom } from '../../../src/core/random.ts'
import { silentLog } from '../../../src/core/telemetry.ts'
import {
  ApiClient,
  loadKubeConfig,
  ResourceCache,
  type KubeObject,
  type ResourceKind,
} from '../../../src/kubernetes/api/index.ts'

const endpointSlices: ResourceKind = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
}

interface EndpointSlice extends KubeObject {
  readonly ports: readonly { readonly name: string; readonly port: number }[] | null
  readonly endpoints:
    | readonly { readonly addresses: readonly string[]; readonly conditions: { readonly ready: boolean } }[]
    | null
}

const clock = new SystemClock()

/**
 * Who answers for a Service, as a node knows it: those that are ready, each change so much later as kube-proxy takes on a
 * busy node. There is nobody in between: an endpoint that no longer takes connections is not replaced by another.
 */
export class Endpoints implements AsyncDisposable {
  readonly #client: ApiClient
  readonly #cache: ResourceCache<EndpointSlice>
  readonly #port: string
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  #ready: readonly string[] = []
  #next = 0

  private constructor(client: ApiClient, cache: ResourceCache<EndpointSlice>, port: string) {
    this.#client = client
    this.#cache = cache
    this.#port = port
    this.#running = cache.run(this.#stop.signal)
  }

  /** @param service its name, and that of its port. */
  static async follow(
    namespace: string,
    service: { readonly name: string; readonly port: string },
    { lateMs }: { readonly lateMs: number },
  ): Promise<Endpoints> {
    const client = ApiClient.fromKubeConfig(await loadKubeConfig(), { clock })
    const labelSelector = `kubernetes.io/service-name=${service.name}`
    const common = { clock, random: new SystemRandom(), log: silentLog }
    const cache = new ResourceCache<EndpointSlice>(client, endpointSlices, {
      ...common,
      namespace,
      labelSelector,
    })
    const endpoints = new Endpoints(client, cache, service.port)
    await cache.whenSynced
    endpoints.#ready = endpoints.#now()
    cache.onChange(() => {
      const ready = endpoints.#now()
      clock.after(lateMs, () => {
        endpoints.#ready = ready
      })
    })
    return endpoints
  }

  /** `HOST:PORT` of one after the other. */
  next(): string {
    const endpoint = this.#ready[this.#next++ % this.#ready.length]
    if (endpoint === undefined) throw new Error('no endpoint is ready')
    return endpoint
  }

  #now(): string[] {
    return [...this.#cache.values()].flatMap(({ ports, endpoints }) => {
      const port = ports?.find(({ name }) => name === this.#port)?.port
      return (endpoints ?? [])
        .filter(({ conditions }) => conditions.ready)
        .map(({ addresses }) => `${addresses[0]}:${port}`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#client[Symbol.asyncDispose]()
  }
}
