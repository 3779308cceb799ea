import type { Snapshot } from '../control/view.ts'
import { split } from '../core/names.ts'
import { objectName } from './schemas.ts'

/** `?namespace=ml`: what every list takes. On Kubernetes it is also what a reader has to be allowed to see. */
export interface NamespaceQuery {
  readonly namespace?: string
}

export const namespaceQuery = {
  type: 'object',
  properties: { namespace: { ...objectName, description: 'only what belongs to this namespace' } },
  additionalProperties: false,
} as const

/** What belongs to one namespace, or with undefined everything. Objects of the whole cluster belong to none. */
export function inNamespace(snapshot: Snapshot, namespace: string | undefined): Snapshot {
  if (namespace === undefined) return snapshot
  const isIn = ({ name }: { readonly name: string }): boolean => split(name).namespace === namespace
  return {
    atMs: snapshot.atMs,
    services: snapshot.services.filter(({ metadata }) => metadata.namespace === namespace),
    routes: snapshot.routes.filter(isIn),
    revisions: snapshot.revisions.filter(isIn),
    replicas: snapshot.replicas.filter(isIn),
    problems: snapshot.problems.filter((problem) => problem.namespace === namespace),
  }
}
