import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { EventBudget, FLOOD_BOUNDS_DEFAULT, FloodGuard } from './floods.ts'

test('a budget takes its burst at once and its rate after that', () => {
  let nowMs = 5_000
  const budget = new EventBudget({ burst: 3, perSecond: 2 }, () => nowMs)
  expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false])
  nowMs += 499
  expect(budget.take()).toBe(false)
  nowMs += 1
  expect([1, 2].map(() => budget.take())).toEqual([true, false])
})

test('after a long rest a budget is full and not fuller', () => {
  let nowMs = 0
  const budget = new EventBudget({ burst: 2, perSecond: 10 }, () => nowMs)
  budget.take()
  budget.take()
  nowMs = 3_600_000
  expect([1, 2, 3].map(() => budget.take())).toEqual([true, true, false])
})

test('control frames that come with messages never run out', () => {
  const guard = new FloodGuard({ ...FLOOD_BOUNDS_DEFAULT, control: { burst: 10, perSecond: 0 } }, () => 0)
  for (let round = 0; round < 100; round++) {
    guard.useful(0)
    guard.control()
    guard.control()
  }
  expect(() => {
    for (let round = 0; round < 11; round++) guard.control()
  }).toThrow(expect.objectContaining({ code: CODE.enhanceYourCalm, scope: 'connection' }))
})
