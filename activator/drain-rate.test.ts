import { describe, expect, it } from 'vitest'
import { DrainRate } from './drain-rate.ts'

const WARM = { depth: 20, slots: 4, oldestWaitMs: 0, cold: false }

describe('DrainRate', () => {
  it('divides the work that waits by the slots: 20 * 0.5 s / 4 is 2.5, so 3', () => {
    const rate = new DrainRate()
    rate.permitHeld(500)
    expect(rate.retryAfterSeconds(WARM)).toBe(3)
  })

  it('says 1 while nothing is known, and where there is no limit', () => {
    const rate = new DrainRate()
    expect(rate.retryAfterSeconds(WARM)).toBe(1)
    rate.permitHeld(60_000)
    expect(rate.retryAfterSeconds({ ...WARM, slots: Number.POSITIVE_INFINITY })).toBe(1)
  })

  it('never says more than two minutes', () => {
    const rate = new DrainRate()
    rate.permitHeld(60_000)
    expect(rate.retryAfterSeconds({ ...WARM, depth: 10_000 })).toBe(120)
  })

  it('moves a fifth of the way to each new value', () => {
    const rate = new DrainRate()
    rate.permitHeld(1_000)
    rate.permitHeld(2_000)
    // 1000 + 0.2 * 1000 = 1200 ms; ten of them on one slot take 12 s.
    expect(rate.retryAfterSeconds({ ...WARM, depth: 10, slots: 1 })).toBe(12)
  })

  it('adds what is left of a usual cold start, or as long again as the oldest has waited', () => {
    const rate = new DrainRate()
    const cold = { depth: 0, slots: 0, oldestWaitMs: 7_000, cold: true }
    expect(rate.retryAfterSeconds(cold)).toBe(7)
    rate.coldStarted(30_000)
    expect(rate.retryAfterSeconds(cold)).toBe(23)
    expect(rate.retryAfterSeconds({ ...cold, oldestWaitMs: 40_000 })).toBe(1)
  })
})
