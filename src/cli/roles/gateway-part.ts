import type { ReplicaName, RevisionName } from '../../core/names.ts'
import type { Bus, GatewayMember } from '../../core/report.ts'
import type { Metrics } from '../../core/telemetry.ts'
import {
  GatewayView,
  KINDS,
  LABELS,
  PodReplicas,
  WakeFallback,
  type ResourceCache,
} from '../../kubernetes/index.ts'
import type { DataPlane } from '../data-plane/data-plane.ts'
import { MainThreadDataPlane } from '../data-plane/main-thread.ts'
import { CliError } from '../errors.ts'
import type { RoleContext } from './context.ts'

/** What carries requests in this process, and why it should not get any yet. */
export interface GatewayPart {
  readonly plane: DataPlane
  readonly unready: () => string | undefined
}

/** Opens the gateway's ports and keeps its tables as the cluster says, until `cleanUp` is disposed. */
export async function openGatewayPart(
  context: RoleContext,
  parts: {
    readonly bus: Bus
    readonly metrics: Metrics
    readonly pods: ResourceCache
    readonly routes: ResourceCache
  },
  cleanUp: AsyncDisposableStack,
): Promise<GatewayPart> {
  const { name, config, clock, log, random, client } = context
  const { bus, metrics, pods, routes } = parts
  const view = cleanUp.use(new GatewayView(routes, log))
  const replicas = cleanUp.use(
    new PodReplicas({ pods, revisionOf: (revision) => view.revisionOf(revision), clock, log }),
  )
  const waiting = new Set<RevisionName>()
  const hasReplicas = (revision: RevisionName): boolean =>
    replicas.ready.value.replicas.some((replica) => replica.revision === revision)
  const fallback = cleanUp.use(
    new WakeFallback({ client, clock, log, hasReplicas, isWaitedFor: (revision) => waiting.has(revision) }),
  )
  const plane: DataPlane = await MainThreadDataPlane.open({
    name,
    config,
    clock,
    log,
    metrics,
    random,
    bus: {
      report: (reports) => {
        for (const report of reports) {
          if (report.waiting > 0) waiting.add(report.revision)
          else waiting.delete(report.revision)
        }
        bus.report(reports)
      },
      wake: (revision) => {
        waiting.add(revision)
        fallback.woken(revision)
        bus.wake(revision)
      },
    },
  }).catch((error: unknown) => {
    throw new CliError('failed', error instanceof Error ? error.message : String(error), { cause: error })
  })
  cleanUp.defer(() => plane.close())
  cleanUp.use(bus.joinGateway(memberOf(plane, name, (replica) => isReady(replicas, replica))))

  const over = new AbortController()
  cleanUp.defer(() => over.abort())
  let isPublished = false
  const publish = (): void => {
    if (!isPublished) return
    plane.publish(view.tables(replicas.ready.value))
  }
  const follow = async (): Promise<void> => {
    await Promise.all([routes.whenSynced, pods.whenSynced])
    // What the caches have told is worked off by now, and the first tables are whole.
    replicas.revisionsChanged()
    await new Promise((resolve) => setImmediate(resolve))
    isPublished = true
    publish()
    for await (const _ready of replicas.ready.values(over.signal)) publish()
  }
  void follow()
  void (async () => {
    for await (const _change of view.changes(over.signal)) {
      replicas.revisionsChanged()
      publish()
    }
  })()
  return {
    plane,
    unready: () =>
      isPublished
        ? undefined
        : 'InferenceRoutes and pods have not been read yet: the API server does not answer',
  }
}

/** A replica that is still given out may get one more request at any moment: it is not idle. */
function memberOf(
  plane: DataPlane,
  name: string,
  isGivenOut: (replica: ReplicaName) => boolean,
): GatewayMember {
  const { member } = plane
  return {
    name,
    letGo: (revision) => member.letGo(revision),
    keep: (revision) => member.keep(revision),
    inFlight: (replica) => member.inFlight(replica) + (isGivenOut(replica) ? 1 : 0),
  }
}

function isReady(replicas: PodReplicas, name: ReplicaName): boolean {
  return replicas.ready.value.replicas.some((replica) => replica.name === name && replica.phase === 'ready')
}

/** The caches that a gateway reads. */
export function gatewayCaches(context: RoleContext): {
  readonly routes: ResourceCache
  readonly pods: ResourceCache
} {
  return {
    routes: context.cacheOf(KINDS.inferenceRoutes),
    pods: context.cacheOf(KINDS.pods, { labelSelector: LABELS.revision }),
  }
}
