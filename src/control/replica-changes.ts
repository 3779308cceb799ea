import type { RevisionName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'

type ByRevision = ReadonlyMap<RevisionName, readonly Replica[]>

/** Clusters keep the object of a replica that did not change. */
export function sameReplicas(a: readonly Replica[], b: readonly Replica[]): boolean {
  return a.length === b.length && a.every((replica, index) => replica === b[index])
}

/** Revisions whose replicas are not the same in both. */
export function revisionsThatDiffer(before: ByRevision, after: ByRevision): readonly RevisionName[] {
  const changed = [...before.keys()].filter((name) => !after.has(name))
  for (const [name, replicas] of after) {
    if (!sameReplicas(before.get(name) ?? [], replicas)) changed.push(name)
  }
  return changed
}
