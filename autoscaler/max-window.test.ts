import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../src/core/random.ts'
import { currentMax, emptyMaxWindow, recordMax, timeIndex } from './max-window.ts'

describe('a sliding maximum', () => {
  it('keeps only what can still become the largest', () => {
    let window = emptyMaxWindow
    for (const [index, value] of [3, 7, 2, 5, 1].entries()) window = recordMax(window, 10, index, value)
    expect(window.map(({ value }) => value)).toEqual([7, 5, 1])
  })

  it('forgets values as they fall out', () => {
    let window = recordMax(emptyMaxWindow, 3, 0, 9)
    window = recordMax(window, 3, 1, 4)
    expect(currentMax(recordMax(window, 3, 2, 1))).toBe(9)
    expect(currentMax(recordMax(window, 3, 3, 1))).toBe(4)
    expect(currentMax(recordMax(window, 3, 60, 0))).toBe(0)
  })

  it('keeps the larger of two values at one index, and does not change the window it is given', () => {
    const window = recordMax(emptyMaxWindow, 3, 5, 4)
    expect(currentMax(recordMax(window, 3, 5, 2))).toBe(4)
    expect(currentMax(recordMax(window, 3, 5, 6))).toBe(6)
    expect(window).toEqual([{ index: 5, value: 4 }])
    expect(currentMax(emptyMaxWindow)).toBeUndefined()
  })

  it('agrees with looking through all values', () => {
    const random = new SeededRandom(11)
    const recorded: { index: number; value: number }[] = []
    let window = emptyMaxWindow
    for (let index = 0; index < 400; index += random.below(3)) {
      const value = random.below(20)
      recorded.push({ index, value })
      window = recordMax(window, 8, index, value)
      const within = recorded.filter((one) => index - one.index < 8).map((one) => one.value)
      expect(currentMax(window), `seed 11, index ${index}`).toBe(Math.max(...within))
    }
  })

  it('counts time in buckets', () => {
    expect(timeIndex(7_999, 2_000)).toBe(3)
    expect(timeIndex(8_000, 2_000)).toBe(4)
  })
})
