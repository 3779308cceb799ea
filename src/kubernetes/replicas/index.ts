/**
 * Pods in, replicas out. `replicaOf` says what a pod is doing; `PodReplicas` keeps all of them and asks pods itself
 * whether they are ready, so that traffic need not wait for a kubelet; `choosePodsToEnd` says which go first.
 */
export { choosePodsToEnd } from './choose-pods-to-end.ts'
export type { Pod } from './pod.ts'
export { PodReplicas, type PodCache, type PodReplicasOptions } from './pod-replicas.ts'
export type { ProbeState } from './probe-state.ts'
export { replicaOf, revisionNameOf } from './replica-of.ts'
