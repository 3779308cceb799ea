import { createHash } from 'node:crypto'

/** `namespace/name` of a revision: `ml-serving/sklearn-iris-predictor-00001`. */
export type RevisionName = `${string}/${string}`

/** `namespace/name` of an InferenceService. */
export type InferenceServiceName = `${string}/${string}`

/** `namespace/name` of a replica: `ml-serving/sklearn-iris-predictor-00001-7f3a2`. */
export type ReplicaName = `${string}/${string}`

/** `namespace/name` of any object. */
export function qualified(namespace: string, name: string): `${string}/${string}` {
  return `${namespace}/${name}`
}

/** The parts of a `namespace/name`. */
export function split(qualifiedName: string): { namespace: string; name: string } {
  const slash = qualifiedName.indexOf('/')
  return { namespace: qualifiedName.slice(0, slash), name: qualifiedName.slice(slash + 1) }
}

const LONGEST_NAME = 63
const MD5_HEX_LENGTH = 32

/**
 * The name of a child object, within the 63 characters of a DNS label: `parent + suffix` if that fits,
 * else the head of the parent, the MD5 of what was cut off, and the suffix.
 * Source: knative.dev/pkg kmeta.ChildName.
 */
export function childName(parent: string, suffix: string): string {
  if (parent.length <= LONGEST_NAME - suffix.length) return parent + suffix
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  // A suffix too long for itself is hashed together with its parent.
  if (suffix.length >= LONGEST_NAME - MD5_HEX_LENGTH) {
    // A short parent leaves room: the head of the suffix fills it, less what may not end a name.
    const hashed = parent.slice(0, LONGEST_NAME - MD5_HEX_LENGTH) + md5(parent + suffix)
    return (hashed + suffix.slice(0, LONGEST_NAME - hashed.length)).replace(/[^a-z0-9]+$/i, '')
  }
  return parent.slice(0, LONGEST_NAME - MD5_HEX_LENGTH - suffix.length) + md5(parent) + suffix
}

/** `my-model-predictor` and 2 give `my-model-predictor-00002`. */
export function revisionChildName(component: string, generation: number): string {
  return childName(component, `-${String(generation).padStart(5, '0')}`)
}
