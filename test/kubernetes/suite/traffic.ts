import { SystemClock } from '../../../src/core/clock.ts'
import type { Answer } from './installation.ts'

const clock = new SystemClock()

/** One answer, when it came, and what the gateway says of it. */
export interface Seen {
  readonly atMs: number
  readonly status: number
  readonly revision: string
  readonly body: string
}

/** Asks without a pause until it is stopped, so many at once; every answer and every broken connection is kept. */
export class Traffic implements AsyncDisposable {
  readonly seen: Seen[] = []
  readonly errors: Error[] = []
  readonly #workers: Promise<unknown>
  readonly #count = { due: 0, reached: Promise.withResolvers<void>() }
  #isStopped = false

  constructor(concurrency: number, ask: () => Promise<Answer>) {
    const worker = async (): Promise<void> => {
      while (!this.#isStopped) {
        try {
          const { status, headers, body } = await ask()
          const revision = String(headers['x-pilotlight-revision'] ?? '')
          this.seen.push({ atMs: clock.now(), status, revision: revision.replace(/^.*\//, ''), body })
        } catch (error) {
          this.errors.push(error instanceof Error ? error : new Error(String(error)))
        }
        if (this.seen.length >= this.#count.due) this.#count.reached.resolve()
      }
    }
    this.#workers = Promise.all(Array.from({ length: concurrency }, worker))
  }

  /** Resolves when so many more answers have come, with them. */
  async next(count: number): Promise<readonly Seen[]> {
    const from = this.seen.length
    this.#count.due = from + count
    this.#count.reached = Promise.withResolvers()
    await this.#count.reached.promise
    return this.seen.slice(from, from + count)
  }

  /** Answers other than 200, and what broke. */
  get failures(): readonly string[] {
    return [
      ...this.seen.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body}`),
      ...this.errors.map((error) => error.message),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    await this.#workers
  }
}

/** How many of the answers came from each revision, in percent. */
export function shares(seen: readonly Seen[]): Record<string, number> {
  const counts = Object.groupBy(seen, ({ revision }) => revision)
  return Object.fromEntries(
    Object.entries(counts).map(([revision, some]) => [revision, ((some?.length ?? 0) / seen.length) * 100]),
  )
}
