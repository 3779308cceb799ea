import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/telemetry.ts'
import { podPauseMs, Turns, untilAllReady, type AskOptions } from '../../readiness/index.ts'
import type { PodChecks } from './pod-checks.ts'

/** Questions under way at the same time, over all pods; the rest wait for their turn. */
const QUESTIONS_MAX = 256

/** A pod that is not ready this long after it was first asked shows what it answers. */
const SHOW_CHECK_AFTER_MS = 5_000

/** What comes of asking one pod. */
export interface ProbeListener {
  onYes(): void
  /** Its reason, when it is another one than the last. */
  onNo(reason: string): void
}

/** Asks pods whether they can answer: the first question at once. */
export class PodProber {
  readonly #clock: Clock
  readonly #log: Log
  readonly #turns: Turns

  constructor(options: { readonly clock: Clock; readonly log: Log; readonly questionsMax?: number }) {
    this.#clock = options.clock
    this.#log = options.log
    this.#turns = new Turns(options.questionsMax ?? QUESTIONS_MAX)
  }

  /** Asks until the yes, or until the answer is disposed: then the listener hears no more. */
  start({ checks, probe }: PodChecks, pod: string, listener: ProbeListener): Disposable {
    const over = new AbortController()
    const startedMs = this.#clock.now()
    let shown: string | undefined
    const onNo = (reason: string): void => {
      const isEarly = this.#clock.now() - startedMs < SHOW_CHECK_AFTER_MS
      if (isEarly || reason === shown || over.signal.aborted) return
      shown = reason
      listener.onNo(reason)
    }
    const { timeoutSeconds, successThreshold } = probe ?? {}
    const options = {
      probe: {
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
        ...(successThreshold === undefined ? {} : { successThreshold }),
      },
      clock: this.#clock,
      pauseMs: podPauseMs,
      turns: this.#turns,
      onNo,
    }
    void this.#ask(checks, options, pod, over.signal).then((isYes) => isYes && listener.onYes())
    return { [Symbol.dispose]: () => over.abort(new Error('nobody wants to know any more')) }
  }
  async #ask(
    checks: PodChecks['checks'],
    options: AskOptions,
    pod: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await untilAllReady(checks, options, signal)
    } catch (error) {
      if (!signal.aborted) this.#log.error({ pod, err: error }, 'asking whether a pod is ready failed')
      return false
    }
    return !signal.aborted
  }
}
