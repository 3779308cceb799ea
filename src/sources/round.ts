import type { Clock } from '../core/clock.ts'
import { Deadline } from '../core/deadline.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import type { Log } from '../core/telemetry.ts'

export interface RoundOptions<T> {
  readonly clock: Clock
  readonly log: Log
  readonly periodMs: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** What is read, for the log. */
  readonly what: string
  /** Those that are to be read now. */
  readonly replicas: () => readonly Replica[]
  readonly read: (replicas: readonly Replica[], signal: AbortSignal) => Promise<ReadonlyMap<ReplicaName, T>>
}

/** Reads something of all replicas that want it in one go, once per period, as long as there are any. */
export class Round<T> {
  readonly #options: RoundOptions<T>
  #isRunning = false
  #last: ReadonlyMap<ReplicaName, T> = new Map()

  constructor(options: RoundOptions<T>) {
    this.#options = options
  }

  of(replica: ReplicaName): T | undefined {
    return this.#last.get(replica)
  }

  /** There are replicas to be read. Nothing happens if it runs already. */
  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, periodMs, signal, replicas } = this.#options
    while (!signal.aborted) {
      const asked = replicas()
      if (asked.length === 0) break
      await this.#read(asked)
      await clock.sleep(periodMs, signal).catch(() => {})
    }
    this.#isRunning = false
    this.#last = new Map()
  }

  async #read(asked: readonly Replica[]): Promise<void> {
    const { clock, log, timeoutMs, signal, what, read } = this.#options
    using deadline = new Deadline(clock, signal)
    deadline.within(timeoutMs)
    try {
      this.#last = await read(asked, deadline.signal)
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, `${what} of replicas could not be read`)
    }
  }
}
