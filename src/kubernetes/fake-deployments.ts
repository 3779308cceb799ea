import { qualified, type ReplicaName, type RevisionName } from '../core/names.ts'
import {
  ApiError,
  type KubeObject,
  type MergePatch,
  type PatchOptions,
  type ResourceKind,
} from './api/index.ts'
import { isDraining, LABELS } from './names.ts'

/**
 * One Deployment and its pods as an API server and a ReplicaSet controller keep them. What is written is seen by whoever
 * watches only after `settle`, as caches see it late.
 */
export class FakeDeployments {
  readonly revision: RevisionName
  /** What the caches show. */
  deployment: KubeObject | undefined
  pods: KubeObject[] = []
  /** Every write, in words. */
  readonly writes: string[] = []
  readonly loads = new Map<ReplicaName, number>()
  /** False: a gateway does not answer. */
  answers = true
  /** In place of the gateways' answers. */
  onLoad: FakeDeployments['load'] | undefined
  /** So many requests are refused. */
  refusals = 0
  readonly #listeners = new Set<() => void>()
  #stored: KubeObject | undefined
  #storedPods: KubeObject[] = []
  #version = 100
  #nextPod = 1

  constructor(revision: RevisionName) {
    this.revision = revision
  }

  get namespace(): string {
    return this.revision.slice(0, this.revision.indexOf('/'))
  }

  get name(): string {
    return this.revision.slice(this.revision.indexOf('/') + 1)
  }

  get replicas(): number {
    return replicasIn(this.#stored)
  }

  get podNames(): readonly string[] {
    return this.#storedPods.map(({ metadata }) => metadata.name)
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  create(replicas: number): Promise<void> {
    if (this.#isRefused()) return Promise.reject(new Error('the API server is away'))
    this.writes.push(`create ${replicas}`)
    this.#stored = this.#versioned({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: this.name,
        namespace: this.namespace,
        generation: 1,
        labels: { [LABELS.revision]: this.name },
      },
      spec: { replicas },
    })
    return Promise.resolve()
  }

  async patch<T extends KubeObject>(
    kind: ResourceKind,
    _namespace: string | undefined,
    name: string,
    patch: MergePatch,
    options?: PatchOptions,
    signal?: AbortSignal,
  ): Promise<T>
  async patch(
    kind: ResourceKind,
    _namespace: string | undefined,
    name: string,
    patch: MergePatch,
    _options?: PatchOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject> {
    signal?.throwIfAborted()
    if (this.#isRefused()) throw new Error('the API server is away')
    return kind.plural === 'pods' ? this.#patchPod(name, patch) : this.#scale(patch)
  }

  /** Somebody deletes the Deployment. */
  remove(): void {
    this.#stored = undefined
    this.#storedPods = []
  }

  /** The pod is gone, and no cache knows it yet. */
  lose(name: string): void {
    this.#storedPods = this.#storedPods.filter(({ metadata }) => metadata.name !== name)
  }

  delete(): Promise<unknown> {
    this.writes.push('delete')
    this.#stored = undefined
    return Promise.resolve(undefined)
  }

  /** The ReplicaSet brings the pods there, cheapest first, and the caches see everything. */
  settle(): void {
    const wanted = this.replicas
    const byCost = this.#storedPods.toSorted((a, b) => costOf(a) - costOf(b))
    const gone = new Set(byCost.slice(0, Math.max(0, byCost.length - wanted)))
    this.#storedPods = this.#storedPods.filter((pod) => !gone.has(pod))
    while (this.#storedPods.length < wanted) this.#storedPods.push(this.#newPod())
    this.show()
  }

  /** The caches see what is stored, before the ReplicaSet has done anything. */
  show(): void {
    const stored = this.#stored
    const { generation } = stored?.metadata ?? {}
    this.deployment =
      stored === undefined
        ? undefined
        : { ...stored, status: { observedGeneration: generation, replicas: this.#storedPods.length } }
    this.pods = [...this.#storedPods]
    for (const listener of this.#listeners) listener()
  }

  load(replicas: readonly ReplicaName[]): Promise<ReadonlyMap<ReplicaName, number> | undefined> {
    if (this.onLoad !== undefined) return this.onLoad(replicas)
    if (!this.answers) return Promise.resolve(undefined)
    return Promise.resolve(new Map(replicas.map((name) => [name, this.loads.get(name) ?? 0])))
  }

  #scale(patch: MergePatch): KubeObject {
    const replicas = replicasIn(patch)
    this.writes.push(`scale ${replicas}`)
    const { generation = 0 } = this.#stored!.metadata
    this.#stored = this.#versioned({
      ...this.#stored!,
      metadata: { ...this.#stored!.metadata, generation: generation + 1 },
      spec: { replicas },
    })
    return this.#stored
  }

  #patchPod(name: string, patch: MergePatch): KubeObject {
    const at = this.#storedPods.findIndex(({ metadata }) => metadata.name === name)
    const pod = this.#storedPods[at]
    if (pod === undefined) {
      throw new ApiError(`pods "${name}" not found`, { status: 404, reason: 'NotFound' })
    }
    const given: unknown = patch.metadata?.['annotations']
    const annotations = Object.fromEntries(
      Object.entries({ ...pod.metadata.annotations, ...(typeof given === 'object' ? given : {}) }).flatMap(
        ([key, value]) => (typeof value === 'string' ? [[key, value]] : []),
      ),
    )
    const patched = this.#versioned({ ...pod, metadata: { ...pod.metadata, annotations } })
    this.#storedPods[at] = patched
    this.writes.push(isDraining(patched) ? `mark ${name} ${costOf(patched)}` : `unmark ${name}`)
    return patched
  }

  #isRefused(): boolean {
    if (this.refusals === 0) return false
    this.refusals -= 1
    return true
  }

  #newPod(): KubeObject {
    const number = this.#nextPod++
    const ready = { type: 'Ready', status: 'True' }
    return this.#versioned({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `pod-${number}`,
        namespace: this.namespace,
        uid: `uid-${number}`,
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { [LABELS.revision]: this.name },
      },
      spec: { nodeName: 'node-a', containers: [{ name: 'kserve-container' }] },
      status: { phase: 'Running', podIP: `10.0.0.${number}`, conditions: [ready] },
    })
  }

  #versioned(object: KubeObject): KubeObject {
    this.#version += 1
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } }
  }
}

export function podName(fake: FakeDeployments, pod: string): ReplicaName {
  return qualified(fake.namespace, pod)
}

function replicasIn(object: { readonly [field: string]: unknown } | undefined): number {
  const spec = object?.['spec']
  if (typeof spec !== 'object' || spec === null || !('replicas' in spec)) return 0
  return typeof spec.replicas === 'number' ? spec.replicas : 0
}

function costOf({ metadata }: KubeObject): number {
  return Number(metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)
}
