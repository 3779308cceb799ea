import { qualified, split, type ReplicaName } from '../../core/names.ts'
import { isApiError, KINDS } from '../../kubernetes/api/index.ts'
import { LABELS } from '../../kubernetes/names.ts'
import type { LogReader } from '../backend.ts'
import { CliError } from '../errors.ts'
import { asleep } from '../local-backend.ts'
import type { Cluster } from './cluster.ts'
import { podFacts, type PodFacts } from './pods.ts'
import { asCliError, orCliError, reasonGiven } from './refusals.ts'

/** The container that KServe's runtimes serve from. */
const SERVING_CONTAINER = 'kserve-container'

/** Logs as the kubelets have them, read with what the user of the kubeconfig may do. */
export function clusterLogs(cluster: Cluster, warn: (message: string) => void): LogReader {
  const { client } = cluster
  const containers = new Map<ReplicaName, string>()
  const remember = (pod: PodFacts): ReplicaName => {
    const replica = qualified(pod.namespace, pod.name)
    const names = pod.containers.map(({ name }) => name)
    const serving = names.find((name) => name === SERVING_CONTAINER) ?? names[0]
    if (serving !== undefined) containers.set(replica, serving)
    return replica
  }

  return {
    find: async (named) => {
      const { namespace, name } = split(named)
      const selected = async (label: string): Promise<readonly PodFacts[]> => {
        const list = client.list(KINDS.pods, { namespace, labelSelector: `${label}=${name}` })
        return (await orCliError(cluster, `pods in namespace ${namespace}`, list)).items.map(podFacts)
      }
      const pod = await client.get(KINDS.pods, namespace, name).catch((error: unknown) => {
        if (isApiError(error, 'NotFound')) return undefined
        throw asCliError(cluster, `pod ${named}`, error)
      })
      if (pod !== undefined) return [remember(podFacts(pod))]
      const pods = [...(await selected(LABELS.revision)), ...(await selected(LABELS.service))]
      if (pods.length > 0) return [...new Set(pods.map(remember))].sort()
      if (await exists(cluster, namespace, name)) throw asleep(named)
      throw new CliError('failed', `no replica, revision or InferenceService is called ${named}`)
    },
    async *read(replica, { follow, tail }, signal) {
      const { namespace, name } = split(replica)
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`
      const query = { container: containers.get(replica), follow, tailLines: tail }
      try {
        yield* client.text(path, query, signal)
      } catch (error) {
        // Its container waits for its image or its model: there is nothing to read yet, which is no failure of the others.
        if (!isApiError(error, 'BadRequest')) throw asCliError(cluster, `the log of ${replica}`, error)
        warn(`${replica}: ${reasonGiven(error)}`)
      }
    },
  }
}

async function exists({ client }: Cluster, namespace: string, name: string): Promise<boolean> {
  for (const kind of [KINDS.inferenceServices, KINDS.deployments]) {
    const found = await client.get(kind, namespace, name).catch(() => undefined)
    if (found !== undefined) return true
  }
  return false
}
