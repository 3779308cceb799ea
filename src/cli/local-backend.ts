import type { InferenceServiceObject, RevisionView } from '../control/view.ts'
import { split, type ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { Applied, Backend, Removable } from './backend.ts'
import { inNamespace, type AdminClient } from './client.ts'
import { CliError } from './errors.ts'
import { deletableKind } from './resource-types.ts'

/** Everything through the admin API of an `up`, or of whatever `--server` names. */
export function localBackend(client: AdminClient): Backend {
  return {
    namespace: 'default',
    changes: {
      apply: async (text) => {
        const body = { type: 'application/yaml', text }
        return (await client.change<readonly Applied[]>('/api/v1/apply', { method: 'POST', body })) ?? []
      },
      remove: async (what) => void (await client.change(pathOf(what), { method: 'DELETE' })),
      setCanary: async (namespace, name, percent) => {
        const text = JSON.stringify({ percent: percent ?? null })
        const path = `${pathOf({ kind: 'InferenceService', namespace, name })}/canary`
        await client.change(path, { method: 'PUT', body: { type: 'application/json', text } })
      },
    },
    logs: {
      find: async (named) => find(client, named),
      read: (replica, options, signal) => client.text(logPath(replica, options), signal),
    },
    admin: () => Promise.resolve(client),
    service: (namespace, name, signal) => serviceIn(client, namespace, name, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function* serviceIn(
  client: AdminClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<InferenceServiceObject | undefined> {
  for await (const { services } of client.snapshots(namespace, signal)) {
    yield services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
  }
}

async function find(client: AdminClient, named: ReplicaName): Promise<readonly ReplicaName[]> {
  const { namespace } = split(named)
  const [replicas, revisions] = await Promise.all([
    client.get<readonly Replica[]>(inNamespace('/api/v1/replicas', namespace)),
    client.get<readonly RevisionView[]>(inNamespace('/api/v1/revisions', namespace)),
  ])
  if (replicas.some((replica) => replica.name === named)) return [named]
  const chosen = revisions.filter((revision) => revision.name === named || revision.service === named)
  // It may be a replica that has ended: the server knows whether its log is still there.
  if (chosen.length === 0) return [named]
  const names = new Set<string>(chosen.map((revision) => revision.name))
  const found = replicas.filter((replica) => names.has(replica.revision)).map((replica) => replica.name)
  if (found.length > 0) return found.sort()
  throw asleep(named)
}

/** A name without a replica: a service or revision that sleeps. */
export function asleep(named: ReplicaName): CliError {
  return new CliError('failed', `${named} has no replicas now: it is asleep, and a request wakes it`)
}

function logPath(
  replica: ReplicaName,
  { follow, tail }: { readonly follow: boolean; readonly tail?: number },
): string {
  const { namespace, name } = split(replica)
  const query = new URLSearchParams({ follow: String(follow) })
  if (tail !== undefined) query.set('tailLines', String(tail))
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/replicas/${encodeURIComponent(name)}/logs?${query.toString()}`
}

function pathOf({ kind: word, namespace, name }: Removable): string {
  const kind = deletableKind(word)
  const [ns, id] = [encodeURIComponent(namespace), encodeURIComponent(name)]
  if (kind === 'ClusterServingRuntime') return `/api/v1/clusterservingruntimes/${id}`
  return `/api/v1/namespaces/${ns}/${kind.toLowerCase()}s/${id}`
}
