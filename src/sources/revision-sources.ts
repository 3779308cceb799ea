import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import type { Config } from '../core/config.ts'
import type {
  GpuSource,
  GpuUsage,
  Measured,
  MeasuredReplica,
  Measurements,
  MetricSources,
  ReplicaMetric,
  ResourceUsage,
  UsageSource,
} from '../core/measurements.ts'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Random } from '../core/random.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import type { Log } from '../core/telemetry.ts'
import { Asker } from './get.ts'
import { PrometheusQueries, type PrometheusQuery } from './prometheus.ts'
import { ReplicaScraper } from './replica-scraper.ts'
import { Round } from './round.ts'
import { wantedOf, wantsGpus, wantsScrapes, type Wanted } from './wanted.ts'

export interface RevisionSourcesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly config: Config['metrics']
  /** CPU and memory of replicas. */
  readonly usage: UsageSource
  readonly gpus: GpuSource
}

interface Watched {
  readonly revision: Revision
  readonly wanted: Wanted
  readonly queries: readonly (PrometheusQuery | undefined)[]
  readonly ended: AbortController
  given: readonly Replica[]
  /** The ready ones. */
  replicas: readonly Replica[]
  readonly scrapers: Map<ReplicaName, Scraped>
}

interface Scraped {
  readonly scraper: ReplicaScraper
  failures: number
  /** Rounds in which it is left alone. */
  pause: number
}

/** A replica that does not answer is asked every so many rounds at least. */
const PAUSE_MAX = 4

/** Measures what revisions scale on: replicas, their GPUs, CPU and memory, and Prometheus servers. */
export class RevisionSources implements MetricSources, AsyncDisposable {
  readonly #options: RevisionSourcesOptions
  readonly #watched = new Map<RevisionName, Watched>()
  readonly #over = new AbortController()
  readonly #replicaAsker: Asker
  readonly #prometheusAsker: Asker
  readonly #queries: PrometheusQueries
  readonly #usage: Round<Measured<ResourceUsage>>
  readonly #gpus: Round<GpuUsage>

  /** @throws Error naming the file of `config.prometheus` that cannot be read */
  static async open(options: RevisionSourcesOptions): Promise<RevisionSources> {
    const { caFile, bearerTokenFile } = options.config.prometheus
    const ca = await readSecret('metrics.prometheus.caFile', caFile)
    // Only to say at once that it cannot be read: tokens change.
    await readSecret('metrics.prometheus.bearerTokenFile', bearerTokenFile)
    return new RevisionSources(options, ca)
  }

  private constructor(options: RevisionSourcesOptions, prometheusCa: string | undefined) {
    this.#options = options
    const { clock, random, log, config, usage, gpus } = options
    const { url, bearerTokenFile } = config.prometheus
    const { signal } = this.#over
    const asking = { clock, timeoutMs: config.timeoutMs, signal }
    // Replicas have certificates of their own, if any, and are asked by address.
    this.#replicaAsker = new Asker({ ...asking, verify: false })
    this.#prometheusAsker = new Asker({
      ...asking,
      verify: true,
      ...(prometheusCa === undefined ? {} : { ca: prometheusCa }),
    })
    this.#queries = new PrometheusQueries({
      asker: this.#prometheusAsker,
      clock,
      random,
      log,
      periodMs: config.periodMs,
      staleAfterMs: config.staleAfterMs,
      tokenFor: (server) =>
        isSameOrigin(server, url)
          ? readSecret('metrics.prometheus.bearerTokenFile', bearerTokenFile)
          : Promise.resolve(undefined),
      signal,
    })
    const round = { clock, log, periodMs: config.periodMs, timeoutMs: config.timeoutMs, signal }
    this.#usage = new Round({
      ...round,
      what: 'CPU and memory',
      replicas: () => this.#replicasThat(({ wanted }) => wanted.usage),
      read: (replicas, within) => usage.usage(replicas, within),
    })
    this.#gpus = new Round({
      ...round,
      what: 'GPUs',
      replicas: () => this.#replicasThat(({ wanted }) => wantsGpus(wanted)),
      read: (replicas, within) => gpus.gpus(replicas, within),
    })
  }

  watch(revision: Revision, replicas: readonly Replica[]): void {
    const known = this.#watched.get(revision.name)
    if (known !== undefined && known.revision === revision) {
      if (known.given !== replicas) this.#update(known, replicas)
      return
    }
    if (known !== undefined) this.forget(revision.name)
    const wanted = wantedOf(revision)
    if (wanted === undefined || this.#over.signal.aborted) return
    const watched: Watched = {
      revision,
      wanted,
      queries: wanted.queries.map(({ server = this.#options.config.prometheus.url, query, namespace }) =>
        server === undefined
          ? undefined
          : { server, query, ...(namespace === undefined ? {} : { namespace }) },
      ),
      ended: new AbortController(),
      given: [],
      replicas: [],
      scrapers: new Map(),
    }
    this.#watched.set(revision.name, watched)
    for (const query of watched.queries) if (query !== undefined) this.#queries.watch(query)
    this.#update(watched, replicas)
    if (wantsScrapes(wanted)) void this.#scrape(watched)
  }

  forget(revision: RevisionName): void {
    const watched = this.#watched.get(revision)
    if (watched === undefined) return
    this.#watched.delete(revision)
    watched.ended.abort()
    for (const query of watched.queries) if (query !== undefined) this.#queries.forget(query)
  }

  measured(revision: RevisionName): Measurements | undefined {
    const watched = this.#watched.get(revision)
    if (watched === undefined) return undefined
    const nowMs = this.#options.clock.now()
    return {
      replicas: watched.replicas.map((replica) => this.#measuredReplica(watched, replica, nowMs)),
      queries: watched.queries.map((query) =>
        query === undefined
          ? {
              absent: 'no server',
              detail: 'metrics.prometheus.url is not configured, and the metric names no server',
            }
          : this.#queries.measured(query, nowMs),
      ),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    for (const revision of this.#watched.keys()) this.forget(revision)
    await Promise.all([
      this.#replicaAsker[Symbol.asyncDispose](),
      this.#prometheusAsker[Symbol.asyncDispose](),
    ])
  }

  #measuredReplica(watched: Watched, { name }: Replica, nowMs: number): MeasuredReplica {
    const scraper = watched.scrapers.get(name)?.scraper
    const metrics: Partial<Record<ReplicaMetric, Measured<number>>> = {}
    for (const metric of watched.wanted.metrics) {
      const own = scraper?.metric(metric, nowMs) ?? { absent: 'not scraped', detail: 'not asked yet' }
      metrics[metric] = 'value' in own ? own : this.#elsewhere(metric, name, own)
    }
    const { staleAfterMs } = this.#options.config
    return {
      replica: name,
      metrics,
      series: scraper?.series(nowMs) ?? [],
      ...(watched.wanted.usage ? { usage: freshOr(this.#usage.of(name), nowMs, staleAfterMs) } : {}),
    }
  }

  /** Of GPUs somebody else may know what the replica does not say. */
  #elsewhere(metric: ReplicaMetric, replica: ReplicaName, own: Measured<number>): Measured<number> {
    if (metric !== 'gpu-utilization' && metric !== 'gpu-memory') return own
    const gpus = this.#gpus.of(replica)
    if (gpus === undefined) return own
    const { clock, config } = this.#options
    const found = metric === 'gpu-utilization' ? gpus.utilization : gpus.memory
    const fresh = freshOr(found, clock.now(), config.staleAfterMs)
    if ('value' in fresh || 'value' in own) return fresh
    return { absent: fresh.absent, detail: `${own.detail}; ${fresh.detail}` }
  }

  #update(watched: Watched, replicas: readonly Replica[]): void {
    watched.given = replicas
    watched.replicas = replicas.filter(({ phase }) => phase === 'ready')
    const ready = new Set(watched.replicas.map(({ name }) => name))
    for (const name of watched.scrapers.keys()) if (!ready.has(name)) watched.scrapers.delete(name)
    if (watched.wanted.usage && ready.size > 0) this.#usage.start()
    if (wantsGpus(watched.wanted) && ready.size > 0) this.#gpus.start()
    if (!wantsScrapes(watched.wanted)) return
    const { staleAfterMs } = this.#options.config
    for (const replica of watched.replicas) {
      if (watched.scrapers.has(replica.name)) continue
      const scraper = new ReplicaScraper(replica, watched.revision, watched.wanted, {
        asker: this.#replicaAsker,
        staleAfterMs,
      })
      const scraped = { scraper, failures: 0, pause: 0 }
      watched.scrapers.set(replica.name, scraped)
      // At once: its load counts from its first second on.
      void this.#ask(scraped)
    }
  }

  async #scrape(watched: Watched): Promise<void> {
    const { clock, random, config } = this.#options
    const { signal } = watched.ended
    // Spread over the period.
    let pauseMs = config.periodMs * (0.5 + 0.5 * random.next())
    while (!signal.aborted) {
      await clock.sleep(pauseMs, signal).catch(() => {})
      if (signal.aborted) return
      await Promise.all([...watched.scrapers.values()].map((scraped) => this.#ask(scraped)))
      pauseMs = config.periodMs
    }
  }

  async #ask(scraped: Scraped): Promise<void> {
    if (scraped.pause > 0) {
      scraped.pause -= 1
      return
    }
    await scraped.scraper.scrape(() => this.#options.clock.now())
    scraped.failures = scraped.scraper.isHeard ? 0 : scraped.failures + 1
    scraped.pause = Math.min(PAUSE_MAX - 1, Math.max(0, scraped.failures - 1))
  }

  #replicasThat(isWanted: (watched: Watched) => boolean): readonly Replica[] {
    return [...this.#watched.values()].flatMap((watched) => (isWanted(watched) ? watched.replicas : []))
  }
}

async function readSecret(field: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new Error(`${field}: cannot read ${file}`, { cause: error })
  }
}

function isSameOrigin(server: string, configured: string | undefined): boolean {
  if (configured === undefined || !URL.canParse(server)) return false
  return new URL(server).origin === new URL(configured).origin
}

function freshOr<T>(measured: Measured<T> | undefined, nowMs: number, staleAfterMs: number): Measured<T> {
  if (measured === undefined) return { absent: 'not asked', detail: 'not asked yet' }
  if (!('value' in measured) || nowMs - measured.atMs <= staleAfterMs) return measured
  return { absent: 'stale', detail: `${measured.from} was read more than ${staleAfterMs / 1000} s ago` }
}
