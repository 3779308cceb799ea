import { describe, expect, it } from 'vitest'
import type { ReplicaName } from '../src/core/names.ts'
import { SeededRandom } from '../src/core/random.ts'
import { shareOf, sortedMembers } from './shares.ts'

const names = (count: number): readonly string[] =>
  sortedMembers(Array.from({ length: count }, (_, nth) => `pilotlight-gateway-7d9f-${nth}`))

describe('shareOf', () => {
  it('adds up to the limit on every replica, and no share is more than one above another', () => {
    const random = new SeededRandom(5)
    for (let nth = 0; nth < 2_000; nth++) {
      const [limit, members] = [1 + random.below(40), names(1 + random.below(30))]
      const replica: ReplicaName = `ml/iris-predictor-00001-${random.uint32().toString(36)}`
      const shares = members.map((member) => shareOf(limit, replica, member, members))
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(limit)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }
  })

  it('spreads what remains evenly over gateways', () => {
    for (const gateways of [2, 3, 4, 7]) {
      const members = names(gateways)
      const sums = members.map(() => 0)
      for (let nth = 0; nth < 4_000; nth++) {
        const replica: ReplicaName = `ml/iris-predictor-00001-${nth}`
        for (const [at, member] of members.entries()) sums[at]! += shareOf(1, replica, member, members)
      }
      for (const sum of sums) expect(Math.abs(sum * gateways - 4_000)).toBeLessThan(400)
    }
  })

  it('gives everything to one that is alone or knows nobody, and nothing to one that is no member', () => {
    expect(shareOf(3, 'ml/a', 'a', ['a'])).toBe(3)
    expect(shareOf(3, 'ml/a', 'a', [])).toBe(3)
    expect(shareOf(3, 'ml/a', 'c', ['a', 'b'])).toBe(0)
  })

  it('divides nothing where there is no limit', () => {
    expect(shareOf(0, 'ml/a', 'a', ['a', 'b'])).toBe(0)
  })

  it('is the same in every process', () => {
    const members = ['a', 'b', 'c']
    expect(members.map((member) => shareOf(4, 'ml/iris-00001-x', member, members))).toEqual([1, 1, 2])
  })
})
