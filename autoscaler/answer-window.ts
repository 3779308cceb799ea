import type { Report } from '../src/core/report.ts'

/** What gateways said in one second of requests that waited and of tokens. */
interface Entry {
  readonly atMs: number
  readonly waited: NonNullable<Report['waited']>
  readonly tokens: NonNullable<Report['tokens']>
}

const NOBODY: Entry['waited'] = { requests: 0, totalMs: 0 }
const NOTHING: Entry['tokens'] = { prompt: 0, generated: 0 }

/** Waits and tokens of the last while. Most revisions have neither, and then this holds nothing. */
export class AnswerWindow {
  #entries: readonly Entry[] = []

  record({ atMs, waited, tokens }: Report, windowMs: number): void {
    if (waited === undefined && tokens === undefined) return
    const kept = this.#entries.filter((entry) => atMs - entry.atMs < windowMs)
    this.#entries = [...kept, { atMs, waited: waited ?? NOBODY, tokens: tokens ?? NOTHING }]
  }

  /** Mean time in the queue of those that left it, in ms; 0 where nobody did. */
  queueWaitMs(nowMs: number, windowMs: number): number {
    let requests = 0
    let totalMs = 0
    for (const { waited } of this.#within(nowMs, windowMs)) {
      requests += waited.requests
      totalMs += waited.totalMs
    }
    return requests === 0 ? 0 : totalMs / requests
  }

  /** Prompt and generated together. */
  tokensPerSecond(nowMs: number, windowMs: number): number {
    let sum = 0
    for (const { tokens } of this.#within(nowMs, windowMs)) sum += tokens.prompt + tokens.generated
    return (1_000 * sum) / windowMs
  }

  #within(nowMs: number, windowMs: number): readonly Entry[] {
    return this.#entries.filter(({ atMs }) => nowMs - atMs < windowMs)
  }
}
