import type { FakeStore } from '../../src/kubernetes/api/fake-store.ts'
import { KINDS, type KubeObject } from '../../src/kubernetes/api/index.ts'
import { LABELS } from '../../src/kubernetes/names.ts'

/**
 * The controllers of Deployments and ReplicaSets and a kubelet, as far as numbers go: pods come and are ready at once,
 * and the cheapest go first and are gone at once.
 */
export class FakeReplicaSets implements Disposable {
  readonly #store: FakeStore
  readonly #subscription: Disposable
  #isDue = false
  #isOver = false
  #nextPod = 1

  constructor(store: FakeStore) {
    this.#store = store
    this.#subscription = store.onEvent(({ kind }) => {
      if (kind === KINDS.deployments || kind === KINDS.pods) this.#soon()
    })
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#subscription[Symbol.dispose]()
  }

  /** As the real ones: a moment after whoever wrote has its answer. */
  #soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      if (this.#isOver) return
      const deployments = this.#store.all(KINDS.deployments)
      for (const deployment of deployments) this.#bringThere(deployment)
      const names = new Set(deployments.map(({ metadata }) => metadata.name))
      for (const pod of this.#store.all(KINDS.pods)) {
        if (!names.has(pod.metadata.labels?.[LABELS.revision] ?? '')) this.#end(pod)
      }
    })
  }

  #bringThere(deployment: KubeObject): void {
    const { name, namespace = '', generation } = deployment.metadata
    const wanted = numberIn(deployment['spec'], 'replicas')
    const pods = this.#store
      .all(KINDS.pods)
      .filter(({ metadata }) => metadata.labels?.[LABELS.revision] === name)
      .toSorted((a, b) => costOf(a) - costOf(b))
    for (const pod of pods.slice(0, Math.max(0, pods.length - wanted))) this.#end(pod)
    for (let missing = wanted - pods.length; missing > 0; missing -= 1) this.#begin(namespace, name)
    const { status } = deployment
    const isSame =
      numberIn(status, 'replicas') === wanted && numberIn(status, 'observedGeneration') === generation
    if (!isSame)
      this.#store.put(KINDS.deployments, {
        ...deployment,
        status: { replicas: wanted, observedGeneration: generation },
      })
  }

  #begin(namespace: string, revision: string): void {
    const number = this.#nextPod++
    const running = { running: { startedAt: '2026-01-01T00:00:00Z' } }
    this.#store.put(KINDS.pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${revision}-${number}`, namespace, labels: { [LABELS.revision]: revision } },
      spec: { nodeName: 'node-a', containers: [{ name: 'kserve-container' }] },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        containerStatuses: [
          { name: 'kserve-container', ready: true, restartCount: 0, containerID: 'c', state: running },
        ],
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    })
  }

  #end({ metadata: { namespace = '', name } }: KubeObject): void {
    this.#store.remove(KINDS.pods, `${namespace}/${name}`)
  }
}

function numberIn(fields: unknown, name: string): number {
  if (typeof fields !== 'object' || fields === null) return 0
  const value: unknown = Reflect.get(fields, name)
  return typeof value === 'number' ? value : 0
}

function costOf({ metadata }: KubeObject): number {
  return Number(metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)
}
