import { expect, it } from 'vitest'
import { backoffMs } from './pod-context.ts'

it('a container that fails again waits twice as long, up to 5 minutes', () => {
  expect([1, 2, 3, 6, 7].map((failures) => backoffMs(failures, 1))).toEqual([
    10_000, 20_000, 40_000, 300_000, 300_000,
  ])
  expect(backoffMs(2, 0.1)).toBe(2_000)
})
