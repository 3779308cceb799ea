import { readAutoscalerConfig, type AutoscalerConfig } from '../../../autoscaler/index.ts'
import { Controller } from '../../control/controller.ts'
import { scalingProblems } from '../../control/revision-policy.ts'
import type { RevisionName } from '../../core/names.ts'
import type { Bus } from '../../core/report.ts'
import type { Revision } from '../../core/revision.ts'
import type { Metrics } from '../../core/telemetry.ts'
import type { UrlOptions } from '../../kserve/index.ts'
import {
  ANNOTATIONS,
  applyShippedObjects,
  DcgmExporters,
  EventRecorder,
  inferenceRouteOf,
  keptOfApplied,
  keptOfDeployment,
  keptOfPod,
  KINDS,
  KubernetesCluster,
  KubernetesManifests,
  LABELS,
  LeaderElection,
  MANAGED_BY,
  MetricsApi,
  PodReplicas,
  readInferenceRoute,
  ReferenceGrants,
  RevisionDeployments,
  ServiceWriter,
  servedObjectsOf,
  WorkQueue,
  type ResourceCache,
} from '../../kubernetes/index.ts'
import { Asker, RevisionSources } from '../../sources/index.ts'
import { aborted } from '../stop-signals.ts'
import type { RoleContext } from './context.ts'

const LEASE = 'pilotlight-controller'
/** Services that are written at the same time. */
const WRITES_MAX = 16

/** Everything that the controller reads. */
export interface ControllerCaches {
  readonly services: ResourceCache
  readonly runtimes: readonly ResourceCache[]
  readonly storageContainers: ResourceCache
  readonly routes: ResourceCache
  readonly deployments: ResourceCache
  readonly pods: ResourceCache
  /** Services, HTTPRoutes and Ingresses that we made. */
  readonly others: readonly ResourceCache[]
  /** ReferenceGrants that we made, where there are HTTPRoutes. */
  readonly grants?: ResourceCache
}

export function controllerCaches(
  { config, namespace, cacheOf }: RoleContext,
  shared: { readonly routes?: ResourceCache; readonly pods?: ResourceCache } = {},
): ControllerCaches {
  const ours = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` }
  const applied = { ...ours, trim: keptOfApplied }
  const { gatewayApi, ingressClassName } = config.kubernetes
  return {
    services: cacheOf(KINDS.inferenceServices),
    runtimes: [cacheOf(KINDS.servingRuntimes), cacheOf(KINDS.clusterServingRuntimes)],
    storageContainers: cacheOf(KINDS.clusterStorageContainers),
    routes: shared.routes ?? cacheOf(KINDS.inferenceRoutes),
    deployments: cacheOf(KINDS.deployments, { ...ours, trim: keptOfDeployment }),
    pods: shared.pods ?? cacheOf(KINDS.pods, { labelSelector: LABELS.revision, trim: keptOfPod }),
    ...(gatewayApi.parentRefs.length === 0
      ? {}
      : { grants: cacheOf(KINDS.referenceGrants, { namespace, ...ours }) }),
    others: [
      cacheOf(KINDS.services, applied),
      ...(gatewayApi.parentRefs.length === 0 ? [] : [cacheOf(KINDS.httpRoutes, applied)]),
      ...(ingressClassName === undefined ? [] : [cacheOf(KINDS.ingresses, applied)]),
    ],
  }
}

/** The control plane of this process: waits to be the leader, and leads. */
export class ControllerPart {
  readonly #context: RoleContext
  readonly #caches: ControllerCaches
  readonly #bus: Bus
  readonly #metrics: Metrics
  readonly #election: LeaderElection
  readonly #autoscaler: AutoscalerConfig
  #leading: Controller | undefined

  /** @throws AutoscalerConfigError */
  constructor(
    context: RoleContext,
    parts: { readonly caches: ControllerCaches; readonly bus: Bus; readonly metrics: Metrics },
  ) {
    this.#context = context
    this.#caches = parts.caches
    this.#bus = parts.bus
    this.#metrics = parts.metrics
    // Now and not once it leads: what is wrong with it is said at the start.
    this.#autoscaler = readAutoscalerConfig(context.config.autoscaler)
    const { client, clock, random, log, name, namespace } = context
    this.#election = new LeaderElection({
      client,
      clock,
      random,
      log,
      namespace,
      lease: LEASE,
      identity: name,
    })
  }

  /** The controller, while this process leads. */
  get leading(): Controller | undefined {
    return this.#leading
  }

  /** The pod that leads, if any is known. */
  get leaderName(): string | undefined {
    return this.#election.leaderName
  }

  /** Kinds that have not been read once: without them this process could not lead. */
  get unread(): readonly string[] {
    return allOf(this.#caches).flatMap((cache) => (cache.isSynced ? [] : [cache.kind.plural]))
  }

  /** Until `signal` is aborted; then the lease is given back at once. */
  async run(signal: AbortSignal): Promise<void> {
    // Who cannot read does not take the lease from one that can.
    await untilSynced(this.#caches, signal)
    await this.#election.run(signal, (leading) => this.#lead(leading))
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { config, client, clock, random, log, namespace } = this.#context
    const caches = this.#caches
    const { services, routes, pods, deployments } = caches
    await untilSynced(caches, signal)
    if (signal.aborted) return
    const { shippedObjectsDir } = config.kubernetes
    if (shippedObjectsDir !== undefined) {
      applyShippedObjects(shippedObjectsDir, { client, clock, log, random }, signal).catch(() => {})
    }
    await using stack = new AsyncDisposableStack()
    const autoscaler = this.#autoscaler
    const urls: UrlOptions = { ...config.ingress }
    const gateway = {
      name: config.kubernetes.gatewayService,
      namespace,
      port: 80,
      clusterDomain: config.kubernetes.clusterDomain,
    }

    // Known before the first look at them: pods that are ready now must not be taken for none.
    const revisions = new Map(
      revisionsIn(routes, (error) => log.error({ err: error }, 'an InferenceRoute cannot be read')),
    )
    const replicas = stack.use(
      new PodReplicas({ pods, revisionOf: (name) => revisions.get(name), clock, log }),
    )
    // All pods are looked at before this turn of the event loop ends.
    await new Promise((resolve) => setImmediate(resolve))
    const events = stack.use(new EventRecorder(client, { clock, log, component: 'pilotlight-controller' }))
    const manifests = stack.use(
      new KubernetesManifests(
        caches,
        {
          defaultMode: config.kubernetes.defaultDeploymentMode,
          timeoutSeconds: config.kubernetes.timeoutSeconds,
          allowZeroInitialScale: autoscaler.allowZeroInitialScale,
          predictorHost: (ns, component) => `${component}.${ns}`,
          validateScaling: (scaling) => scalingProblems(scaling, autoscaler),
        },
        {
          isOurs: config.kubernetes.adopt
            ? ({ metadata }) => metadata.annotations?.[ANNOTATIONS.adopt] === 'true'
            : undefined,
          onRemarks: (service, remarks) => {
            for (const message of remarks)
              events.record(service, { type: 'Warning', reason: 'Ignored', message })
          },
        },
      ),
    )
    const made = new RevisionDeployments({
      client,
      services,
      storageContainers: caches.storageContainers,
      storageInitializerImage: config.kubernetes.storageInitializerImage,
      progressDeadlineMs: config.revisions.progressDeadlineMs,
      besideKserve: config.kubernetes.adopt,
      serviceOf: (name) => writer.desired(name),
    })
    const cluster = stack.use(
      new KubernetesCluster({
        client,
        deployments,
        pods,
        services,
        source: {
          async *desired(ended) {
            for await (const desired of manifests.desired(ended)) {
              writer.setProblems(desired.problems)
              grants?.setServices(desired.services)
              yield desired
            }
          },
        },
        replicas: replicas.ready,
        create: (revision, count) => made.create(revision, count),
        bus: this.#bus,
        onRaised: (revision) => this.#leading?.raised(revision),
        clock,
        log,
        signal,
      }),
    )
    const grants =
      caches.grants === undefined
        ? undefined
        : new ReferenceGrants({
            client,
            grants: caches.grants,
            gateway,
            queue: new WorkQueue({ clock, random, log, concurrency: 1 }),
          })
    const writer = stack.use(
      new ServiceWriter({
        client,
        clock,
        log,
        events,
        queue: new WorkQueue({ clock, random, log, concurrency: WRITES_MAX }),
        services,
        routes,
        others: [...caches.others, deployments],
        objectsOf: (service, kept) => [
          inferenceRouteOf(service, kept),
          ...servedObjectsOf(service, kept, { gateway, kubernetes: config.kubernetes, urls }),
        ],
        writesStatus: !config.kubernetes.adopt,
        retireOrphan: (revision) => cluster.retireOrphan(revision),
      }),
    )
    const asker = stack.use(new Asker({ clock, timeoutMs: config.metrics.timeoutMs, verify: false, signal }))
    const sources = stack.use(
      await RevisionSources.open({
        clock,
        random,
        log,
        config: config.metrics,
        usage: new MetricsApi(client),
        gpus: new DcgmExporters({
          client,
          clock,
          config: config.metrics.dcgm,
          pods,
          get: async (url) => (await asker.ask(url)).body.toString(),
        }),
      }),
    )
    let published: readonly Revision[] | undefined
    const controller = new Controller({
      clock,
      cluster,
      bus: this.#bus,
      log,
      sources,
      metrics: this.#metrics,
      store: writer,
      autoscaler,
      progressDeadlineMs: config.revisions.progressDeadlineMs,
      reconcile: { strict: false, keep: config.revisions.keep, urls },
      publish: (tables) => {
        if (tables.revisions === published) return
        published = tables.revisions
        revisions.clear()
        for (const revision of tables.revisions) revisions.set(revision.name, revision)
        replicas.revisionsChanged()
      },
    })
    this.#leading = controller
    try {
      await Promise.all([controller.run(signal), writer.run(signal), grants?.run(signal)])
    } finally {
      this.#leading = undefined
    }
  }
}

function* revisionsIn(
  routes: ResourceCache,
  onError: (error: unknown) => void,
): Generator<[RevisionName, Revision]> {
  for (const route of routes.values()) {
    try {
      for (const revision of readInferenceRoute(route).revisions) yield [revision.name, revision]
    } catch (error) {
      onError(error)
    }
  }
}

function allOf({ runtimes, others, grants, ...single }: ControllerCaches): readonly ResourceCache[] {
  return [...Object.values(single), ...runtimes, ...others, ...(grants === undefined ? [] : [grants])]
}

async function untilSynced(caches: ControllerCaches, signal: AbortSignal): Promise<void> {
  await Promise.race([Promise.all(allOf(caches).map((cache) => cache.whenSynced)), aborted(signal)])
}
