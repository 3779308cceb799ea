import {
  decide,
  Demand,
  initialMemory,
  measuresAtZero,
  type Memory,
  type Policy,
} from '../../autoscaler/index.ts'
import type { Clock } from '../core/clock.ts'
import type { Cluster } from '../core/cluster.ts'
import type { MetricSources } from '../core/measurements.ts'
import type { Replica } from '../core/replica.ts'
import type { Bus, Report } from '../core/report.ts'
import type { Revision, ScalingSpec } from '../core/revision.ts'
import type { Log, Metrics } from '../core/telemetry.ts'
import { DecisionLog } from './decision-log.ts'
import { readingsOf } from './readings.ts'

export interface ScalerDependencies {
  readonly clock: Clock
  readonly cluster: Pick<Cluster, 'scale' | 'retire'>
  readonly bus: Pick<Bus, 'letGo' | 'keep'>
  readonly sources: MetricSources
  readonly log: Log
  readonly metrics: Metrics
  /** Ends every call that is under way. */
  readonly signal: AbortSignal
}

/**
 * Keeps one revision at the number of replicas that its load asks for: remembers what gateways report, decides,
 * and brings the cluster there, one call at a time. The only writer of this revision's replicas.
 */
export class RevisionScaler {
  readonly revision: Revision
  readonly log = new DecisionLog()
  readonly #deps: ScalerDependencies
  readonly #demand: Demand
  #policy: Policy
  /** As it is now: how it scales may change in place. */
  #current: Revision
  #memory: Memory
  #replicas: readonly Replica[] = []
  #isReachable = true
  /** Number that the cluster accepted last; undefined before the first. */
  #accepted: number | undefined
  #wanted = 0
  #isApplying = false
  #isRetired = false
  /** The cluster was told that it is retired. */
  #isGone = false

  constructor(
    revision: Revision,
    options: { readonly policy: Policy; readonly everReady: boolean; readonly ready: number },
    dependencies: ScalerDependencies,
  ) {
    this.revision = revision
    this.#deps = dependencies
    this.#policy = options.policy
    this.#current = revision
    this.#demand = new Demand(options.policy)
    this.#memory = initialMemory({
      nowMs: dependencies.clock.now(),
      ready: options.ready,
      initialised: options.everReady,
    })
  }

  get policy(): Policy {
    return this.#policy
  }

  get wanted(): number {
    return this.#wanted
  }

  /** Requests in the queues of all gateways. */
  get waiting(): number {
    return this.#demand.held(this.#deps.clock.now()).waiting
  }

  /** Requests on replicas. */
  get inFlight(): number {
    return this.#demand.held(this.#deps.clock.now()).inFlight
  }

  /** Had no ready replica within its progress deadline. */
  get gaveUp(): boolean {
    const { initialised, createdMs } = this.#memory
    return !initialised && this.#deps.clock.now() - createdMs >= this.#policy.progressDeadlineMs
  }

  /** Takes what is true of the replicas now; true if that is a reason to decide before the next tick. */
  observe(replicas: readonly Replica[], isReachable: boolean): boolean {
    const isReason = this.log.newest === undefined || isReachable !== this.#isReachable
    this.#replicas = replicas
    this.#isReachable = isReachable
    this.#deps.sources.watch(this.#current, replicas)
    return isReason
  }

  /** What the policy was made of. */
  get scaling(): ScalingSpec {
    return this.#current.template.scaling
  }

  /** @param revision this one, with what may change in place. */
  usePolicy(policy: Policy, revision: Revision): void {
    this.#policy = policy
    this.#current = revision
    this.#demand.adopt(policy, this.#deps.clock.now())
    this.#deps.sources.watch(revision, this.#replicas)
  }

  record(report: Report): void {
    this.#demand.record(report)
  }

  /** True where a decision could not change anything: asleep, nobody waits, nothing has been seen lately. */
  get isAsleep(): boolean {
    // A metric from outside may wake it, too.
    if (this.#policy.class === 'hpa' && measuresAtZero(this.#policy.hpa)) return false
    return this.#accepted === 0 && this.#wanted === 0 && !this.#isApplying && this.waiting === 0
  }

  /** Decides on what is known now, and begins to bring the cluster there in this same turn. */
  decide(): void {
    if (this.#isRetired) return
    const { clock, metrics, sources } = this.#deps
    const nowMs = clock.now()
    const ready = this.#replicas.filter((replica) => replica.phase === 'ready').length
    // Gateways report a revision that has ready replicas every second. One that has none and of which nothing is
    // heard is idle; where a ready one is not heard of, the gateways are, so the last averages stay.
    // After a restart only the replicas say that it was awake; gateways first have a window to say the contrary.
    const isLeftOver =
      nowMs - this.#memory.createdMs >= this.#policy.stableWindowMs &&
      this.#replicas.some(({ phase }) => phase !== 'draining')
    const silentIsIdle = ready === 0 && (this.#wanted > 0 || isLeftOver)
    const demand = this.#demand.observe(nowMs, { silentIsIdle })
    const { waiting, inFlight } = this.#demand.held(nowMs)
    const readings = readingsOf({
      revision: this.#current,
      replicas: this.#replicas,
      measured: sources.measured(this.revision.name),
      gateway: (metric) => this.#demand.gateway(metric, nowMs),
      nowMs,
    })
    const { decision, memory } = decide(
      this.#policy,
      {
        nowMs,
        ready,
        starting: this.#replicas.filter((replica) => isStarting(replica)).length,
        unplaced: this.#replicas.filter(({ reasonCode }) => reasonCode === 'Unschedulable').length,
        stable: demand?.stable,
        panic: demand?.panic,
        waiting,
        inFlight,
        reachable: this.#isReachable,
        ...(readings === undefined ? {} : { readings }),
      },
      this.#memory,
    )
    this.#memory = memory
    if (decision.replicas !== undefined) {
      this.#wanted = decision.replicas
      // Before anything is written down: a cold start waits for this.
      void this.#apply()
    }
    if (this.log.newest?.replicas !== decision.replicas) {
      this.#deps.log.info({ revision: this.revision.name, ...decision }, 'decided')
    }
    this.log.add(decision)
    metrics.decided(this.revision.name, decision)
  }

  /** A gateway ordered the first replica itself. */
  raised(): void {
    if (this.#isRetired || this.#wanted > 0) return
    this.#wanted = 1
    this.#accepted = 1
    this.#memory = { ...this.#memory, replicas: 1, upSinceMs: this.#deps.clock.now() }
    this.#deps.log.warn({ revision: this.revision.name }, 'a gateway ordered the first replica itself')
  }

  /**
   * The revision is no longer wanted: its replicas finish what they have and go, and so does what was made for one that
   * sleeps. False: not yet, ask again.
   */
  async retire(): Promise<boolean> {
    this.#isRetired = true
    this.#wanted = 0
    this.#deps.sources.forget(this.revision.name)
    await this.#apply()
    return this.#isGone
  }

  /** Another scaler has a revision of this name from here on: this one says nothing more. */
  abandon(): void {
    this.#isRetired = true
    this.#isGone = true
  }

  get #isSettled(): boolean {
    return this.#isRetired ? this.#isGone : this.#accepted === this.#wanted
  }

  async #apply(): Promise<void> {
    if (this.#isApplying) return
    this.#isApplying = true
    try {
      while (!this.#isSettled) {
        if (!(await this.#step(this.#wanted))) break
      }
    } finally {
      this.#isApplying = false
    }
  }

  /** One call to the cluster; false where it is to be tried again at the next tick. */
  async #step(replicas: number): Promise<boolean> {
    const { bus, cluster, log, signal } = this.#deps
    const name = this.revision.name
    // From here to the first await everything happens in the caller's turn: a wake-up waits for no promise.
    const isLeaving = replicas === 0 && !this.#isRetired && (this.#accepted ?? 0) > 0
    try {
      if (isLeaving && !(await bus.letGo(name, signal))) {
        log.debug({ revision: name }, 'the last replica stays: a gateway holds or runs a request')
        this.#wanted = this.#accepted ?? 0
        return false
      }
      // Somebody may have come while the gateways were asked.
      if (isLeaving && this.#wanted !== 0) {
        bus.keep(name)
        return true
      }
      if (this.#isRetired) {
        await cluster.retire(this.revision, signal)
        this.#isGone = true
      } else await cluster.scale(this.revision, replicas, signal)
      this.#accepted = replicas
      if (replicas > 0) bus.keep(name)
      return true
    } catch (error) {
      if (isLeaving) bus.keep(name)
      if (!signal.aborted) log.warn({ revision: name, replicas, err: error }, 'the cluster refused to scale')
      return false
    }
  }
}

function isStarting({ phase }: Replica): boolean {
  return phase === 'scheduling' || phase === 'pulling' || phase === 'loading'
}
