import { describe, expect, it } from 'vitest'
import { growthOf } from './trend.ts'

const series = (values: readonly number[]) => values.map((value, at) => ({ atMs: at * 1_000, value }))

describe('the growth of a series', () => {
  it.each([
    ['nothing', [], 0],
    ['one point', [5], 0],
    ['a flat one', [5, 5, 5, 5], 0],
    ['a line', [0, 1, 2, 3, 4], 4],
    ['a line with a peak', [0, 1, 90, 3, 4], 4],
    ['a falling line', [40, 30, 20, 10], -30],
    ['a saw', [0, 10, 0, 10, 0, 10, 0, 10, 0], 0],
  ])('of %s', (_name, values, growth) => {
    expect(growthOf(series(values))).toBeCloseTo(growth)
  })
})
