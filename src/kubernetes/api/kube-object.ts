/**
 * What every Kubernetes object has in common. Objects stay the plain JSON that the API server sent: no classes, no
 * dates, no defaults, so that 10,000 of them cost what their text costs and what is read can be written back.
 */

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  /** Absent for objects of the whole cluster. */
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp?: string
  /** Set: the object is on its way out and waits for its grace period or its finalizers. */
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
}

export interface KubeObject {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** One page of a list. Items of built-in kinds come without `apiVersion` and `kind`; `ApiClient.list` fills them in. */
export interface KubeList<T extends KubeObject> {
  readonly items: readonly T[]
  readonly metadata: {
    readonly resourceVersion?: string
    /** The token of the next page; absent or '' on the last one. */
    readonly continue?: string
    readonly remainingItemCount?: number
  }
}

/** `namespace/name`, or the name alone for objects of the whole cluster: how caches and queues call an object. */
export function keyOf(object: { readonly metadata: Pick<ObjectMeta, 'name' | 'namespace'> }): string {
  const { namespace, name } = object.metadata
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
}

/** The parts of a key: `ml/iris` is `{ namespace: 'ml', name: 'iris' }`, `a100` is `{ name: 'a100' }`. */
export function partsOfKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/**
 * Below 0 when `a` is older than `b`, 0 when they are the same, above 0 when it is newer. Only for versions of one
 * resource. Every API server in use counts up in decimal (etcd's revision), and since Kubernetes 1.35 that is part of
 * the API; the numbers may pass 2^53, so they are compared as text.
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
