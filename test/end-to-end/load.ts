import type { Answer } from './harness.ts'

/** What a bounded load saw. */
export interface LoadResult {
  readonly answers: readonly Answer[]
  /** Requests whose connection broke. */
  readonly errors: readonly Error[]
}

/** Asks `count` times with `concurrency` at once; `each` may look at answers as they come. */
export async function load(
  options: { readonly count: number; readonly concurrency: number },
  askOnce: (index: number) => Promise<Answer>,
): Promise<LoadResult> {
  const answers: Answer[] = []
  const errors: Error[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < options.count) {
      const index = next++
      try {
        answers.push(await askOnce(index))
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return { answers, errors }
}

/** Asks without a pause until told to stop, with `concurrency` at once. */
export class SteadyLoad {
  readonly answers: Answer[] = []
  readonly errors: Error[] = []
  readonly #done: Promise<unknown>
  #isStopped = false

  constructor(concurrency: number, askOnce: () => Promise<Answer>) {
    const worker = async (): Promise<void> => {
      while (!this.#isStopped) {
        try {
          this.answers.push(await askOnce())
        } catch (error) {
          this.errors.push(error instanceof Error ? error : new Error(String(error)))
        }
      }
    }
    this.#done = Promise.all(Array.from({ length: concurrency }, worker))
  }

  async stop(): Promise<LoadResult> {
    this.#isStopped = true
    await this.#done
    return this
  }
}

export function statuses(result: LoadResult): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of result.answers) counts[status] = (counts[status] ?? 0) + 1
  if (result.errors.length > 0) counts['broken'] = result.errors.length
  return counts
}
