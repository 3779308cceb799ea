import { isApiError, KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import type { ManifestFile } from '../manifest-files.ts'
import type { Cluster } from './cluster.ts'
import { orCliError } from './refusals.ts'

/** What the runtimes of a cluster are called as a file. */
export const CLUSTER_FILE = 'the cluster'

/** The runtimes that services in these namespaces could get, as manifests. */
export async function clusterRuntimes(
  cluster: Cluster,
  namespaces: ReadonlySet<string>,
): Promise<ManifestFile> {
  const { client } = cluster
  const lists = [
    client.list(KINDS.clusterServingRuntimes),
    ...[...namespaces].map((namespace) => client.list(KINDS.servingRuntimes, { namespace })),
  ].map((list) =>
    list.catch((error: unknown) => {
      // A cluster without these kinds has no runtimes.
      if (isApiError(error, 'NotFound')) return { items: [] }
      throw error
    }),
  )
  const found = await orCliError(cluster, 'the runtimes of the cluster', Promise.all(lists))
  const texts = found.flatMap(({ items }) => items.map((item) => JSON.stringify(asWritten(item))))
  return { path: CLUSTER_FILE, text: texts.join('\n---\n') }
}

/** Without what the API server adds. */
function asWritten({ apiVersion, kind, metadata, spec }: KubeObject): object {
  const { name, namespace, labels, annotations } = metadata
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations }, spec }
}
