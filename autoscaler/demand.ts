import type { GatewayMetric } from '../src/core/measurements.ts'
import type { Report } from '../src/core/report.ts'
import type { Policy } from './policy.ts'
import { AnswerWindow } from './answer-window.ts'
import { roundToMicro, windowOf, type Window } from './window.ts'

/** The policy's metric over a whole revision, averaged over its two windows. */
export interface WindowAverages {
  readonly stable: number
  readonly panic: number
}

type WindowSettings = Pick<Policy, 'metric' | 'aggregation' | 'stableWindowMs' | 'panicWindowMs'>

const SECOND_MS = 1_000
/** A gateway that reports every second is silent no longer than this, whatever its timers do. */
const SILENCE_MS = 2 * SECOND_MS

/** What a gateway said last. */
interface Voice {
  readonly report: Report
  readonly second: number
  /** What its second holds of it. */
  readonly value: number
  /** How much of that second the value speaks for, in ms. */
  readonly weightMs: number
}

/**
 * What is asked of one revision, from the reports of all gateways: values of different gateways in one second
 * are added up. Each gateway counts once in each second, although timers are never exact:
 *
 *     reports at   10.02   10.99   12.01          of one gateway, 5 requests in flight all along
 *     seconds      [ 10: 5 and 5, so 5 ][ 11: none, so 5 ][ 12: 5 ]
 *
 * Two in one second are averaged by the time each speaks for; a second that was skipped gets the next value.
 * The first report after a silence speaks for no time yet (a cold revision reports at once, to be woken): it
 * has its full value until another one of the same second replaces it.
 */
export class Demand {
  readonly #voices = new Map<string, Voice>()
  readonly #stable: Window
  readonly #panic: Window
  readonly #answers = new AnswerWindow()
  #settings: WindowSettings

  constructor(settings: WindowSettings) {
    this.#settings = settings
    this.#stable = windowOf(settings.aggregation, settings.stableWindowMs, SECOND_MS)
    this.#panic = windowOf(settings.aggregation, settings.panicWindowMs, SECOND_MS)
  }

  /** Follows a changed configuration; metric and aggregation belong to the revision and never change. */
  adopt(settings: WindowSettings, nowMs: number): void {
    this.#settings = settings
    this.#stable.resize(settings.stableWindowMs, nowMs)
    this.#panic.resize(settings.panicWindowMs, nowMs)
  }

  /** A report that is older than what the same gateway said before is dropped. */
  record(report: Report): void {
    this.#answers.record(report, this.#settings.stableWindowMs)
    const value = this.#settings.metric === 'rps' ? report.requests : report.concurrency
    const second = Math.floor(report.atMs / SECOND_MS)
    const before = this.#voices.get(report.gateway)
    if (before === undefined) this.#forgetSilent(report.atMs)
    const passedMs = report.atMs - (before?.report.atMs ?? -Infinity)
    if (before === undefined || passedMs >= SILENCE_MS) {
      this.#add(second, value)
      this.#voices.set(report.gateway, { report, second, value, weightMs: 0 })
    } else if (second === before.second && passedMs >= 0) {
      const weightMs = before.weightMs + passedMs
      const merged = weightMs === 0 ? value : (before.value * before.weightMs + value * passedMs) / weightMs
      this.#add(second, merged - before.value)
      this.#voices.set(report.gateway, { report, second, value: merged, weightMs })
    } else if (passedMs > 0) {
      const own = this.#withoutOpening(before, value, passedMs)
      for (let skipped = before.second + 1; skipped < second; skipped += 1) this.#add(skipped, own)
      this.#add(second, own)
      this.#voices.set(report.gateway, { report, second, value: own, weightMs: passedMs })
    }
  }

  /**
   * The averages at `nowMs`; undefined when nothing was recorded within the stable window.
   * @param options.silentIsIdle gateways report only revisions that they hold or run requests for. True: seconds
   *   without a report count as zero, which is so while gateways are heard and the revision has replicas. False:
   *   the averages keep their value until the data is too old, as when no gateway is heard at all, or when the
   *   revision sleeps: the first report that wakes it then has its full strength.
   */
  observe(nowMs: number, options: { readonly silentIsIdle: boolean }): WindowAverages | undefined {
    if (options.silentIsIdle) this.#fillSilence(nowMs)
    if (this.#stable.isEmpty(nowMs)) return undefined
    return {
      // A weighted average never quite reaches zero, and a millionth of a request wants a replica.
      stable: roundToMicro(this.#stable.average(nowMs)),
      panic: roundToMicro(this.#panic.average(nowMs)),
    }
  }

  /** Requests waiting and in flight, as the gateways last said; those silent for some seconds hold none. */
  held(nowMs: number): { readonly waiting: number; readonly inFlight: number } {
    let waiting = 0
    let inFlight = 0
    for (const { report } of this.#voices.values()) {
      if (nowMs - report.atMs >= 2 * SILENCE_MS) continue
      waiting += report.waiting
      inFlight += report.inFlight
    }
    return { waiting, inFlight }
  }

  /** What gateways report of the whole revision: requests in their queues now, the rest over the stable window. */
  gateway(metric: GatewayMetric, nowMs: number): number {
    switch (metric) {
      case 'queue-depth':
        return this.held(nowMs).waiting
      case 'queue-wait':
        return this.#answers.queueWaitMs(nowMs, this.#settings.stableWindowMs)
      case 'tokens-per-second':
        return this.#answers.tokensPerSecond(nowMs, this.#settings.stableWindowMs)
      default:
        return metric satisfies never
    }
  }

  /** A report less than a second after an opening one counts again the requests that were reported at once. */
  #withoutOpening(before: Voice, value: number, passedMs: number): number {
    const isRepeated = this.#settings.metric === 'rps' && before.weightMs === 0 && passedMs < 0.9 * SECOND_MS
    return isRepeated ? Math.max(0, value - before.value) : value
  }

  /** The newest second for which every report must have come, at zero if none did; those between follow. */
  #fillSilence(nowMs: number): void {
    const quietMs = (Math.floor(nowMs / SECOND_MS) - SILENCE_MS / SECOND_MS) * SECOND_MS
    for (const window of [this.#stable, this.#panic]) {
      if (quietMs > window.ring.lastMs) window.record(quietMs, 0)
    }
  }

  #add(second: number, value: number): void {
    this.#stable.record(second * SECOND_MS, value)
    this.#panic.record(second * SECOND_MS, value)
  }

  /** Gateways come and go; those that said nothing for a stable window no longer count anywhere. */
  #forgetSilent(nowMs: number): void {
    for (const [gateway, { report }] of this.#voices) {
      if (nowMs - report.atMs > this.#settings.stableWindowMs) this.#voices.delete(gateway)
    }
  }
}
