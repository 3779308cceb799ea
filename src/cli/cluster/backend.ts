import type { Backend } from '../backend.ts'
import type { AdminClient } from '../client.ts'
import type { Io } from '../io.ts'
import { clusterChanges } from './changes.ts'
import type { Cluster } from './cluster.ts'
import { clusterLogs } from './logs.ts'
import { watchService } from './service-watch.ts'

/** A cluster: changes and logs through its API, what runs and why from the controller that leads. */
export function clusterBackend(io: Io, cluster: Cluster): Backend {
  let admin: Promise<AdminClient> | undefined
  return {
    namespace: cluster.namespace,
    changes: clusterChanges(cluster),
    logs: clusterLogs(cluster, (message) => io.err(`Warning: ${message}\n`)),
    admin: () => {
      admin ??= import('./admin.ts').then(({ openAdmin }) => openAdmin(io, cluster))
      return admin
    },
    service: (namespace, name, signal) => watchService(io, cluster, { namespace, name }, signal),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
