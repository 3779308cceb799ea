/**
 * The Kubernetes API as the rest of src/kubernetes sees it: requests as plain JSON (`ApiClient`), every object of a kind
 * kept up to date (`ResourceCache`), keys that have to be worked on (`WorkQueue`), one leader among many
 * (`LeaderElection`), and what people are told about an object (`EventRecorder`).
 */
export {
  ApiClient,
  type ApiClientOptions,
  type DeleteOptions,
  type ListOptions,
  type ObjectLists,
  type MergePatch,
  type PatchOptions,
  type WriteOptions,
} from './api-client.ts'
export { ApiError, isApiError, type Status, type StatusCause } from './api-error.ts'
export { backoffMs, type BackoffOptions } from './backoff.ts'
export { EventRecorder, type EventRecorderOptions, type RecordedEvent } from './event-recorder.ts'
export { apiVersionOf, KINDS, kindOf, pathOf, type ResourceKind } from './kinds.ts'
export { loadKubeConfig, type KubeConfigOptions } from './kube-config.ts'
export {
  compareResourceVersions,
  keyOf,
  partsOfKey,
  type KubeList,
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
} from './kube-object.ts'
export { dropManagedFields, ResourceCache, type Change, type ResourceCacheOptions } from './resource-cache.ts'
export { LeaderElection, LeadershipLost, type LeaderElectionOptions } from './leader-election.ts'
export type { Lease, LeaseSpec } from './lease.ts'
export type { Method, RawOptions } from './transport.ts'
export type { WatchEvent, WatchOptions } from './watch-stream.ts'
export { WorkQueue, type WorkHandler, type WorkQueueOptions } from './work-queue.ts'
