/** From telling the tables to the gateway's using them. */
const TABLES_MS = 100

/** How a request of the soak ended: `answered` whole and as expected, or `broken off` on purpose by its client. */
export type Outcome = 'answered' | 'broken off'

interface Sent {
  readonly kind: string
  readonly beganMs: number
  readonly endedMs: number
  readonly error: Error
}

/** The ledger: every request that was sent ends in exactly one of its columns. */
export class Outcomes {
  sent = 0
  answered = 0
  brokenOff = 0
  readonly byKind = new Map<string, number>()
  readonly #failed: Sent[] = []

  /** Runs one request and writes down how it ended. */
  async of(kind: string, now: () => number, run: () => Promise<Outcome>): Promise<void> {
    const beganMs = now()
    this.sent += 1
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1)
    try {
      if ((await run()) === 'answered') this.answered += 1
      else this.brokenOff += 1
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      this.#failed.push({ kind, beganMs, endedMs: now(), error })
    }
  }

  get underWay(): number {
    return this.sent - this.answered - this.brokenOff - this.#failed.length
  }

  /**
   * Failed requests, apart: those that ran while a replica was killed, which may be lost when their answer had begun or
   * their body was too long to be kept, and those that nothing excuses.
   */
  failed(kills: readonly { readonly atMs: number; readonly toldMs: number }[]): {
    readonly lost: readonly Sent[]
    readonly unexplained: readonly Sent[]
  } {
    const isExcused = ({ beganMs, endedMs }: Sent): boolean =>
      kills.some(({ atMs, toldMs }) => beganMs <= toldMs + TABLES_MS && endedMs >= atMs)
    const lost = this.#failed.filter(isExcused)
    return { lost, unexplained: this.#failed.filter((sent) => !lost.includes(sent)) }
  }
}
