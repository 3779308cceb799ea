import type { Desired } from '../../src/core/desired.ts'
import { Latest } from '../../src/core/latest.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { Ready, Replica } from '../../src/core/replica.ts'
import type { Revision } from '../../src/core/revision.ts'
import { silentLog } from '../../src/core/telemetry.ts'
import type { FakeApiServer } from '../../src/kubernetes/api/fake-api-server.ts'
import { isApiError, KINDS } from '../../src/kubernetes/api/index.ts'
import { KubernetesCluster } from '../../src/kubernetes/kubernetes-cluster.ts'
import { LABELS } from '../../src/kubernetes/names.ts'
import { PodReplicas } from '../../src/kubernetes/replicas/index.ts'
import { FakeReplicaSets } from './fake-replica-sets.ts'
import { HeldLoad } from './held-load.ts'
import { KubernetesCaches } from './kubernetes-caches.ts'
import { revisionOf } from './revisions.ts'

/** A KubernetesCluster on an API server of its own, whose Deployments get pods that are ready at once. */
export class KubernetesHarness implements AsyncDisposable {
  readonly load = new HeldLoad()
  readonly raised: RevisionName[] = []
  readonly server: FakeApiServer
  readonly cluster: KubernetesCluster
  /** Why a Deployment cannot be made; undefined: it can. */
  createFails: Error | undefined
  readonly #desired = new Latest<Desired>({ services: [], problems: [] })
  readonly #over = new AbortController()
  readonly #caches: KubernetesCaches
  readonly #stack: AsyncDisposableStack

  static async open(): Promise<KubernetesHarness> {
    const harness = new KubernetesHarness(await KubernetesCaches.open())
    await harness.seen()
    return harness
  }

  private constructor(caches: KubernetesCaches) {
    this.#caches = caches
    const { clock, client, server } = caches
    this.server = server
    const pods = caches.of(KINDS.pods)
    const deployments = caches.of(KINDS.deployments)
    const services = caches.of(KINDS.inferenceServices)
    const replicas = new PodReplicas({
      pods,
      revisionOf: (name) => revisionOf(name),
      clock,
      log: silentLog,
    })
    const isGivenOut = (name: string): boolean =>
      replicas.ready.value.replicas.some((replica) => replica.name === name && replica.phase === 'ready')
    const sets = new FakeReplicaSets(server.store)
    this.cluster = new KubernetesCluster({
      client,
      deployments,
      pods,
      services,
      source: { desired: (signal) => this.#desired.values(signal) },
      replicas: replicas.ready,
      create: async (revision, count) => {
        if (this.createFails !== undefined) throw this.createFails
        try {
          await client.create(deploymentOf(revision, count))
        } catch (error) {
          if (!isApiError(error, 'AlreadyExists')) throw error
        }
      },
      bus: {
        // As a gateway answers: one more on a replica that it still gives out.
        load: (names) =>
          Promise.resolve(
            new Map(names.map((name) => [name, this.load.inFlight(name) + (isGivenOut(name) ? 1 : 0)])),
          ),
      },
      onRaised: (revision) => void this.raised.push(revision),
      clock,
      log: silentLog,
      signal: this.#over.signal,
    })
    this.#stack = new AsyncDisposableStack()
    this.#stack.use(caches)
    this.#stack.use(replicas)
    this.#stack.use(this.cluster)
    this.#stack.use(sets)
    this.#stack.defer(() => this.#over.abort())
  }

  revision(name: RevisionName): Revision {
    return revisionOf(name)
  }

  configure(desired: Desired): void {
    this.#desired.set(desired)
  }

  async until(fits: (ready: Ready) => boolean): Promise<Ready> {
    await this.seen()
    const stop = new AbortController()
    for await (const ready of this.cluster.ready(stop.signal)) if (fits(ready)) return ready
    throw new Error('the cluster ended')
  }

  isRunning({ name }: Pick<Replica, 'name'>): Promise<boolean> {
    return Promise.resolve(this.server.store.get(KINDS.pods, name) !== undefined)
  }

  /** The caches show what the API server has, and everybody was told. */
  seen(): Promise<void> {
    return this.#caches.seen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function deploymentOf({ name }: Revision, replicas: number) {
  const [namespace = '', short = ''] = name.split('/')
  const labels = { [LABELS.revision]: short }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: short, namespace, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels } } },
  }
}
