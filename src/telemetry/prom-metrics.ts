import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { RevisionName } from '../core/names.ts'
import type { ReplicaPhase } from '../core/replica.ts'
import { metricEntries, type MetricEntry } from './catalogue.ts'
import type { Dump, Tally } from './tally.ts'
import { ThreadMetrics } from './thread-metrics.ts'

/** What the gauges show, asked for at each scrape: the control plane's snapshot has this shape. */
export interface MetricsSource {
  readonly revisions: readonly {
    readonly name: RevisionName
    /** Known where decisions are taken. */
    readonly wanted?: number
    readonly replicas: Readonly<Record<ReplicaPhase, number>>
    readonly waiting: number
    readonly inFlight: number
  }[]
  /** Whether Redis can be reached; undefined where there is none. */
  readonly busConnected?: boolean
  /** Whether this process decides; undefined where it never does. */
  readonly leading?: boolean
}

export interface PromMetricsOptions {
  /** False leaves out Node's own (tests, many in one process). */
  readonly processMetrics?: boolean
  /** What the other threads have counted, asked for at each scrape. It has to answer also for one that is stuck: with its dump before. */
  readonly dumps?: () => Promise<readonly Dump[]>
}

/** Counts in a registry of its own, in the text format of Prometheus; the counts of other threads are added. */
export class PromMetrics extends ThreadMetrics {
  readonly #registry = new Registry()
  readonly #source: () => MetricsSource
  readonly #dumps: (() => Promise<readonly Dump[]>) | undefined
  readonly #queueDepth = new Gauge(this.#config(metricEntries.queueDepth))
  readonly #inFlight = new Gauge(this.#config(metricEntries.inFlight))
  readonly #replicas = new Gauge(this.#config(metricEntries.replicas))
  readonly #replicasWanted = new Gauge(this.#config(metricEntries.replicasWanted))
  readonly #busConnected = new Gauge(this.#config(metricEntries.busConnected))
  readonly #leading = new Gauge(this.#config(metricEntries.leading))
  /** What the registry shows of what is counted, by the metric's name. */
  #counted: ReadonlyMap<string, Tally>

  /** `source` is asked at each scrape. */
  constructor(source: () => MetricsSource, options: PromMetricsOptions = {}) {
    super()
    this.#source = source
    this.#dumps = options.dumps
    this.#counted = byName(this.sumWith([], new Set()))
    for (const [name, { entry }] of this.#counted) {
      // A metric is to a registry what answers `get`; this one's type and values are ours. A Gauge has nothing else
      // in between, a Histogram would compute its buckets.
      Object.assign(new Gauge(this.#config(entry)), {
        type: entry.type,
        get: () => ({ ...entry, values: this.#counted.get(name)?.samples() ?? [] }),
      })
    }
    if (options.processMetrics !== false) collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The body of GET /metrics. @throws what `dumps` throws. */
  async expose(): Promise<string> {
    const dumps = (await this.#dumps?.()) ?? []
    const living = this.#refreshGauges()
    this.retain(living)
    this.#counted = byName(this.sumWith(dumps, living))
    // Every metric is asked before this returns: another scrape that waits for its dumps cannot come between.
    return this.#registry.metrics()
  }

  #refreshGauges(): ReadonlySet<string> {
    const { revisions, busConnected, leading } = this.#source()
    for (const gauge of [this.#queueDepth, this.#inFlight, this.#replicas, this.#replicasWanted])
      gauge.reset()
    setState(this.#busConnected, busConnected)
    setState(this.#leading, leading)
    for (const { name: revision, waiting, inFlight, wanted, replicas } of revisions) {
      this.#queueDepth.set({ revision }, waiting)
      this.#inFlight.set({ revision }, inFlight)
      if (wanted !== undefined) this.#replicasWanted.set({ revision }, wanted)
      for (const [phase, count] of Object.entries(replicas)) this.#replicas.set({ revision, phase }, count)
    }
    return new Set(revisions.map(({ name }) => name))
  }

  #config(entry: MetricEntry): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    return { name: entry.name, help: entry.help, labelNames: [...entry.labels], registers: [this.#registry] }
  }
}

function byName(tallies: readonly Tally[]): ReadonlyMap<string, Tally> {
  return new Map(tallies.map((tally) => [tally.entry.name, tally]))
}

/** Shown only where there is such a thing. */
function setState(gauge: Gauge, state: boolean | undefined): void {
  if (state === undefined) gauge.remove()
  else gauge.set(state ? 1 : 0)
}
