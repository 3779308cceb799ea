import { LlmPolicyError, type AutoscalerConfig, type Policy } from '../../autoscaler/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Cluster } from '../core/cluster.ts'
import type { Decision } from '../core/decision.ts'
import type { Desired, DesiredService } from '../core/desired.ts'
import { Latest } from '../core/latest.ts'
import type { MetricSources } from '../core/measurements.ts'
import { qualified, split, type InferenceServiceName, type RevisionName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { Bus, ControllerMember, Report } from '../core/report.ts'
import type { Revision } from '../core/revision.ts'
import type { Log, Metrics } from '../core/telemetry.ts'
import {
  HistoryError,
  readHistory,
  type KeptService,
  type ReconcileOptions,
  type ServiceStore,
} from '../kserve/index.ts'
import { revisionsThatDiffer } from './replica-changes.ts'
import { revisionPolicyOf } from './revision-policy.ts'
import { RevisionScaler, type ScalerDependencies } from './revision-scaler.ts'
import { ServiceState, type RevisionVerdicts } from './service-state.ts'
import { snapshotOf } from './snapshot.ts'
import { TablePublisher, type Tables } from './tables.ts'
import type { ControlPlane, Snapshot } from './view.ts'

const TICK_MS = 2_000
const FOLLOW_PERIOD_MS = 200

export interface ControllerOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly bus: Bus
  readonly log: Log
  readonly metrics: Metrics
  readonly store: ServiceStore
  readonly sources: MetricSources
  readonly autoscaler: AutoscalerConfig
  readonly progressDeadlineMs: number
  readonly reconcile: ReconcileOptions
  /** Takes the tables in the same turn in which they change. */
  readonly publish: (tables: Tables) => void
}

/**
 * The control plane. Three loops, each looking at all that is true now: what is desired, what is ready, and a tick. What
 * they find becomes revisions, routes, status and numbers of replicas.
 */
export class Controller implements ControlPlane, ControllerMember {
  readonly #options: ControllerOptions
  readonly #services = new Map<InferenceServiceName, ServiceState>()
  readonly #scalers = new Map<RevisionName, RevisionScaler>()
  /** Which of the scalers are whose. */
  readonly #scaled = new Map<InferenceServiceName, Set<RevisionName>>()
  /** Of revisions that are no longer there, until the cluster has taken their replicas away. */
  readonly #retiring = new Set<RevisionScaler>()
  /** Counts changes, for those who follow. */
  readonly #changes = new Latest(0)
  #desired: Desired | undefined
  #replicas: readonly Replica[] | undefined
  #byRevision: ReadonlyMap<RevisionName, readonly Replica[]> = new Map()
  readonly #tables: TablePublisher
  #dependencies: ScalerDependencies | undefined
  readonly #firstLook = Promise.withResolvers<void>()

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#tables = new TablePublisher(options.publish)
  }

  isReady(): boolean {
    return this.#desired !== undefined && this.#replicas !== undefined
  }

  /** Resolves when the configuration and the replicas were read once. */
  get whenReady(): Promise<void> {
    return this.#firstLook.promise
  }

  /** Runs until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, cluster, bus, sources, log, metrics } = this.#options
    this.#dependencies = { clock, cluster, bus, sources, log, metrics, signal }
    await this.#restore()
    using _membership = bus.joinController(this)
    await Promise.all([this.#followDesired(signal), this.#followReady(signal), this.#tick(signal)])
  }

  report(reports: readonly Report[]): void {
    for (const report of reports) this.#scalers.get(report.revision)?.record(report)
    this.#changed()
  }

  wake(revision: RevisionName): void {
    this.#scalers.get(revision)?.decide()
    this.#changed()
  }

  /** Somebody else ordered the first replica of a sleeping revision: it is awake, and decided on from there. */
  raised(revision: RevisionName): void {
    this.#scalers.get(revision)?.raised()
    this.#changed()
  }

  decisions(revision: RevisionName): readonly Decision[] | undefined {
    return this.#scalers.get(revision)?.log.all()
  }

  snapshot(): Snapshot {
    return snapshotOf({
      nowMs: this.#options.clock.now(),
      services: [...this.#services.values()],
      scalers: this.#scalers,
      replicas: this.#replicas ?? [],
      problems: this.#desired?.problems ?? [],
    })
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Snapshot, void, void> {
    for await (const _change of this.#changes.values(signal)) {
      yield this.snapshot()
      await this.#options.clock.sleep(FOLLOW_PERIOD_MS, signal).catch(() => {})
    }
  }

  async #restore(): Promise<void> {
    const { store, log } = this.#options
    for (const [service, kept] of Object.entries(await store.load())) {
      try {
        const { namespace, name } = split(service)
        this.#services.set(qualified(namespace, name), new ServiceState(readHistory(kept, service)))
      } catch (error) {
        if (!(error instanceof HistoryError)) throw error
        log.warn({ service, err: error }, 'the history of a service cannot be read and begins anew')
      }
    }
  }

  async #followDesired(signal: AbortSignal): Promise<void> {
    for await (const desired of this.#options.cluster.desired(signal)) {
      const isFirst = this.#desired === undefined
      this.#desired = desired
      this.#reconcile(isFirst ? undefined : (name, service) => this.#services.get(name)?.desired !== service)
    }
  }

  async #followReady(signal: AbortSignal): Promise<void> {
    for await (const { replicas } of this.#options.cluster.ready(signal)) {
      const isFirst = this.#replicas === undefined
      const before = this.#byRevision
      this.#replicas = replicas
      this.#byRevision = Map.groupBy(replicas, (replica) => replica.revision)
      if (isFirst) this.#reconcile()
      else this.#reconcileSome(this.#servicesOf(revisionsThatDiffer(before, this.#byRevision)))
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!signal.aborted) {
      try {
        await clock.sleep(TICK_MS, signal)
      } catch {
        return
      }
      for (const scaler of this.#scalers.values()) {
        if (!scaler.isAsleep) scaler.decide()
      }
      for (const scaler of this.#retiring) this.#retire(scaler)
      // A revision may have been given up, and conditions depend on that.
      this.#reconcile()
    }
  }

  /**
   * Brings services, revisions and tables to what is true now.
   * @param isNews which of the services that are wanted have to be looked at; all of them if undefined.
   */
  #reconcile(isNews?: (name: InferenceServiceName, desired: DesiredService) => boolean): void {
    if (this.#desired === undefined || this.#replicas === undefined) return
    const wanted = new Set<InferenceServiceName>()
    const looked: InferenceServiceName[] = []
    for (const desired of this.#desired.services) {
      const name = qualified(desired.namespace, desired.name)
      wanted.add(name)
      if (isNews?.(name, desired) === false) continue
      looked.push(name)
      this.#reconcileService(name, desired)
    }
    for (const [name, state] of this.#services) {
      if (wanted.has(name)) continue
      this.#openScalers(state)
      this.#services.delete(name)
      this.#tables.outdated()
      this.#save(name, undefined)
      looked.push(name)
    }
    this.#settle(looked)
    this.#firstLook.resolve()
  }

  /** The same where only replicas of some services are different: what it costs does not grow with the others. */
  #reconcileSome(services: ReadonlySet<InferenceServiceName>): void {
    if (this.#desired === undefined) return
    for (const name of services) {
      const desired = this.#services.get(name)?.desired
      if (desired !== undefined) this.#reconcileService(name, desired)
    }
    this.#settle(services)
  }

  #reconcileService(name: InferenceServiceName, desired: DesiredService): void {
    let state = this.#services.get(name)
    if (state === undefined) this.#services.set(name, (state = new ServiceState(undefined)))
    const before = state.result
    // What an earlier life left gets scalers first: if it is stopped or collected by now, it has to go.
    this.#openScalers(state)
    // A new revision may be ready at once (initial scale 0), which only its scaler knows: look again then.
    for (let isNew = true; isNew;) {
      const isChanged = state.reconcile(desired, this.#replicasOf(state), this.#verdicts, {
        nowMs: this.#options.clock.now(),
        options: this.#options.reconcile,
      })
      if (isChanged && state.result !== undefined) this.#save(name, { desired, result: state.result })
      isNew = this.#openScalers(state)
    }
    const { result } = state
    if (result?.routes !== before?.routes || result?.revisions !== before?.revisions) this.#tables.outdated()
  }

  #replicasOf({ revisions }: ServiceState): readonly Replica[] {
    return revisions.flatMap(({ name }) => this.#byRevision.get(name) ?? [])
  }

  #settle(services: Iterable<InferenceServiceName>): void {
    this.#tables.publish(this.#services.values(), this.#replicas ?? [])
    for (const service of services) this.#settleScalers(service)
    this.#changed()
  }

  #servicesOf(revisions: Iterable<RevisionName>): ReadonlySet<InferenceServiceName> {
    const services = new Set<InferenceServiceName>()
    for (const revision of revisions) {
      const scaler = this.#scalers.get(revision)
      if (scaler !== undefined) services.add(scaler.revision.service)
    }
    return services
  }

  readonly #verdicts: RevisionVerdicts = {
    readyWithoutReplicas: (revision) => {
      const policy = this.#scalers.get(revision)?.policy
      return policy !== undefined && policy.initialScale === 0 && policy.minScale === 0
    },
    gaveUp: (revision) => this.#scalers.get(revision)?.gaveUp ?? false,
  }

  /** True if a revision got its scaler only now. */
  #openScalers(state: ServiceState): boolean {
    let isNew = false
    for (const revision of state.revisions) {
      if (this.#scalers.has(revision.name) || this.#dependencies === undefined) continue
      const everReady = state.everReady.has(revision.name)
      const policy = this.#policyOf(revision, state.result?.minScale.get(revision.name))
      const replicas = this.#byRevision.get(revision.name) ?? []
      const ready = replicas.filter((replica) => replica.phase === 'ready').length
      // Of a service that was deleted and made again: what its earlier life still has to say is about this one now.
      for (const earlier of this.#retiring) {
        if (earlier.revision.name !== revision.name) continue
        earlier.abandon()
        this.#retiring.delete(earlier)
      }
      const scaler = new RevisionScaler(revision, { policy, everReady, ready }, this.#dependencies)
      this.#scalers.set(revision.name, scaler)
      const scaled = this.#scaled.get(revision.service) ?? new Set()
      this.#scaled.set(revision.service, scaled.add(revision.name))
      isNew = true
    }
    return isNew
  }

  #policyOf(revision: Revision, minScale: number | undefined): Policy {
    const { autoscaler: config, progressDeadlineMs, log } = this.#options
    const source = { config, progressDeadlineMs, minScale }
    try {
      return revisionPolicyOf(revision, source)
    } catch (error) {
      if (!(error instanceof LlmPolicyError)) throw error
      log.warn(
        { revision: revision.name, err: error },
        'annotations of the policy cannot be read, so it scales on requests',
      )
      const { template } = revision
      const scaling = { ...template.scaling, class: 'kpa' as const }
      return revisionPolicyOf({ ...revision, template: { ...template, scaling } }, source)
    }
  }

  /** Tells a service's scalers what their replicas are; lets those go whose revision is no longer there. */
  #settleScalers(service: InferenceServiceName): void {
    const { revisions = [], reachable, minScale } = this.#services.get(service)?.result ?? {}
    for (const revision of revisions) this.#usePolicyOf(revision, minScale?.get(revision.name))
    const scaled = this.#scaled.get(service) ?? new Set()
    for (const name of scaled) {
      const scaler = this.#scalers.get(name)
      if (scaler === undefined) continue
      if (!revisions.some((revision) => revision.name === name)) {
        scaled.delete(name)
        this.#scalers.delete(name)
        this.#retiring.add(scaler)
        this.#retire(scaler)
        continue
      }
      const isChanged = scaler.observe(this.#byRevision.get(name) ?? [], reachable?.has(name) ?? false)
      if (isChanged) scaler.decide()
    }
    if (scaled.size === 0) this.#scaled.delete(service)
  }

  /** Again at each tick: a cluster that does not answer now must not keep a replica that nobody knows of. */
  #retire(scaler: RevisionScaler): void {
    void scaler.retire().then((isGone) => isGone && this.#retiring.delete(scaler))
  }

  /** In Standard mode the scaling of a revision may change in place, and canaries change its min-scale. */
  #usePolicyOf(revision: Revision, minScale: number | undefined): void {
    const scaler = this.#scalers.get(revision.name)
    if (scaler === undefined) return
    const { scaling } = revision.template
    if (scaler.scaling === scaling && (minScale ?? scaler.policy.minScale) === scaler.policy.minScale) return
    scaler.usePolicy(this.#policyOf(revision, minScale), revision)
  }

  #save(service: InferenceServiceName, kept: KeptService | undefined): void {
    this.#options.store.save(service, kept).catch((error: unknown) => {
      this.#options.log.error({ service, err: error }, 'what a service has come to cannot be kept')
    })
  }

  #changed(): void {
    this.#changes.set(this.#changes.value + 1)
  }
}
