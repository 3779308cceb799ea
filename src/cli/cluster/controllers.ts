import { isApiError, KINDS } from '../../kubernetes/api/index.ts'
import { CONTROLLER_PODS } from '../../kubernetes/members.ts'
import { CliError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { podFacts, type PodFacts } from './pods.ts'
import { orCliError } from './refusals.ts'

/** Where `pilotlight install` and the documentation put it. */
export const DEFAULT_INSTALL_NAMESPACE = 'pilotlight'

/** The pods of the controllers, ready or not: in the namespace that was named, else in all. @throws CliError */
export async function controllerPods(
  cluster: Pick<Cluster, 'client' | 'installNamespace'>,
): Promise<readonly PodFacts[]> {
  const { client, installNamespace } = cluster
  const listIn = (namespace: string | undefined) =>
    client.list(KINDS.pods, { namespace, labelSelector: CONTROLLER_PODS })
  const listed = listIn(installNamespace).catch((error: unknown) => {
    // Who may not look everywhere may often look there.
    if (installNamespace !== undefined || !isApiError(error, 'Forbidden')) throw error
    return listIn(DEFAULT_INSTALL_NAMESPACE)
  })
  const { items } = await orCliError(cluster, "the controllers' pods", listed)
  return items.map(podFacts)
}

/** Those that can be asked. @throws CliError that says why there are none. */
export async function readyControllers(
  cluster: Pick<Cluster, 'client' | 'installNamespace'>,
): Promise<readonly [PodFacts, ...PodFacts[]]> {
  const pods = await controllerPods(cluster)
  const [first, ...others] = pods.filter(({ isReady }) => isReady)
  if (first !== undefined) return [first, ...others]
  const where =
    cluster.installNamespace === undefined ? 'in this cluster' : `in namespace ${cluster.installNamespace}`
  if (pods.length === 0) {
    throw new CliError(
      'unreachable',
      `no controller of Pilotlight runs ${where}. Install it with: pilotlight install; or say where it is with --install-namespace`,
    )
  }
  const why = pods.map(({ namespace, name, reason }) => `${namespace}/${name}: ${reason}`).join('; ')
  throw new CliError('unreachable', `no controller of Pilotlight is ready (${why}). See: pilotlight doctor`)
}
