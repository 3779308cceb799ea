import type { FastifyInstance } from 'fastify'
import { AdminError, buildAdmin } from '../../admin/index.ts'
import {
  ManifestRefused,
  ObjectNotFound,
  type ControlPlane,
  type ManifestStore,
  type Snapshot,
} from '../../control/view.ts'
import { AccessReview, CONTROLLER_PODS, KINDS, type ResourceCache } from '../../kubernetes/index.ts'
import { readVersion } from '../version.ts'
import { authorize, isProtected } from './admin-access.ts'
import type { RoleContext } from './context.ts'
import type { ControllerPart } from './controller-part.ts'
import { forward } from './forward.ts'

/**
 * The admin API on Kubernetes. Whoever may list the InferenceServices of a namespace may read what is behind them; what
 * only the leader knows is asked of it.
 */
export async function buildClusterAdmin(
  context: RoleContext,
  parts: {
    readonly part: ControllerPart
    readonly metrics: { readonly contentType: string; expose(): Promise<string> }
    readonly unready: () => string | undefined
  },
): Promise<FastifyInstance> {
  const { clock, log, client, config, namespace, cacheOf } = context
  const { part, metrics, unready } = parts
  const access = new AccessReview(client, clock)
  const controllers = cacheOf(KINDS.pods, { namespace, labelSelector: CONTROLLER_PODS })
  return buildAdmin({
    controlPlane: leaderView(part),
    manifests: NO_MANIFESTS,
    logs: {
      // oxlint-disable-next-line require-yield -- there is nothing to read
      async *read(replica) {
        throw new ObjectNotFound(`the log of replica ${replica} is read with: kubectl logs`)
      },
    },
    metrics,
    clock,
    log,
    version: readVersion(),
    unready,
    // Pods are called by addresses that nobody knows beforehand; it is the token that counts.
    allowedHosts: ['*'],
    guard: async (request, reply) => {
      if (!isProtected(request)) return
      await authorize(access, request)
      if (part.leading !== undefined) return
      const host = addressOfLeader(part, controllers)
      await forward(request, reply, { host, port: config.admin.port, clock })
    },
  })
}

function addressOfLeader(part: ControllerPart, controllers: ResourceCache): string | undefined {
  const leader = [...controllers.values()].find(({ metadata }) => metadata.name === part.leaderName)
  const status = leader?.['status']
  if (typeof status !== 'object' || status === null || !('podIP' in status)) return undefined
  return typeof status.podIP === 'string' && status.podIP !== '' ? status.podIP : undefined
}

/** The control plane of the leader, where this process is it. */
function leaderView(part: ControllerPart): ControlPlane {
  const leading = (): ControlPlane => {
    const { leading: controller } = part
    if (controller === undefined) {
      throw new AdminError('NOT_READY', 'no controller leads at this moment; try again in some seconds')
    }
    return controller
  }
  return {
    // A controller that waits for its turn is as ready as it can be.
    isReady: () => part.leading?.isReady() ?? true,
    snapshot: (): Snapshot => leading().snapshot(),
    follow: (signal) => leading().follow(signal),
    decisions: (revision) => leading().decisions(revision),
  }
}

const refuse = (): Promise<never> =>
  Promise.reject(
    new ManifestRefused(
      'on Kubernetes objects are changed through its API: use kubectl, or pilotlight with --kubeconfig',
    ),
  )

const NO_MANIFESTS: ManifestStore = { apply: refuse, remove: refuse, setCanary: refuse }
