import type { ContainerState, ContainerStatus, Pod, PodCondition, PodContainer } from './pod.ts'
import type { PodCache } from './pod-replicas.ts'

/** 12:00:00 and so many seconds, as Kubernetes writes it. */
export function at(second: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `2026-11-24T12:${two(Math.floor(second / 60))}:${two(second % 60)}Z`
}

/** Epoch ms of `at(second)`. */
export const atMs = (second: number): number => 1_795_521_600_000 + second * 1_000

export interface PodParts {
  readonly name?: string
  readonly revision?: string
  readonly metadata?: Partial<Pod['metadata']>
  readonly spec?: Partial<NonNullable<Pod['spec']>>
  readonly status?: Pod['status']
}

/** Created at second 0 and scheduled at second 1; its kubelet has said nothing yet. */
export function pod(parts: PodParts = {}): Pod {
  const { name = 'iris-00001-x', revision = 'iris-00001', metadata, spec, status } = parts
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ml',
      uid: `uid-${name}`,
      creationTimestamp: at(0),
      ...metadata,
      labels: { 'pilotlight.dev/revision': revision, ...metadata?.labels },
    },
    spec: { nodeName: 'a100', containers: [container()], ...spec },
    status: { phase: 'Pending', ...status, conditions: [scheduled, ...(status?.conditions ?? [])] },
  }
}

export function container(parts: Partial<PodContainer> = {}): PodContainer {
  return { name: 'kserve-container', ...parts }
}

export function condition(
  type: string,
  status: string,
  second = 1,
  more: Partial<PodCondition> = {},
): PodCondition {
  return { type, status, lastTransitionTime: at(second), ...more }
}

const scheduled = condition('PodScheduled', 'True')

/** A container that runs since that second. */
export function running(second = 10, parts: Partial<ContainerStatus> = {}): ContainerStatus {
  return statusOf({ running: { startedAt: at(second) } }, parts)
}

export function waiting(reason: string, message = '', parts: Partial<ContainerStatus> = {}): ContainerStatus {
  return statusOf({ waiting: { reason, ...(message === '' ? {} : { message }) } }, parts)
}

export function terminated(
  ended: ContainerState['terminated'],
  parts: Partial<ContainerStatus> = {},
): ContainerStatus {
  return statusOf(ended === undefined ? {} : { terminated: ended }, parts)
}

function statusOf(state: ContainerState, parts: Partial<ContainerStatus>): ContainerStatus {
  const { name = 'kserve-container', restartCount = 0 } = parts
  return { name, restartCount, containerID: `containerd://${name}-${restartCount}`, state, ...parts }
}

/** A cache of pods that shows what the test says, to its listeners in the turn in which it says it. */
export class FakePods implements PodCache {
  readonly #pods = new Map<string, Pod>()
  readonly #listeners = new Set<Parameters<PodCache['onChange']>[0]>()

  values(): Iterable<Pod> {
    return this.#pods.values()
  }

  onChange(listener: Parameters<PodCache['onChange']>[0]): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }

  set(object: Pod): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`
    this.#pods.set(key, object)
    for (const listener of this.#listeners) listener({ key, object })
  }

  delete(key: string): void {
    this.#pods.delete(key)
    for (const listener of this.#listeners) listener({ key, object: undefined })
  }
}
