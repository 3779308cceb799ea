import { replicasByPhase } from '../../control/snapshot.ts'
import type { ReplicaName, RevisionName } from '../../core/names.ts'
import { Paced } from '../../core/paced.ts'
import type { Ready } from '../../core/replica.ts'
import type { Bus, GatewayMember, SlotMessage } from '../../core/report.ts'
import {
  GatewayView,
  keptOfPod,
  KINDS,
  LABELS,
  livingGateways,
  PodReplicas,
  WakeFallback,
  type ResourceCache,
} from '../../kubernetes/index.ts'
import type { Dump, MetricsSource, PromMetrics } from '../../telemetry/index.ts'
import type { DataPlane } from '../data-plane/data-plane.ts'
import { MainThreadDataPlane } from '../data-plane/main-thread.ts'
import { ThreadsDataPlane } from '../data-plane/threads.ts'
import { CliError } from '../errors.ts'
import type { RoleContext } from './context.ts'
import { GatewayLoad } from './gateway-load.ts'

/** What carries requests in this process, and why it should not get any yet. */
export interface GatewayPart {
  readonly plane: DataPlane
  /** What is shown of each revision here. */
  readonly revisions: () => MetricsSource['revisions']
  /** What its threads have counted. */
  readonly dumps: () => Promise<readonly Dump[]>
  readonly unready: () => string | undefined
}

/** Opens the gateway's ports and keeps its tables as the cluster says, until `cleanUp` is disposed. */
export async function openGatewayPart(
  context: RoleContext,
  parts: {
    readonly bus: Bus
    readonly metrics: PromMetrics
    readonly pods: ResourceCache
    readonly routes: ResourceCache
    /** The pods of all gateways, where hard limits are divided among them. */
    readonly gateways?: ResourceCache
  },
  cleanUp: AsyncDisposableStack,
): Promise<GatewayPart> {
  const { name, config, clock, log, logging, random, client } = context
  const { bus, metrics, pods, routes, gateways } = parts
  const view = cleanUp.use(new GatewayView(routes, log))
  const replicas = cleanUp.use(
    new PodReplicas({ pods, revisionOf: (revision) => view.revisionOf(revision), clock, log }),
  )
  const load = new GatewayLoad()
  const hasReplicas = (revision: RevisionName): boolean =>
    replicas.ready.value.replicas.some((replica) => replica.revision === revision)
  const fallback = cleanUp.use(
    new WakeFallback({
      client,
      clock,
      log,
      hasReplicas,
      // Of class external the number is never ours.
      isWaitedFor: (revision) =>
        view.revisionOf(revision)?.template.scaling.class !== 'external' && load.isWaitedFor(revision),
    }),
  )
  const own: Pick<Bus, 'report' | 'wake'> = {
    report: (reports) => {
      load.record(reports)
      // Threads have numbers; their names have to differ from those of other pods' threads.
      bus.report(reports.map((report) => ({ ...report, gateway: `${name}/${report.gateway}` })))
    },
    wake: (revision) => {
      load.wake(revision)
      fallback.woken(revision)
      bus.wake(revision)
    },
  }
  const sharing =
    gateways === undefined
      ? {}
      : { sharing: { name, tell: (to: string, message: SlotMessage) => bus.tell?.(to, message) } }
  const common = { config, clock, log, bus: own, ...sharing }
  const opening: Promise<DataPlane> =
    config.gateway.workers > 1
      ? ThreadsDataPlane.open({ ...common, logging, onLost: (dump) => metrics.absorb(dump) })
      : MainThreadDataPlane.open({ ...common, name, metrics, random })
  const plane = await opening.catch((error: unknown) => {
    throw new CliError('failed', error instanceof Error ? error.message : String(error), { cause: error })
  })
  cleanUp.defer(() => plane.close())
  if (gateways !== undefined) {
    plane.divide(livingGateways(gateways))
    cleanUp.use(gateways.onChange(() => plane.divide(livingGateways(gateways))))
  }
  let published: Ready = { replicas: [] }
  cleanUp.use(bus.joinGateway(memberOf(plane, name, (replica) => isReady(published, replica))))

  const over = new AbortController()
  cleanUp.defer(() => over.abort())
  let isPublished = false
  const publication = cleanUp.use(
    new Paced(clock, () => {
      const { value } = replicas.ready
      try {
        plane.publish(view.tables(value))
        published = value
      } catch (error) {
        // The tables of before go on: what one service says must not end the requests of all.
        log.error({ err: error }, 'the tables cannot be used, and those of before stay')
      }
    }),
  )
  const publish = (): void => {
    if (isPublished) publication.ask()
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
    revisions: () => {
      const tables = view.tables(replicas.ready.value)
      load.retain(new Set(tables.revisions.map(({ name: revision }) => revision)))
      const byRevision = Map.groupBy(tables.replicas, ({ revision }) => revision)
      return tables.revisions.map(({ name: revision }) => ({
        name: revision,
        waiting: load.waiting(revision),
        inFlight: load.inFlight(revision),
        replicas: replicasByPhase(byRevision.get(revision) ?? []),
      }))
    },
    dumps: async () =>
      plane instanceof ThreadsDataPlane
        ? plane.dumps(new Set(view.tables({ replicas: [] }).revisions.map((revision) => revision.name)))
        : [],
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
    hear: (message) => member.hear?.(message),
    inFlight: (replica) => member.inFlight(replica) + (isGivenOut(replica) ? 1 : 0),
  }
}

function isReady({ replicas }: Ready, name: ReplicaName): boolean {
  return replicas.some((replica) => replica.name === name && replica.phase === 'ready')
}

/** The caches that a gateway reads. */
export function gatewayCaches(context: RoleContext): {
  readonly routes: ResourceCache
  readonly pods: ResourceCache
} {
  return {
    routes: context.cacheOf(KINDS.inferenceRoutes),
    pods: context.cacheOf(KINDS.pods, { labelSelector: LABELS.revision, trim: keptOfPod }),
  }
}
