import type { Clock, Timer } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Log } from '../../core/telemetry.ts'
import { isApiError } from './api-error.ts'
import { backoffMs } from './backoff.ts'

const BACKOFF = { firstMs: 50, longestMs: 30_000 }

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Keys that are worked on at the same time. Default 8. */
  readonly concurrency?: number
}

/** Looks at all that is true of the key now, and makes it as it should be. A rejection is tried again later. */
export type WorkHandler = (key: string, signal: AbortSignal) => Promise<void>

/**
 * Keys that have to be looked at, each by one worker at a time. A key says that something changed and not what: added
 * ten times before its turn it is worked on once, and added during its turn once more after it. What fails comes back by
 * itself, after 50 ms and then ever later up to 30 s.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #concurrency: number
  /** In the order in which they came. */
  readonly #waiting = new Set<string>()
  readonly #working = new Set<string>()
  readonly #again = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #retries = new Map<string, Timer>()
  readonly #later = new Map<string, { readonly dueMs: number; readonly timer: Timer }>()
  #idle: PromiseWithResolvers<void> | undefined
  #isAwake = false
  #handler: WorkHandler | undefined
  #signal: AbortSignal | undefined
  #drained: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 8
  }

  /** Keys whose turn has not come. */
  get waiting(): number {
    return this.#waiting.size + this.#again.size
  }

  /** Keys whose last turn failed. */
  get failing(): number {
    return this.#failures.size
  }

  /** At once, even if the key waits for its next try: what it failed on may be over. */
  add(key: string): void {
    if (this.#working.has(key)) this.#again.add(key)
    else this.#waiting.add(key)
    this.#wake()
  }

  /** After a while; the earliest of several stands. */
  addAfter(key: string, delayMs: number): void {
    const dueMs = this.#options.clock.now() + delayMs
    const armed = this.#later.get(key)
    if (armed !== undefined && armed.dueMs <= dueMs) return
    armed?.timer.cancel()
    const timer = this.#options.clock.after(delayMs, () => {
      this.#later.delete(key)
      this.add(key)
    })
    this.#later.set(key, { dueMs, timer })
  }

  /** Resolves when no key waits for a worker or has one. Keys that come back later are not waited for. */
  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  /**
   * Works until the signal is aborted; resolves when the last handler has ended. Keys that were added before are worked
   * on too. @throws Error when it runs already.
   */
  async run(signal: AbortSignal, handler: WorkHandler): Promise<void> {
    if (this.#handler !== undefined) throw new Error('this work queue runs already')
    if (signal.aborted) return
    this.#handler = handler
    this.#signal = signal
    this.#wake()
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#handler = undefined
    this.#signal = undefined
    for (const timer of this.#retries.values()) timer.cancel()
    for (const { timer } of this.#later.values()) timer.cancel()
    this.#retries.clear()
    this.#later.clear()
    if (this.#working.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
  }

  get #isIdle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0
  }

  /** In a microtask, so that a caller who adds many keys is not interrupted by their work. */
  #wake(): void {
    if (this.#isAwake) return
    this.#isAwake = true
    queueMicrotask(() => {
      this.#isAwake = false
      this.#begin()
    })
  }

  #begin(): void {
    const [handler, signal] = [this.#handler, this.#signal]
    if (handler === undefined || signal === undefined || signal.aborted) return
    for (const key of this.#waiting) {
      if (this.#working.size >= this.#concurrency) return
      this.#waiting.delete(key)
      this.#working.add(key)
      this.#retries.get(key)?.cancel()
      this.#retries.delete(key)
      void this.#work(key, handler, signal)
    }
  }

  async #work(key: string, handler: WorkHandler, signal: AbortSignal): Promise<void> {
    try {
      await handler(key, signal)
      this.#failures.delete(key)
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error)
    }
    this.#working.delete(key)
    if (this.#again.delete(key)) this.#waiting.add(key)
    if (this.#working.size === 0) this.#drained?.()
    if (this.#isIdle) {
      this.#idle?.resolve()
      this.#idle = undefined
    }
    this.#wake()
  }

  #failed(key: string, error: unknown): void {
    const { clock, random, log } = this.#options
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const delayMs = backoffMs(failures, BACKOFF, random)
    const fields = { key, failures, delayMs: Math.round(delayMs), error }
    // A conflict is everyday: somebody was faster, and the next look sees what they wrote. The rest at 1, 2, 4, 8, ...
    const isWorthALine =
      Number.isInteger(Math.log2(failures)) && (failures > 1 || !isApiError(error, 'Conflict'))
    if (isWorthALine) log.warn(fields, 'work on a key failed and is tried again')
    else log.debug(fields, 'work on a key is tried again')
    this.#retries.set(
      key,
      clock.after(delayMs, () => {
        this.#retries.delete(key)
        this.add(key)
      }),
    )
  }
}
