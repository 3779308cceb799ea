import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../src/core/manual-clock.ts'
import type { Probe } from './objects.ts'
import { runProbe } from './probe.ts'

/** Runs a probe whose attempts give these answers, then true for ever; notes when it was asked and what it said. */
function started(probe: Probe, answers: boolean[] = [], begin = Promise.resolve()) {
  const clock = new ManualClock()
  const life = new AbortController()
  const attempts: number[] = []
  const reports: [number, boolean][] = []
  const done = runProbe({
    probe,
    clock,
    signal: life.signal,
    begin,
    attempt: () => {
      attempts.push(clock.now())
      return Promise.resolve(answers.shift() ?? true)
    },
    report: (isSuccess) => reports.push([clock.now(), isSuccess]),
  })
  return { clock, life, attempts, reports, done }
}

describe('a probe', () => {
  it('asks at once and then every 10 s unless it says otherwise', async () => {
    const { clock, attempts } = started({})
    await clock.advance(25_000)
    expect(attempts).toEqual([0, 10_000, 20_000])
  })

  it('waits for its initial delay, and for what it has to wait for', async () => {
    const startup = Promise.withResolvers<void>()
    const { clock, attempts } = started({ initialDelaySeconds: 3, periodSeconds: 5 }, [], startup.promise)
    await clock.advance(7_000)
    expect(attempts).toEqual([])
    startup.resolve()
    await clock.advance(9_000)
    expect(attempts).toEqual([10_000, 15_000])
  })

  it('reports success and failure only when a threshold is reached in a row', async () => {
    const answers = [true, false, false, true, false, false, false, true, true]
    const { clock, reports } = started(
      { periodSeconds: 1, successThreshold: 2, failureThreshold: 3 },
      answers,
    )
    await clock.advance(8_500)
    expect(reports).toEqual([
      [6_000, false],
      [8_000, true],
    ])
  })

  it('ends with the container', async () => {
    const { clock, life, attempts, done } = started({ periodSeconds: 1 })
    await clock.advance(1_500)
    life.abort()
    await done
    await clock.advance(5_000)
    expect(attempts).toEqual([0, 1_000])
  })
})
