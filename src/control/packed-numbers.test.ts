import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../core/random.ts'
import { NumberReader, NumberWriter } from './packed-numbers.ts'

describe('packed numbers', () => {
  it.each([
    [0, 1],
    [15, 1],
    [-16, 1],
    [16, 2],
    [1_700_000_000_000, 7],
    [2 ** 51, 8],
    [2 ** 51 + 1, 9],
    [-(2 ** 51), 8],
    [2 ** 53, 9],
    [0.5, 4],
    [0.000001, 1],
    [12.345678, 4],
    [1 / 3, 9],
    [-0, 9],
    [Number.NaN, 9],
    [Infinity, 9],
    [-Infinity, 9],
    [Number.MAX_VALUE, 9],
    [5e-324, 9],
  ])('%d comes back from %i bytes', (value, length) => {
    const writer = new NumberWriter()
    writer.write(value)
    expect(writer.length).toBe(length)
    expect(new NumberReader(writer.bytes).read()).toBe(value)
  })

  it('come back in their order, whatever they are', () => {
    const random = new SeededRandom(3)
    const values = Array.from({ length: 20_000 }, () => {
      const value = (random.next() - 0.5) * 10 ** Math.floor(random.next() * 24 - 6)
      const kind = random.next()
      if (kind < 0.4) return Math.round(value)
      return kind < 0.8 ? Math.round(value * 1e6) / 1e6 : value
    })
    const writer = new NumberWriter()
    for (const value of values) writer.write(value)
    const reader = new NumberReader(writer.bytes)
    expect(values.filter((value) => !Object.is(reader.read(), value))).toEqual([])
  })
})
