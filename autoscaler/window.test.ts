import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../src/core/random.ts'
import { BucketRing } from './bucket-ring.ts'
import { smoothingCoefficient, WeightedWindow } from './weighted-window.ts'
import { LinearWindow, roundToMicro } from './window.ts'

const second = (s: number): number => 1_700_000_040_000 + s * 1000

describe('a linear window', () => {
  it('has full strength after one second of data', () => {
    const window = new LinearWindow(60_000)
    window.record(second(0) + 250, 12)
    expect(window.average(second(0) + 900)).toBe(12)
  })

  it('sums what falls into one second', () => {
    const window = new LinearWindow(60_000)
    window.record(second(0), 3)
    window.record(second(0) + 999, 4)
    window.record(second(1), 1)
    expect(window.average(second(1))).toBe(4)
  })

  it('holds its average when reports stop, until a window has passed', () => {
    const window = new LinearWindow(60_000)
    for (let s = 0; s < 60; s += 1) window.record(second(s), 5)
    expect(window.average(second(59 + 20))).toBe(5)
    expect(window.average(second(59 + 59))).toBe(5)
    expect(window.average(second(59 + 60))).toBe(0)
    expect(window.isEmpty(second(59 + 60))).toBe(false)
    expect(window.isEmpty(second(59 + 61))).toBe(true)
  })

  it('falls when zeros are recorded', () => {
    const window = new LinearWindow(6_000)
    for (let s = 0; s < 6; s += 1) window.record(second(s), 6)
    for (let s = 6; s < 9; s += 1) window.record(second(s), 0)
    expect(window.average(second(8))).toBe(3)
  })

  it('takes late values and drops those older than the window', () => {
    const window = new LinearWindow(5_000)
    window.record(second(10), 10)
    window.record(second(8), 2)
    expect(window.average(second(10))).toBe(4)
    window.record(second(5), 1_000)
    expect(window.average(second(10))).toBe(4)
  })

  it('agrees with adding up by hand, whatever is recorded', () => {
    const random = new SeededRandom(7)
    const window = new LinearWindow(30_000)
    const values = new Map<number, number>()
    for (let s = 0; s < 500; s += 1) {
      const value = Math.round(random.next() * 1000) / 8
      window.record(second(s), value)
      values.set(s, value)
      const kept = [...values].filter(([at]) => at > s - 30).map(([, one]) => one)
      const byHand = roundToMicro(kept.reduce((sum, one) => sum + one, 0) / kept.length)
      expect(window.average(second(s)), `seed 7, second ${s}`).toBeCloseTo(byHand, 5)
    }
  })
})

describe('a weighted window', () => {
  it('weighs the newest most and is not normalised', () => {
    const window = new WeightedWindow(5_000)
    window.record(second(0), 2)
    expect(window.average(second(0))).toBeCloseTo(2 * 0.841_510_68, 8)
    window.record(second(1), 2)
    expect(window.average(second(1))).toBeCloseTo(2 * 0.841_510_68 * 1.158_489_32, 7)
  })

  it('fades when reports stop', () => {
    const window = new WeightedWindow(5_000)
    window.record(second(0), 2)
    expect(window.average(second(2))).toBeCloseTo(2 * 0.841_510_68 * 0.158_489_32 ** 2, 8)
    expect(window.average(second(6))).toBe(0)
  })

  it('fades by at least a fifth per bucket', () => {
    expect(smoothingCoefficient(5)).toBeCloseTo(0.841_510_68, 8)
    expect(smoothingCoefficient(3600)).toBe(0.2)
  })
})

describe('a bucket ring', () => {
  it('shows what it holds, newest first', () => {
    const ring = new BucketRing(5_000, 1_000)
    ring.record(second(1), 4)
    ring.record(second(3), 7)
    expect(ring.buckets(second(3))).toEqual([
      { atMs: second(3), value: 7 },
      { atMs: second(1), value: 4 },
    ])
    expect(ring.buckets(second(7))).toEqual([{ atMs: second(3), value: 7 }])
    expect(ring.buckets(second(8))).toEqual([])
  })

  it('keeps the newest buckets when it is resized', () => {
    const window = new LinearWindow(5_000)
    for (let s = 1; s <= 5; s += 1) window.record(second(s), s)
    window.resize(3_000, second(5))
    expect(window.average(second(5))).toBe(4)
    window.resize(10_000, second(5))
    window.record(second(6), 8)
    expect(window.ring.total).toBe(20)
    expect(window.ring.size).toBe(10)
  })

  it('forgets what is older than the window when it is resized', () => {
    const ring = new BucketRing(5_000, 1_000)
    ring.record(second(0), 9)
    ring.resize(60_000, second(30))
    expect(ring.total).toBe(0)
    expect(ring.buckets(second(30))).toEqual([])
  })

  it('refuses lengths that make no ring', () => {
    expect(() => new BucketRing(0, 1_000)).toThrow('windowMs is 0; it must be above 0')
    expect(() => new BucketRing(1_000, Number.NaN)).toThrow('granularityMs is NaN; it must be above 0')
  })
})

describe('rounding', () => {
  it.each([
    [1 / 3, 0.333_333],
    [0.000_000_5, 0.000_001],
    [-0.000_000_5, -0.000_001],
    [-1e-17, 0],
  ])('%d is %d', (value, rounded) => expect(roundToMicro(value)).toBe(rounded))
})
