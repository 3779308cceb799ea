import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from './clock.ts'

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

describe('SystemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('waits longer than one timeout of the machine can', () => {
    const fire = vi.fn<() => void>()
    new SystemClock().after(LONGEST_TIMEOUT_MS * 2 + 5, fire)
    vi.advanceTimersByTime(LONGEST_TIMEOUT_MS * 2 + 4)
    expect(fire).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  it('can be cancelled in the second half of a long wait', () => {
    const fire = vi.fn<() => void>()
    const timer = new SystemClock().after(LONGEST_TIMEOUT_MS + 1_000, fire, { keepAlive: false })
    vi.advanceTimersByTime(LONGEST_TIMEOUT_MS + 1)
    timer.cancel()
    timer.cancel()
    vi.runAllTimers()
    expect(fire).not.toHaveBeenCalled()
  })

  it('fires at once for a time that has passed', () => {
    const fire = vi.fn<() => void>()
    new SystemClock().after(-1_000, fire)
    vi.advanceTimersByTime(0)
    expect(fire).toHaveBeenCalledTimes(1)
  })

  it('does not go backwards', () => {
    const clock = new SystemClock()
    const instants = Array.from({ length: 100 }, () => clock.now())
    expect(instants).toEqual(instants.toSorted((a, b) => a - b))
  })
})
