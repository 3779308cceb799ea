import type { RevisionView } from '../control/view.ts'
import { qualified, split, type ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { AdminClient } from './client.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { withProgress } from './progress.ts'

export interface LogsOptions {
  readonly namespace: string
  readonly follow: boolean
  readonly tail?: number
}

/** `pilotlight logs REPLICA|REVISION|ISVC`: one replica's lines as they are, those of several with its name before each. */
export async function logs(io: Io, client: AdminClient, name: string, options: LogsOptions): Promise<void> {
  const named = qualified(options.namespace, name)
  const replicas = await withProgress(io, () => 'waiting for the admin API', find(client, named))
  await Promise.all(
    replicas.map(async (replica) => {
      const prefix = replicas.length === 1 ? '' : `[${split(replica).name}] `
      for await (const line of lines(client.text(pathOf(replica, options), io.signal)))
        io.out(`${prefix}${line}\n`)
    }),
  )
}

async function find(client: AdminClient, named: ReplicaName): Promise<readonly ReplicaName[]> {
  const [replicas, revisions] = await Promise.all([
    client.get<readonly Replica[]>('/api/v1/replicas'),
    client.get<readonly RevisionView[]>('/api/v1/revisions'),
  ])
  if (replicas.some((replica) => replica.name === named)) return [named]
  const chosen = revisions.filter((revision) => revision.name === named || revision.service === named)
  // It may be a replica that has ended: the server knows whether its log is still there.
  if (chosen.length === 0) return [named]
  const names = new Set<string>(chosen.map((revision) => revision.name))
  const found = replicas.filter((replica) => names.has(replica.revision)).map((replica) => replica.name)
  if (found.length > 0) return found.sort()
  throw new CliError('failed', `${named} has no replicas now: it is asleep, and a request wakes it`)
}

function pathOf(replica: ReplicaName, { follow, tail }: LogsOptions): string {
  const { namespace, name } = split(replica)
  const query = new URLSearchParams({ follow: String(follow) })
  if (tail !== undefined) query.set('tailLines', String(tail))
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/replicas/${encodeURIComponent(name)}/logs?${query.toString()}`
}

/** Whole lines: those of several replicas must not break into each other. */
async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const parts = (rest + piece).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}
