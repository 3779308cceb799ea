import { qualified, type ReplicaName } from '../core/names.ts'
import type { KubeObject } from './api/index.ts'
import { ANNOTATIONS } from './names.ts'

/** What a DeploymentScaler reads out of Deployments and pods. */

export function nameOf({ metadata }: KubeObject): ReplicaName {
  return qualified(metadata.namespace ?? '', metadata.name)
}

/** Ordered; Kubernetes takes 1 where nothing is said. */
export function replicasOf({ spec }: KubeObject): number {
  if (typeof spec !== 'object' || spec === null || !('replicas' in spec)) return 1
  return typeof spec.replicas === 'number' ? spec.replicas : 1
}

export function statusOf({ status }: KubeObject): {
  readonly observedGeneration?: number | undefined
  readonly replicas?: number | undefined
} {
  if (typeof status !== 'object' || status === null) return {}
  const number = (name: string): number | undefined => {
    const value: unknown = Reflect.get(status, name)
    return typeof value === 'number' ? value : undefined
  }
  return { observedGeneration: number('observedGeneration'), replicas: number('replicas') }
}

/** A pod whose containers have ended for good counts for no Deployment. */
export function hasEnded({ status }: KubeObject): boolean {
  if (typeof status !== 'object' || status === null || !('phase' in status)) return false
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** What a ReplicaSet takes pods away by, as it is written. */
export function costOf({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[ANNOTATIONS.deletionCost]
}

/** The pod as it will be when its deletion cost has been written. */
export function withCost(pod: KubeObject, cost: string): KubeObject {
  const annotations = { ...pod.metadata.annotations, [ANNOTATIONS.deletionCost]: cost }
  return { ...pod, metadata: { ...pod.metadata, annotations } }
}
