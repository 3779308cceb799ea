import { expect, it } from 'vitest'
import { nextRestart, noFailures } from './backoff.ts'

it('restarts at once, then after 1 s, doubling up to 5 min', () => {
  let history = noFailures
  const delays = Array.from({ length: 12 }, () => {
    const restart = nextRestart(history, 0)
    history = restart.history
    return restart.delayMs / 1_000
  })
  expect(delays).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
})

it.each([
  [599_999, 4_000],
  [600_000, 0],
])('after %i ms of readiness the fourth restart waits %i ms', (readyForMs, delayMs) => {
  expect(nextRestart({ failures: 3 }, readyForMs).delayMs).toBe(delayMs)
})
