import { describe, expect, it } from 'vitest'
import { SeededRandom, SystemRandom, type Random } from './random.ts'

describe('Random', () => {
  it.each<{ name: string; random: Random }>([
    { name: 'SeededRandom', random: new SeededRandom(1) },
    { name: 'SystemRandom', random: new SystemRandom() },
  ])('$name stays within its bounds and reaches every number', ({ random }) => {
    const seen = new Set<number>()
    for (let nth = 0; nth < 1_000; nth++) {
      const next = random.next()
      expect(next >= 0 && next < 1).toBe(true)
      seen.add(random.below(5))
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
  })

  it.each<{ name: string; random: Random }>([
    { name: 'SeededRandom', random: new SeededRandom(1) },
    { name: 'SystemRandom', random: new SystemRandom() },
  ])('$name sets each of 32 bits in about half of its numbers', ({ random }) => {
    const numbers = Array.from({ length: 1_000 }, () => random.uint32())
    expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)).toBe(true)
    for (let bit = 0; bit < 32; bit++) {
      const set = numbers.filter((number) => (number >>> bit) & 1).length
      // 500 are expected, with a standard deviation of 16: 350 is more than nine of those away.
      expect(set).toBeGreaterThan(350)
      expect(set).toBeLessThan(650)
    }
  })

  it('gives the same again from the same seed, and something else from another', () => {
    const series = (seed: number): number[] => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 20 }, () => random.next())
    }
    expect(series(42)).toEqual(series(42))
    expect(series(42)).not.toEqual(series(43))
  })
})
