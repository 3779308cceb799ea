import { describe, expect, it } from 'vitest'
import type { Report } from '../src/core/report.ts'
import { AnswerWindow } from './answer-window.ts'

const WINDOW_MS = 10_000

function report(atMs: number, parts: Partial<Report>): Report {
  const seen = { concurrency: 0, requests: 0, waiting: 0, inFlight: 0 }
  return { gateway: 'g', revision: 'ml/a-00001', atMs, ...seen, ...parts }
}

describe('AnswerWindow', () => {
  it('is a mean over requests, and a rate over the window', () => {
    const window = new AnswerWindow()
    window.record(report(1_000, { waited: { requests: 1, totalMs: 100 } }), WINDOW_MS)
    window.record(
      report(2_000, { waited: { requests: 3, totalMs: 500 }, tokens: { prompt: 30, generated: 70 } }),
      WINDOW_MS,
    )
    window.record(report(2_500, { tokens: { prompt: 0, generated: 100 } }), WINDOW_MS)
    expect(window.queueWaitMs(3_000, WINDOW_MS)).toBe(150)
    expect(window.tokensPerSecond(3_000, WINDOW_MS)).toBe(20)
  })

  it('forgets, and is nothing where nobody waited', () => {
    const window = new AnswerWindow()
    window.record(report(1_000, {}), WINDOW_MS)
    window.record(
      report(1_000, { waited: { requests: 1, totalMs: 100 }, tokens: { prompt: 5, generated: 5 } }),
      WINDOW_MS,
    )
    expect(window.queueWaitMs(10_999, WINDOW_MS)).toBe(100)
    expect(window.queueWaitMs(11_000, WINDOW_MS)).toBe(0)
    expect(window.tokensPerSecond(11_000, WINDOW_MS)).toBe(0)
  })
})
