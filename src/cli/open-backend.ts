import type { Backend } from './backend.ts'
import type { ClusterOptions } from './cluster/cluster.ts'
import type { Io } from './io.ts'
import { namedServer, serverAddress } from './server-address.ts'

/** The options before the command, and wherever else they stand. */
export interface ServerOptions extends ClusterOptions {
  readonly server?: string
}

/**
 * What a command works against: what its own options name (--server before --kubeconfig and --context), else what the
 * environment names, else what `up` serves here. @throws CliError
 */
export async function openBackend(io: Io, options: ServerOptions): Promise<Backend> {
  if (isCluster(io, options)) {
    const [{ openCluster }, { clusterBackend }] = await Promise.all([
      import('./cluster/cluster.ts'),
      import('./cluster/backend.ts'),
    ])
    return clusterBackend(io, await openCluster(io, options))
  }
  const [{ AdminClient }, { localBackend }] = await Promise.all([
    import('./client.ts'),
    import('./local-backend.ts'),
  ])
  const url = serverAddress({ server: options.server, env: io.env, cwd: io.cwd })
  const advice =
    'Start one with: pilotlight up PATH; or say where it is with --server URL or PILOTLIGHT_SERVER, or which cluster with --context'
  return localBackend(new AdminClient({ url, advice }))
}

/** KUBECONFIG alone asks for no cluster: whoever works on this machine may have it set as well. */
export function isCluster(io: Pick<Io, 'env' | 'err'>, options: ServerOptions): boolean {
  const flag = (['kubeconfig', 'context'] as const).find((name) => options[name] !== undefined)
  if (options.server !== undefined) {
    if (flag !== undefined)
      io.err(`Warning: --server is given and goes before --${flag}, which is not used\n`)
    return false
  }
  // What is said in this command goes before what the environment says of all.
  if (flag !== undefined) return true
  return io.env['PILOTLIGHT_CLUSTER'] === '1' && namedServer(options, io.env) === undefined
}
