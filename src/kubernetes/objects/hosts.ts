import type { Route } from '../../core/route.ts'
import { clusterHosts } from '../../kserve/index.ts'

/** KServe's own in-cluster names end like this, whatever the domain of the cluster is. */
const ending = (namespace: string): string => `.${namespace}.svc.cluster.local`

/** The names of Services that callers inside the cluster use: `iris` of `iris.ml.svc.cluster.local`. */
export function serviceNamesOf(namespace: string, routes: readonly Route[]): readonly string[] {
  const end = ending(namespace)
  const names = routes.flatMap(({ hosts }) =>
    hosts.filter((host) => host.endsWith(end)).map((host) => host.slice(0, -end.length)),
  )
  return [...new Set(names)].toSorted()
}

/** The hosts that callers outside the cluster use; none for a cluster-local service. */
export function publicHostsOf(namespace: string, routes: readonly Route[]): readonly string[] {
  const inside = new Set(serviceNamesOf(namespace, routes).flatMap((name) => clusterHosts(name, namespace)))
  return [...new Set(routes.flatMap(({ hosts }) => hosts.filter((host) => !inside.has(host))))].toSorted()
}

/** The path form of every address, `/serving/ml/iris`. */
export function pathPrefixesOf(routes: readonly Route[]): readonly string[] {
  return [...new Set(routes.flatMap(({ pathPrefixes }) => pathPrefixes))].toSorted()
}
