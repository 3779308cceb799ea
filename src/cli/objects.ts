import type { RevisionView, Snapshot } from '../control/view.ts'
import { split } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { ResourceType } from './resource-types.ts'
import { formatRfc3339 } from '../core/rfc3339.ts'

/** What every output format works on: the shape of a Kubernetes object. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly creationTimestamp: string
    readonly [key: string]: unknown
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status: object
}

export interface RevisionObject extends KubeObject {
  readonly kind: 'Revision'
  readonly status: Omit<RevisionView, 'name' | 'createdAtMs'>
}

export interface ReplicaObject extends KubeObject {
  readonly kind: 'Replica'
  readonly status: Omit<Replica, 'name' | 'createdAtMs'>
}

const OWN_API = 'pilotlight.dev/v1alpha1'

/** The objects of one type in a snapshot, by namespace and name. */
export function objectsOf(
  type: ResourceType,
  snapshot: Pick<Snapshot, 'services' | 'revisions' | 'replicas'>,
): readonly KubeObject[] {
  const objects: KubeObject[] =
    type === 'inferenceservices'
      ? [...snapshot.services]
      : type === 'revisions'
        ? snapshot.revisions.map(revisionObject)
        : snapshot.replicas.map(replicaObject)
  const key = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`
  return objects.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

function revisionObject({ name, createdAtMs, ...status }: RevisionView): RevisionObject {
  return { apiVersion: OWN_API, kind: 'Revision', metadata: metadataOf(name, createdAtMs), status }
}

function replicaObject({ name, createdAtMs, ...status }: Replica): ReplicaObject {
  return { apiVersion: OWN_API, kind: 'Replica', metadata: metadataOf(name, createdAtMs), status }
}

function metadataOf(name: `${string}/${string}`, createdAtMs: number): KubeObject['metadata'] {
  return { ...split(name), creationTimestamp: formatRfc3339(createdAtMs) }
}
