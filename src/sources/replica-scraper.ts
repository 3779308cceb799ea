import type { Measured, ReplicaMetric } from '../core/measurements.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision } from '../core/revision.ts'
import { transportOf } from '../core/transport.ts'
import {
  absent,
  engineOf,
  engineSampleNames,
  engineSignals,
  ExpositionReader,
  formatOf,
  freshAt,
  isPresent,
  scrapeTarget,
  slotSignals,
  snapshotOf,
  urlOf,
  type EngineName,
  type EngineSignals,
  type EngineSnapshot,
  type ScrapeTarget,
  type Signal,
  type SlotSignals,
} from '../signals/index.ts'
import type { Asker } from './get.ts'
import { SeriesHistory, selectorOf } from './series.ts'
import type { Wanted } from './wanted.ts'

/** Rates and means are over so long, or since the scrapes began. */
const RATES_MS = 30_000

export interface ScraperOptions {
  readonly asker: Pick<Asker, 'ask'>
  readonly staleAfterMs: number
}

/** Reads what one replica exports, and keeps as much as rates need. */
export class ReplicaScraper {
  readonly #options: ScraperOptions
  readonly #engine: EngineName | undefined
  /** Or why it cannot be asked. */
  readonly #target: ScrapeTarget | { readonly problem: string }
  readonly #series: readonly (SeriesHistory | { readonly problem: string })[]
  readonly #names: ReadonlySet<string>
  readonly #wantsSlots: boolean
  /** Oldest first, the newest last. */
  #snapshots: readonly EngineSnapshot[] = []
  #signals: EngineSignals | undefined
  #slots: SlotSignals | undefined
  /** Of the last scrape, if it failed. */
  #failure: string | undefined

  constructor(replica: Replica, revision: Revision, wanted: Wanted, options: ScraperOptions) {
    this.#options = options
    const { replica: template, scaling } = revision.template
    const { annotations = {}, labels = {} } = template.podMetadata ?? {}
    const said = { ...annotations, ...scaling.annotations }
    const guess = engineOf({
      annotations: said,
      labels,
      command: template.command,
      args: template.args,
      ...(template.image === undefined ? {} : { image: template.image }),
      ...(template.runtime === undefined ? {} : { runtime: template.runtime.name }),
    })
    this.#engine = guess !== undefined && 'engine' in guess ? guess.engine : undefined
    this.#target = targetOf(replica, revision, { annotations: said, engine: this.#engine }, guess)
    this.#series = wanted.series.map(({ query, overTime }) => {
      const selector = selectorOf(query)
      return 'problem' in selector ? selector : new SeriesHistory(selector, overTime)
    })
    const own = this.#series.flatMap((series) => ('name' in series ? [series.name] : []))
    this.#names = own.length === 0 ? engineSampleNames : new Set([...engineSampleNames, ...own])
    this.#wantsSlots = wanted.metrics.has('running') || wanted.metrics.has('running-max')
  }

  /** Whether the last scrape gave anything. */
  get isHeard(): boolean {
    return this.#failure === undefined
  }

  /** Never throws: what went wrong is the reason of what is missing. */
  async scrape(now: () => number): Promise<void> {
    if ('problem' in this.#target) return
    try {
      await this.#read(urlOf(this.#target), now)
      this.#failure = undefined
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
    }
  }

  metric(name: ReplicaMetric, nowMs: number): Measured<number> {
    const signal = this.#signalOf(name)
    const fresh = freshAt(signal, nowMs, this.#options.staleAfterMs)
    if (isPresent(fresh)) return fresh
    // Why there is nothing newer says more than how old it is.
    if (this.#failure !== undefined && (fresh.absent === 'stale' || this.#signals === undefined)) {
      return { absent: fresh.absent, detail: this.#failure }
    }
    return fresh
  }

  series(nowMs: number): readonly Measured<number>[] {
    return this.#series.map((series) => {
      if ('problem' in series) return { absent: 'not a selector', detail: series.problem }
      if ('problem' in this.#target) return { absent: 'not scraped', detail: this.#target.problem }
      const measured = series.measured(nowMs)
      const isLate = 'value' in measured && nowMs - measured.atMs > this.#options.staleAfterMs
      if (!isLate && ('value' in measured || this.#failure === undefined)) return measured
      return { absent: 'stale', detail: this.#failure ?? `${series.name} was read too long ago` }
    })
  }

  #signalOf(name: ReplicaMetric): Signal {
    if ('problem' in this.#target) return absent('not scraped', this.#target.problem)
    if (this.#signals === undefined) {
      return absent('not scraped', this.#failure ?? `${urlOf(this.#target)} was not asked yet`)
    }
    const slots = this.#slots
    if (name === 'running' && slots !== undefined && isPresent(slots.running)) return slots.running
    if (name === 'running-max' && slots !== undefined && isPresent(slots.runningMax)) return slots.runningMax
    return SIGNALS[name](this.#signals)
  }

  async #read(url: string, now: () => number): Promise<void> {
    const { asker } = this.#options
    const { body, contentType } = await asker.ask(url, {
      headers: { accept: 'text/plain;version=0.0.4, application/openmetrics-text;q=0.5' },
    })
    const reader = new ExpositionReader({ format: formatOf(contentType), wanted: this.#names })
    reader.write(body)
    const { samples } = reader.end()
    const atMs = now()
    for (const series of this.#series) if ('name' in series) series.take(samples, atMs)
    const snapshot = snapshotOf(samples, { atMs, expected: this.#engine })
    this.#compare(snapshot)
    if (snapshot.engine !== 'llama-server' || !this.#wantsSlots) return
    const { origin } = new URL(url)
    // It may have been started without them.
    const slots = await asker.ask(`${origin}/slots`).catch(() => undefined)
    this.#slots = slots === undefined ? undefined : slotSignals(slots.body.toString(), now())
  }

  #compare(now: EngineSnapshot): void {
    const recent = this.#snapshots.filter(({ atMs }) => now.atMs - atMs <= RATES_MS)
    this.#signals = engineSignals({ now, before: recent[0] })
    const isNewLife = Object.values(SIGNALS).some((of) => {
      const signal = of(this.#signals!)
      return !isPresent(signal) && signal.absent === 'counter went back'
    })
    this.#snapshots = isNewLife ? [now] : [...recent, now]
  }
}

const SIGNALS: Readonly<Record<ReplicaMetric, (signals: EngineSignals) => Signal>> = {
  running: ({ running }) => running,
  'running-max': ({ runningMax }) => runningMax,
  waiting: ({ waiting }) => waiting,
  'kv-cache': ({ kvCache }) => kvCache,
  'gpu-utilization': ({ gpuUtilization }) => gpuUtilization,
  'gpu-memory': ({ gpuMemory }) => gpuMemory,
  ttft: ({ timeToFirstToken }) => inMs(timeToFirstToken.mean),
  itl: ({ interToken }) => inMs(interToken.mean),
  'generated-tokens': ({ generatedTokensPerSecond }) => generatedTokensPerSecond,
  'prompt-tokens': ({ promptTokensPerSecond }) => promptTokensPerSecond,
}

function inMs(seconds: Signal): Signal {
  return isPresent(seconds) ? { ...seconds, value: 1_000 * seconds.value } : seconds
}

function targetOf(
  { address }: Replica,
  { template }: Revision,
  hints: { readonly annotations: Readonly<Record<string, string>>; readonly engine: EngineName | undefined },
  guess: ReturnType<typeof engineOf>,
): ScrapeTarget | { readonly problem: string } {
  if (guess !== undefined && 'problem' in guess) return guess
  if (address === undefined) return { problem: 'it has no address' }
  const { ports } = template.replica
  return scrapeTarget({ ...hints, ports, address, tls: transportOf(template.replica).tls })
}
