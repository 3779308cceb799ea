import { describe, expect, it } from 'vitest'
import { absent } from './signal.ts'
import { freshAt } from './staleness.ts'

const signal = { value: 3, atMs: 100_000, from: 'x' }

describe('a value', () => {
  it.each([
    [100_000, true],
    [105_000, true],
    [105_001, false],
    [95_000, true],
    [94_999, false],
  ])('of second 100 at %d ms is fresh for 5 s: %s', (nowMs, isFresh) => {
    expect('value' in freshAt(signal, nowMs, 5_000)).toBe(isFresh)
  })

  it('that is stale says by how much', () => {
    expect(freshAt(signal, 130_000, 5_000)).toEqual(absent('stale', 'x is 30000 ms old; 5000 ms are allowed'))
    expect(freshAt(signal, 70_000, 5_000)).toEqual(
      absent('stale', 'x is 30000 ms in the future; 5000 ms are allowed'),
    )
  })

  it('that is absent stays absent for its own reason', () => {
    const none = absent('not exported', 'no x')
    expect(freshAt(none, 1e12, 1)).toBe(none)
  })
})
