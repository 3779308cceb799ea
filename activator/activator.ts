import type { Clock } from '../src/core/clock.ts'
import type { ReplicaLoad } from '../src/core/cluster.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import { Refusal } from '../src/core/refusals.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Bus, GatewayMember, Report, SlotMessage } from '../src/core/report.ts'
import type { Metrics } from '../src/core/telemetry.ts'
import type { Probe } from './passive-health.ts'
import { HeldPermit, type Permit } from './permit.ts'
import { RevisionActivator, type AcquireOptions, type ActivationBounds } from './revision-activator.ts'
import { Sharing, type SharingOptions } from './sharing.ts'
import type { Slots } from './slot.ts'

const REPORT_PERIOD_MS = 1_000

/** What can be served and where, as one whole value. */
export interface ActivatorTables {
  readonly revisions: readonly { readonly name: RevisionName; readonly containerConcurrency: number }[]
  readonly replicas: readonly Replica[]
}

/** What waits and runs for one revision, for those who watch. */
export interface QueueView {
  readonly waiting: number
  readonly waitingBytes: number
  readonly inFlight: number
  readonly oldestSinceMs: number | undefined
}

/**
 * Holds requests for revisions with no room and hands out permits. One per gateway; it knows nothing of
 * sockets. It reports what it sees once a second, and at once for a revision that was cold.
 */
export class Activator implements GatewayMember, ReplicaLoad {
  readonly name: string
  readonly #clock: Clock
  readonly #bus: Pick<Bus, 'report' | 'wake'>
  readonly #metrics: Metrics
  readonly #bounds: ActivationBounds
  readonly #probe: Probe | undefined
  readonly #openSlots: ((revision: RevisionName, containerConcurrency: number) => Slots) | undefined
  readonly #sharing: Sharing | undefined
  readonly #revisions = new Map<RevisionName, RevisionActivator>()
  #revisionOf = new Map<ReplicaName, RevisionName>()
  /** Revisions whose first request was told at once, since the last report. */
  readonly #toldCold = new Set<RevisionName>()

  constructor(options: {
    readonly name: string
    readonly clock: Clock
    readonly bus: Pick<Bus, 'report' | 'wake'>
    readonly metrics: Metrics
    readonly bounds: ActivationBounds
    /** Asked before a replica that failed gets requests again: a TCP connect. Default: it gets them after its backoff. */
    readonly probe?: Probe
    /** Where several threads share the slots: those of one revision. Default: this activator is alone. */
    readonly openSlots?: (revision: RevisionName, containerConcurrency: number) => Slots
    /**
     * Other gateways have slots of the same replicas: this one has none with a hard limit until it is told by `divide` who
     * they are. Default: all slots are here.
     */
    readonly sharing?: SharingOptions | undefined
  }) {
    this.name = options.name
    this.#clock = options.clock
    this.#bus = options.bus
    this.#metrics = options.metrics
    this.#bounds = options.bounds
    this.#probe = options.probe
    this.#openSlots = options.openSlots
    this.#sharing =
      options.sharing &&
      new Sharing({
        ...options.sharing,
        name: options.name,
        clock: options.clock,
        slots: {
          revision: (name) => this.#revisions.get(name),
          revisions: () => this.#revisions.values(),
          holding: (replica) => this.#revisionHolding(replica),
        },
      })
  }

  /** Names of all living gateways; one that is about to end lives until it is gone. */
  divide(members: Iterable<string>): void {
    this.#sharing?.update(members)
  }

  hear(message: SlotMessage): void {
    this.#sharing?.hear(message)
  }

  /** Takes what is true now in place of what was; requests that wait go on in this turn. */
  update(tables: ActivatorTables): void {
    const replicas = Map.groupBy(tables.replicas, (replica) => replica.revision)
    const known = new Set<RevisionName>()
    for (const { name, containerConcurrency } of tables.revisions) {
      known.add(name)
      let revision = this.#revisions.get(name)
      if (revision === undefined) {
        revision = this.#open(name, containerConcurrency)
        this.#revisions.set(name, revision)
      }
      revision.slots.containerConcurrency = containerConcurrency
      revision.update(replicas.get(name) ?? [])
    }
    for (const replica of tables.replicas) this.#revisionOf.set(replica.name, replica.revision)
    for (const [name, revision] of this.#revisions) {
      if (known.has(name)) continue
      revision.close()
      this.#toldCold.delete(name)
      // What still runs is counted, and waited for by `drained`, until it is over.
      if (revision.slots.inFlight === 0) this.#revisions.delete(name)
    }
    this.#forgetReplicas(tables.replicas)
  }

  /**
   * The right to run one request on one replica of the revision, at once or as soon as there is room.
   * @throws Refusal QUEUE_FULL, QUEUE_BYTES_FULL, ACTIVATION_TIMEOUT, REVISION_NOT_READY, NO_ROUTE (it was removed),
   *   UPSTREAM_RESET (a retry without another replica); the signal's reason when it is aborted.
   */
  acquire(revision: RevisionName, options: AcquireOptions): Permit | Promise<Permit> {
    const found = this.#revisions.get(revision)
    if (found === undefined)
      throw new Refusal('REVISION_NOT_READY', { detail: revision, retryAfterSeconds: 1 })
    return found.acquire(options)
  }

  /**
   * The replica of this permit refused or reset a connection: while another one stands, it gets no request until a probe
   * finds it well. The permit may have been given back.
   */
  failed(permit: Permit): void {
    if (permit instanceof HeldPermit) permit.issuer.failed(permit.slot)
  }

  /** The replica of this permit gave a whole answer: earlier failures are forgotten. Costs nothing while none fails. */
  answered(permit: Permit): void {
    if (permit instanceof HeldPermit) permit.issuer.answered(permit.slot)
  }

  /** An answer of the revision said how many tokens it took. */
  used(revision: RevisionName, tokens: NonNullable<Report['tokens']>): void {
    this.#revisions.get(revision)?.meter.used(tokens)
  }

  /** Hands free slots of a revision to those who wait here: another thread freed or granted some. */
  serve(revision: RevisionName): void {
    this.#revisions.get(revision)?.serve()
  }

  queue(revision: RevisionName): QueueView {
    const found = this.#revisions.get(revision)
    return {
      waiting: found?.waiting ?? 0,
      waitingBytes: found?.waitingBytes ?? 0,
      inFlight: found?.slots.inFlight ?? 0,
      oldestSinceMs: found?.oldestSinceMs,
    }
  }

  /** Requests that wait or run, over all revisions. */
  get underWay(): number {
    let sum = 0
    for (const revision of this.#revisions.values()) sum += revision.waiting + revision.slots.inFlight
    return sum
  }

  letGo(revision: RevisionName): boolean {
    return this.#revisions.get(revision)?.letGo() ?? true
  }

  keep(revision: RevisionName): void {
    this.#revisions.get(revision)?.keep()
  }

  inFlight(replica: ReplicaName): number {
    return this.#revisionHolding(replica)?.slots.inFlightOn(replica) ?? 0
  }

  drained(replica: ReplicaName, signal: AbortSignal): Promise<void> {
    const revision = this.#revisionHolding(replica)
    if (revision === undefined || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const onAbort = (): void => {
        stop()
        resolve()
      }
      // Listening first: an idle replica is drained at once, and must leave no listener on a long-lived signal.
      signal.addEventListener('abort', onAbort, { once: true })
      const stop = revision.slots.onDrained(replica, () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  /** Reports every second until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(REPORT_PERIOD_MS, signal)
      } catch {
        this.#sharing?.stop()
        return
      }
      this.report()
    }
  }

  /**
   * Tells the controller what was seen since the last time, of every revision that has replicas or requests:
   * zeros too, since a window holds its value when reports stop.
   */
  report(): void {
    const atMs = this.#clock.now()
    const reports: Report[] = []
    for (const [name, revision] of this.#revisions) {
      const { averageConcurrency, requests, ...rest } = revision.meter.report(atMs)
      this.#toldCold.delete(name)
      const { waiting, slots } = revision
      const isBusy = requests > 0 || averageConcurrency > 0 || waiting > 0 || slots.inFlight > 0
      if (!isBusy && slots.readyCount === 0) continue
      reports.push({
        gateway: this.name,
        revision: name,
        atMs,
        concurrency: averageConcurrency,
        requests,
        waiting,
        inFlight: slots.inFlight,
        ...rest,
      })
      revision.wakeAgain()
    }
    if (reports.length > 0) this.#bus.report(reports)
  }

  #open(name: RevisionName, containerConcurrency: number): RevisionActivator {
    const revision: RevisionActivator = new RevisionActivator({
      revision: name,
      containerConcurrency,
      bounds: this.#bounds,
      clock: this.#clock,
      metrics: this.#metrics,
      probe: this.#probe,
      slots: this.#openSlots?.(name, containerConcurrency),
      lender: this.#sharing?.lender,
      wake: () => this.#wake(name, revision),
    })
    return revision
  }

  #wake(name: RevisionName, revision: RevisionActivator): void {
    if (revision.waiting === 1 && !this.#toldCold.has(name)) {
      // The next report holds it again; autoscaler/demand.ts counts it once.
      this.#toldCold.add(name)
      this.#bus.report([
        {
          gateway: this.name,
          revision: name,
          atMs: this.#clock.now(),
          concurrency: 1,
          requests: 1,
          waiting: 1,
          inFlight: revision.slots.inFlight,
        },
      ])
    }
    this.#bus.wake(name)
  }

  #revisionHolding(replica: ReplicaName): RevisionActivator | undefined {
    const revision = this.#revisionOf.get(replica)
    return revision === undefined ? undefined : this.#revisions.get(revision)
  }

  #forgetReplicas(replicas: readonly Replica[]): void {
    const current = new Map<ReplicaName, RevisionName>(replicas.map(({ name, revision }) => [name, revision]))
    for (const [name, revision] of this.#revisionOf) {
      if (current.has(name)) continue
      // A replica that left in mid-request is still asked about until it has drained.
      if ((this.#revisions.get(revision)?.slots.inFlightOn(name) ?? 0) > 0) current.set(name, revision)
    }
    this.#revisionOf = current
  }
}
