import { describe, expect, it } from 'vitest'
import type { RevisionName } from '../src/core/names.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { SplitTarget } from '../src/core/route.ts'
import { Split } from './split.ts'

function targetsOf(...percents: readonly number[]): SplitTarget[] {
  return percents.map((percent, index) => ({ revision: `ml/r-0000${index + 1}`, percent }))
}

/** 300 picks: three cycles, so that every window of 100 is seen wherever it begins. */
function picks(split: Split): RevisionName[] {
  return Array.from({ length: 300 }, () => split.pick().revision)
}

/** The windows of 100 in which a target is not picked exactly as often as its percent says. */
function unevenWindows(targets: readonly SplitTarget[]): string[] {
  const order = picks(new Split(targets))
  const uneven: string[] = []
  for (const { revision, percent } of targets) {
    let count = order.slice(0, 100).filter((picked) => picked === revision).length
    for (let from = 0; from < 200; from++) {
      if (count !== percent) uneven.push(`${revision}: ${count} of ${percent} from ${from} on`)
      count += (order[from + 100] === revision ? 1 : 0) - (order[from] === revision ? 1 : 0)
    }
  }
  return uneven
}

/** The longest run of one revision in the order of picks. */
function longestRun(order: readonly RevisionName[], revision: RevisionName): number {
  let longest = 0
  let run = 0
  for (const picked of order) {
    run = picked === revision ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}

/** Random percents of three revisions that sum to 100. */
function randomTriple(random: SeededRandom): SplitTarget[] {
  const first = random.below(101)
  const second = random.below(101 - first)
  return targetsOf(first, second, 100 - first - second)
}

function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user-${index}`)
}

function homes(split: Split, keys: readonly string[]): RevisionName[] {
  return keys.map((key) => split.pickFor(key).revision)
}

describe('Split in turn', () => {
  it('is exact in every window of 100, for every pair of percents', () => {
    for (let percent = 0; percent <= 100; percent++) {
      expect(unevenWindows(targetsOf(percent, 100 - percent))).toEqual([])
    }
  })

  it('is exact in every window of 100, for random triples', () => {
    const random = new SeededRandom(20)
    for (let nth = 0; nth < 100; nth++) expect(unevenWindows(randomTriple(random))).toEqual([])
  })

  it('spreads evenly: 10 of 100 come once in every ten', () => {
    const order = picks(new Split(targetsOf(90, 10)))
    for (let from = 0; from < 300; from += 10) {
      expect(order.slice(from, from + 10).filter((picked) => picked === 'ml/r-00002')).toHaveLength(1)
    }
  })

  it('never picks one revision more often in a row than its share asks for', () => {
    for (let percent = 1; percent <= 99; percent++) {
      const order = picks(new Split(targetsOf(percent, 100 - percent)))
      // 75 to 25 is three to one; 70 to 30 is 2.33 to one, so three at most.
      expect(longestRun(order, 'ml/r-00001')).toBeLessThanOrEqual(Math.ceil(percent / (100 - percent)))
      expect(longestRun(order, 'ml/r-00002')).toBeLessThanOrEqual(Math.ceil((100 - percent) / percent))
    }
  })

  it('refuses percents that do not sum to 100, are negative or no whole numbers', () => {
    const allowed = 'allowed: whole numbers that sum to 100'
    expect(() => new Split(targetsOf(90, 20))).toThrow(`percents of a split: got 90, 20; ${allowed}`)
    expect(() => new Split(targetsOf(110, -10))).toThrow(`got 110, -10; ${allowed}`)
    expect(() => new Split(targetsOf(99.5, 0.5))).toThrow(`got 99.5, 0.5; ${allowed}`)
    expect(() => new Split([])).toThrow(RangeError)
  })

  it('is equal to the same revisions with the same percents and tags, in the same order', () => {
    const split = new Split(targetsOf(90, 10))
    expect(split.equals(targetsOf(90, 10))).toBe(true)
    expect(split.equals(targetsOf(80, 20))).toBe(false)
    expect(split.equals(targetsOf(90, 10).toReversed())).toBe(false)
    expect(split.equals(targetsOf(90, 10, 0))).toBe(false)
    expect(split.equals(targetsOf(90, 10).map((target) => ({ ...target, tag: 'prev' })))).toBe(false)
  })
})

describe('Split by key', () => {
  it('gives a key the same revision always, on every gateway', () => {
    const keys = keysOf(500)
    const home = homes(new Split(targetsOf(70, 30)), keys)
    expect(homes(new Split(targetsOf(70, 30)), keys)).toEqual(home)
  })

  it('gives each revision about its percent of the keys', () => {
    const home = homes(new Split(targetsOf(10, 60, 30)), keysOf(10_000))
    const shares = targetsOf(10, 60, 30).map(
      ({ revision }) => home.filter((at) => at === revision).length / 100,
    )
    expect(shares[0]).toBeGreaterThan(8)
    expect(shares[0]).toBeLessThan(12)
    expect(shares[1]).toBeGreaterThan(58)
    expect(shares[1]).toBeLessThan(62)
    expect(shares[2]).toBeGreaterThan(28)
    expect(shares[2]).toBeLessThan(32)
  })

  it.each([
    { canary: 'first', order: (canary: number) => targetsOf(canary, 100 - canary), name: 'ml/r-00001' },
    { canary: 'last', order: (canary: number) => targetsOf(100 - canary, canary), name: 'ml/r-00002' },
  ])('moves only the growth when a canary that stands $canary grows', ({ order, name }) => {
    const keys = keysOf(5_000)
    let before = homes(new Split(order(0)), keys)
    for (const percent of [1, 10, 20, 50, 100]) {
      const after = homes(new Split(order(percent)), keys)
      // Nobody who was on the canary leaves it while it grows.
      expect(keys.filter((_, at) => before[at] === name && after[at] !== name)).toEqual([])
      before = after
    }
    expect(new Set(before)).toEqual(new Set([name]))
  })
})
