import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../core/random.ts'
import { readExposition } from './exposition.ts'
import { histogramOf, increaseOf, meanOf, mergedHistogram, quantileOf, type Histogram } from './histogram.ts'

function read(text: string, unit = 1): Histogram | undefined {
  const { samples } = readExposition(text)
  const named = (name: string) => samples.filter((sample) => sample.name === name)
  return histogramOf({ buckets: named('h_bucket'), sums: named('h_sum'), counts: named('h_count') }, unit)
}

describe('a histogram', () => {
  it('adds its series up, in the unit that is wanted', () => {
    const text = `h_bucket{m="a",le="100"} 1
h_bucket{m="a",le="200.0"} 3
h_bucket{m="a",le="+Inf"} 4
h_bucket{m="b",le="100"} 10
h_bucket{m="b",le="200"} 30
h_bucket{m="b",le="+Inf"} 40
h_sum{m="a"} 500
h_sum{m="b"} 5000
`
    expect(read(text, 0.001)).toEqual({ bounds: [0.1, 0.2], counts: [11, 33, 44], sum: 5.5 })
  })

  it('keeps of series with other buckets the bounds that all have', () => {
    const text = `h_bucket{m="a",le="1"} 1
h_bucket{m="a",le="2"} 2
h_bucket{m="a",le="+Inf"} 4
h_bucket{m="b",le="2"} 30
h_bucket{m="b",le="5"} 35
h_bucket{m="b",le="+Inf"} 40
`
    expect(read(text)).toEqual({ bounds: [2], counts: [32, 44] })
  })

  it('may have no buckets, and then has a mean and no quantile', () => {
    const histogram = read('h_sum 6\nh_count 4\n')
    expect(histogram).toEqual({ bounds: [], counts: [4], sum: 6 })
    expect(meanOf(histogram!)).toBe(1.5)
    expect(quantileOf(histogram!, 0.5)).toBeUndefined()
  })

  it('is none without a count of all, and ignores buckets that are none', () => {
    expect(read('h_bucket{le="1"} 3\nh_sum 3\n')).toBeUndefined()
    expect(read('')).toBeUndefined()
    expect(
      read('h_bucket{le="big"} 9\nh_bucket{le=""} 9\nh_bucket{le="1"} NaN\nh_bucket{le="+Inf"} 3\n'),
    ).toEqual({
      bounds: [],
      counts: [3],
    })
  })

  it('grows between two scrapes', () => {
    const before = { bounds: [1, 2], counts: [1, 2, 3], sum: 4 }
    expect(increaseOf(before, { bounds: [1, 2], counts: [1, 4, 8], sum: 14 })).toEqual({
      bounds: [1, 2],
      counts: [0, 2, 5],
      sum: 10,
    })
    expect(increaseOf(before, { bounds: [1, 2], counts: [0, 4, 8] })).toBe('went back')
    expect(increaseOf(before, { bounds: [1, 3], counts: [1, 4, 8] })).toBe('changed')
  })

  it('of several replicas is one, if their buckets are the same', () => {
    const a = { bounds: [1], counts: [1, 2], sum: 3 }
    expect(mergedHistogram([a, { bounds: [1], counts: [5, 7], sum: 8 }])).toEqual({
      bounds: [1],
      counts: [6, 9],
      sum: 11,
    })
    expect(mergedHistogram([a, { bounds: [2], counts: [5, 7] }])).toBeUndefined()
    expect(mergedHistogram([])).toBeUndefined()
  })
})

/** 10 observations: 4 up to 0.1, 9 up to 0.2, 9 up to 0.5, 1 beyond. */
const ten: Histogram = { bounds: [0.1, 0.2, 0.5], counts: [4, 9, 9, 10], sum: 2 }

describe('a quantile', () => {
  it.each([
    [0.2, 0.05],
    [0.4, 0.1],
    [0.5, 0.12],
    [0.9, 0.2],
    [0.95, 0.5],
    [1, 0.5],
  ])('%d is %d', (quantile, value) => expect(quantileOf(ten, quantile)).toBeCloseTo(value, 12))

  it('in a first bucket that is not above 0 is its bound', () => {
    expect(quantileOf({ bounds: [-1, 1], counts: [5, 10, 10] }, 0.5)).toBe(-1)
    expect(quantileOf({ bounds: [-1, 1], counts: [5, 10, 10] }, 0.75)).toBe(0)
  })

  it('takes a count below the one before as that one', () => {
    expect(quantileOf({ bounds: [1, 2, 3], counts: [4, 3, 8, 8] }, 0.75)).toBe(2.5)
  })

  it('is none where nothing was observed', () => {
    expect(quantileOf({ bounds: [1], counts: [0, 0] }, 0.5)).toBeUndefined()
    expect(meanOf({ bounds: [1], counts: [0, 0], sum: 0 })).toBeUndefined()
  })

  it.each([0, -1, 1.1, Number.NaN])('of %d is refused', (quantile) => {
    expect(() => quantileOf(ten, quantile)).toThrow(`quantile is ${quantile}; above 0 and up to 1 is allowed`)
  })

  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'lies in the bucket of the value that has its rank (seed %d)',
    (seed) => {
      const random = new SeededRandom(seed)
      const bounds = [0.01, 0.05, 0.1, 0.5, 1, 2.5]
      const values = Array.from({ length: 1 + random.below(200) }, () => random.next() * 3).sort(
        (a, b) => a - b,
      )
      const counts = [...bounds.map((le) => values.filter((value) => value <= le).length), values.length]
      const quantile = (1 + random.below(100)) / 100
      const exact = values[Math.ceil(quantile * values.length - 1e-9) - 1]!
      // Beyond the last bound nothing is known but that bound.
      const at = bounds.findIndex((le) => exact <= le)
      const [lower, upper] = at === -1 ? [2.5, 2.5] : [bounds[at - 1] ?? 0, bounds[at]!]
      const estimate = quantileOf({ bounds, counts }, quantile)
      expect(estimate).toBeGreaterThanOrEqual(lower - 1e-12)
      expect(estimate).toBeLessThanOrEqual(upper + 1e-12)
    },
  )
})
