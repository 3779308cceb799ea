import { createHash } from 'node:crypto'
import type { KubeObject } from '../api/kube-object.ts'
import { ANNOTATIONS } from '../names.ts'

/**
 * What an object says, as 32 hexadecimal digits: equal for equal objects, whatever the order of their keys, and without
 * the hash that it may carry.
 */
export function appliedHash(object: KubeObject): string {
  const { [ANNOTATIONS.applied]: _, ...annotations } = object.metadata.annotations ?? {}
  const metadata =
    Object.keys(annotations).length === 0
      ? { ...object.metadata, annotations: undefined }
      : { ...object.metadata, annotations }
  return createHash('sha256')
    .update(canonical({ ...object, metadata }))
    .digest('hex')
    .slice(0, 32)
}

/** The object with its hash: as long as the one in the cluster carries the same, there is nothing to write. */
export function withHash(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata.annotations, [ANNOTATIONS.applied]: appliedHash(object) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** JSON with sorted keys; a key that is undefined is not there. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
