import type { Decision } from '../core/decision.ts'
import type { RevisionName } from '../core/names.ts'
import type {
  ConnectionProtocol,
  ConnectionRefusal,
  Metrics,
  QueueOutcome,
  UpstreamUse,
} from '../core/telemetry.ts'
import { metricEntries } from './catalogue.ts'
import { observe, Tally, type Dump } from './tally.ts'

const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** From a process (50 ms) to a 400 GB model on a new node (15 minutes). */
const COLD_START_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900]

/** The counts of one route and revision, at hand for the path of a request. */
interface Answers {
  readonly duration: Float64Array
  /** The few statuses that were seen, and the counts of each: a list this short is found through faster than a map. */
  readonly statuses: number[]
  readonly requests: Float64Array[]
}

/** What one thread counts. The metrics of several threads are summed: `dump` in each, `absorb` or `expose` in one. */
export class ThreadMetrics implements Metrics {
  readonly #requests = new Tally(metricEntries.requests)
  readonly #requestDuration = new Tally(metricEntries.requestDuration, REQUEST_BUCKETS_S)
  readonly #queueWait = new Tally(metricEntries.queueWait, COLD_START_BUCKETS_S)
  readonly #tokens = new Tally(metricEntries.tokens)
  readonly #coldStart = new Tally(metricEntries.coldStart, COLD_START_BUCKETS_S)
  readonly #refusals = new Tally(metricEntries.refusals)
  readonly #retries = new Tally(metricEntries.retries)
  readonly #ejections = new Tally(metricEntries.ejections)
  readonly #decisions = new Tally(metricEntries.decisions)
  readonly #open = new Tally(metricEntries.connectionsOpen)
  readonly #accepted = new Tally(metricEntries.connectionsAccepted)
  readonly #refused = new Tally(metricEntries.connectionsRefused)
  readonly #upstream = new Tally(metricEntries.upstreamConnections)
  readonly #all: readonly Tally[] = [
    this.#requests,
    this.#requestDuration,
    this.#queueWait,
    this.#tokens,
    this.#coldStart,
    this.#refusals,
    this.#retries,
    this.#ejections,
    this.#decisions,
    this.#open,
    this.#accepted,
    this.#refused,
    this.#upstream,
  ]

  /** By revision, then by route. */
  readonly #answers = new Map<string, Map<string, Answers>>()
  readonly #waits: Readonly<Record<QueueOutcome, Map<string, Float64Array>>> = {
    served: new Map(),
    refused: new Map(),
    gone: new Map(),
  }

  // What these may be is known, so they are shown from the start: a rate needs the zero before the first.
  readonly #openBy = bothProtocols(this.#open)
  readonly #acceptedBy = bothProtocols(this.#accepted)
  readonly #refusedBy: Readonly<Record<ConnectionRefusal, Float64Array>> = {
    limit: this.#refused.counts('limit'),
    'per-address': this.#refused.counts('per-address'),
    tls: this.#refused.counts('tls'),
  }
  readonly #upstreamBy: Readonly<Record<UpstreamUse, Float64Array>> = {
    opened: this.#upstream.counts('opened'),
    reused: this.#upstream.counts('reused'),
  }

  requestFinished(request: Parameters<Metrics['requestFinished']>[0]): void {
    const { route, revision, status, refusal } = request
    const answers = this.#answers.get(revision)?.get(route) ?? this.#newAnswers(route, revision)
    observe(answers.duration, REQUEST_BUCKETS_S, request.durationMs / 1000)
    const at = answers.statuses.indexOf(status)
    const requests = at < 0 ? this.#newStatus(answers, route, revision, status) : answers.requests[at]!
    requests[0]! += 1
    if (refusal !== undefined) this.#refusals.counts(refusal)[0]! += 1
  }

  queueLeft(revision: RevisionName, outcome: QueueOutcome, waitMs: number): void {
    const waits = this.#waits[outcome]
    let counts = waits.get(revision)
    if (counts === undefined) waits.set(revision, (counts = this.#queueWait.counts(revision, outcome)))
    observe(counts, COLD_START_BUCKETS_S, waitMs / 1000)
  }

  tokensUsed(revision: RevisionName, { prompt, generated }: Parameters<Metrics['tokensUsed']>[1]): void {
    this.#tokens.counts(revision, 'prompt')[0]! += prompt
    this.#tokens.counts(revision, 'generated')[0]! += generated
  }

  coldStart(revision: RevisionName, durationMs: number): void {
    observe(this.#coldStart.counts(revision), COLD_START_BUCKETS_S, durationMs / 1000)
  }

  retried(revision: RevisionName): void {
    this.#retries.counts(revision)[0]! += 1
  }

  decided(revision: RevisionName, decision: Decision): void {
    this.#decisions.counts(revision, decision.mode)[0]! += 1
  }

  connectionOpened(protocol: ConnectionProtocol): void {
    this.#openBy[protocol][0]! += 1
    this.#acceptedBy[protocol][0]! += 1
  }

  connectionClosed(protocol: ConnectionProtocol): void {
    this.#openBy[protocol][0]! -= 1
  }

  connectionRefused(reason: ConnectionRefusal): void {
    this.#refusedBy[reason][0]! += 1
  }

  upstreamConnection(use: UpstreamUse): void {
    this.#upstreamBy[use][0]! += 1
  }

  replicaEjected(revision: RevisionName): void {
    this.#ejections.counts(revision)[0]! += 1
  }

  /** Everything counted so far, as it is now; the series of all revisions but `living` are dropped first. */
  dump(living: ReadonlySet<string>): Dump {
    this.retain(living)
    return Object.fromEntries(
      this.#all.map(({ entry, series }) => [
        entry.name,
        series.map(({ labels, counts }) => ({ labels, counts: counts.slice() })),
      ]),
    )
  }

  /**
   * Takes over what a thread that is gone had counted, by its last dump that was exposed: its counters must not seem to
   * fall back. Its connections are gone with it.
   */
  absorb(dump: Dump): void {
    for (const tally of this.#all) {
      if (tally.entry.type !== 'gauge') tally.add(dump[tally.entry.name] ?? [])
    }
  }

  /** The sums of this thread and of others. */
  protected sumWith(dumps: readonly Dump[], living: ReadonlySet<string>): readonly Tally[] {
    if (dumps.length === 0) return this.#all
    return this.#all.map((own) => {
      const sum = new Tally(own.entry, own.bounds)
      for (const series of [own.series, ...dumps.map((dump) => dump[own.entry.name] ?? [])]) sum.add(series)
      sum.retain(living)
      return sum
    })
  }

  /** A service that is deployed daily for a year would otherwise leave a year of series behind. */
  protected retain(living: ReadonlySet<string>): void {
    for (const tally of this.#all) tally.retain(living)
    for (const byRevision of [this.#answers, ...Object.values(this.#waits)]) {
      for (const revision of byRevision.keys()) {
        if (revision !== '' && !living.has(revision)) byRevision.delete(revision)
      }
    }
  }

  #newAnswers(route: string, revision: string): Answers {
    const duration = this.#requestDuration.counts(route, revision)
    const answers: Answers = { duration, statuses: [], requests: [] }
    let byRoute = this.#answers.get(revision)
    if (byRoute === undefined) this.#answers.set(revision, (byRoute = new Map()))
    byRoute.set(route, answers)
    return answers
  }

  #newStatus(answers: Answers, route: string, revision: string, status: number): Float64Array {
    const requests = this.#requests.counts(route, revision, String(status))
    answers.statuses.push(status)
    answers.requests.push(requests)
    return requests
  }
}

function bothProtocols(tally: Tally): Readonly<Record<ConnectionProtocol, Float64Array>> {
  return { 'http/1.1': tally.counts('http/1.1'), h2: tally.counts('h2') }
}
