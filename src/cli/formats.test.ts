import { describe, expect, it } from 'vitest'
import { age } from './age.ts'
import { formatRfc3339, parseRfc3339 } from '../core/rfc3339.ts'
import { table } from './table.ts'

describe('age', () => {
  it.each([
    [-5000, '<invalid>'],
    [-1500, '0s'],
    [0, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [121_000, '2m1s'],
    [599_000, '9m59s'],
    [600_000, '10m'],
    [10_799_000, '179m'],
    [10_800_000, '3h'],
    [11_100_000, '3h5m'],
    [28_800_000, '8h'],
    [47 * 3_600_000, '47h'],
    [49 * 3_600_000, '2d1h'],
    [192 * 3_600_000, '8d'],
    [700 * 86_400_000, '700d'],
    [(2 * 365 + 5) * 86_400_000, '2y5d'],
    [9 * 365 * 86_400_000, '9y'],
  ])('%i ms is %s', (elapsedMs, text) => {
    expect(age(elapsedMs)).toBe(text)
  })
})

describe('RFC 3339', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59Z', -1000],
    ['2000-02-29T12:00:00Z', 951_825_600_000],
    ['2023-11-14T22:13:20Z', 1_700_000_000_000],
    ['2100-03-01T00:00:00Z', 4_107_542_400_000],
  ])('%s is %i both ways', (text, epochMs) => {
    expect(parseRfc3339(text)).toBe(epochMs)
    expect(formatRfc3339(epochMs)).toBe(text)
  })

  it('reads fractions and offsets, and nothing else', () => {
    expect(parseRfc3339('2023-11-15T00:13:20.250+02:00')).toBe(1_700_000_000_250)
    expect(parseRfc3339('2023-11-14T20:13:20-02:00')).toBe(1_700_000_000_000)
    expect(parseRfc3339('yesterday')).toBeUndefined()
  })
})

describe('table', () => {
  it('is laid out as kubectl does: three spaces, six at least, an empty cell is blank', () => {
    expect(
      table([
        ['NAME', 'URL', 'X', 'AGE'],
        ['sklearn-iris', 'http://x', '', '3s'],
      ]),
    ).toBe('NAME           URL        X     AGE\nsklearn-iris   http://x         3s\n')
  })

  it('remembers its widths over a watch', () => {
    const widths: number[] = []
    table([['a-long-name', '1']], widths)
    expect(table([['b', '2']], widths)).toBe('b             2\n')
  })
})
