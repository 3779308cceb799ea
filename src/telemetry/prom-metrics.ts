import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Decision } from '../core/decision.ts'
import type { RevisionName } from '../core/names.ts'
import type { ReplicaPhase } from '../core/replica.ts'
import type { Metrics } from '../core/telemetry.ts'
import { metricEntries, type MetricEntry } from './catalogue.ts'

/** What the gauges show, asked for at each scrape: the control plane's snapshot has this shape. */
export interface MetricsSource {
  readonly revisions: readonly {
    readonly name: RevisionName
    readonly wanted: number
    readonly replicas: Readonly<Record<ReplicaPhase, number>>
    readonly waiting: number
    readonly inFlight: number
  }[]
}

const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** From a process (50 ms) to a 400 GB model on a new node (15 minutes). */
const COLD_START_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900]

type Labels = Record<string, string>
interface Labelled {
  remove(labels: Labels): void
}

/** Counts in a registry of its own, in the text format of Prometheus. */
export class PromMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #source: () => MetricsSource
  readonly #requests = new Counter(this.#config(metricEntries.requests))
  readonly #requestDuration = new Histogram({
    ...this.#config(metricEntries.requestDuration),
    buckets: REQUEST_BUCKETS_S,
  })
  readonly #queueWait = new Histogram({
    ...this.#config(metricEntries.queueWait),
    buckets: COLD_START_BUCKETS_S,
  })
  readonly #coldStart = new Histogram({
    ...this.#config(metricEntries.coldStart),
    buckets: COLD_START_BUCKETS_S,
  })
  readonly #refusals = new Counter(this.#config(metricEntries.refusals))
  readonly #retries = new Counter(this.#config(metricEntries.retries))
  readonly #decisions = new Counter(this.#config(metricEntries.decisions))
  readonly #queueDepth = new Gauge(this.#config(metricEntries.queueDepth))
  readonly #inFlight = new Gauge(this.#config(metricEntries.inFlight))
  readonly #replicas = new Gauge(this.#config(metricEntries.replicas))
  readonly #replicasWanted = new Gauge(this.#config(metricEntries.replicasWanted))
  /** Which series stand for which revision, so that they can go with it. */
  readonly #series = new Map<string, Map<string, () => void>>()

  /** `source` is asked at each scrape. `processMetrics: false` leaves out Node's own (tests, many in one process). */
  constructor(source: () => MetricsSource, options: { readonly processMetrics?: boolean } = {}) {
    this.#source = source
    if (options.processMetrics !== false) collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The body of GET /metrics. */
  async expose(): Promise<string> {
    this.#refreshGauges()
    return this.#registry.metrics()
  }

  requestFinished(request: Parameters<Metrics['requestFinished']>[0]): void {
    const { route, revision } = request
    const code = String(request.status)
    this.#requests.inc(this.#track(this.#requests, { route, revision, code }))
    this.#requestDuration.observe(
      this.#track(this.#requestDuration, { route, revision }),
      request.durationMs / 1000,
    )
    if (request.refusal !== undefined) this.#refusals.inc({ code: request.refusal })
  }

  queueLeft(revision: RevisionName, outcome: 'served' | 'refused' | 'gone', waitMs: number): void {
    this.#queueWait.observe(this.#track(this.#queueWait, { revision, outcome }), waitMs / 1000)
  }

  coldStart(revision: RevisionName, durationMs: number): void {
    this.#coldStart.observe(this.#track(this.#coldStart, { revision }), durationMs / 1000)
  }

  retried(revision: RevisionName): void {
    this.#retries.inc(this.#track(this.#retries, { revision }))
  }

  decided(revision: RevisionName, decision: Decision): void {
    this.#decisions.inc(this.#track(this.#decisions, { revision, mode: decision.mode }))
  }

  #refreshGauges(): void {
    const { revisions } = this.#source()
    this.#forgetAllBut(new Set(revisions.map(({ name }) => name)))
    for (const gauge of [this.#queueDepth, this.#inFlight, this.#replicas, this.#replicasWanted])
      gauge.reset()
    for (const { name: revision, waiting, inFlight, wanted, replicas } of revisions) {
      this.#queueDepth.set({ revision }, waiting)
      this.#inFlight.set({ revision }, inFlight)
      this.#replicasWanted.set({ revision }, wanted)
      for (const [phase, count] of Object.entries(replicas)) this.#replicas.set({ revision, phase }, count)
    }
  }

  /** A service that is deployed daily for a year would otherwise leave a year of series behind. */
  #forgetAllBut(living: ReadonlySet<string>): void {
    for (const [revision, removals] of this.#series) {
      if (living.has(revision)) continue
      for (const remove of removals.values()) remove()
      this.#series.delete(revision)
    }
  }

  /** Remembers the series, unless it stands for no revision ('' = no route found: there is one such forever). */
  #track<L extends Labels & { readonly revision: string }>(
    metric: Labelled & { name?: string },
    labels: L,
  ): L {
    if (labels.revision === '') return labels
    let removals = this.#series.get(labels.revision)
    if (removals === undefined) this.#series.set(labels.revision, (removals = new Map()))
    const key = `${metric.name} ${Object.values(labels).join(' ')}`
    if (!removals.has(key)) removals.set(key, () => metric.remove(labels))
    return labels
  }

  #config(entry: MetricEntry): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    return { name: entry.name, help: entry.help, labelNames: [...entry.labels], registers: [this.#registry] }
  }
}
