import { describe, expect, it } from 'vitest'
import { parseGoBool, parseGoDurationMs, parseGoFloat, parseGoInt } from './go-literals.ts'

describe('a Go float', () => {
  it.each([
    ['70', 70],
    ['+.5', 0.5],
    ['5.', 5],
    ['7e1', 70],
    ['1E-2', 0.01],
    ['1_000.2_5', 1000.25],
    ['0x1p-2', 0.25],
    ['-0x1.8p1', -3],
    ['0x_ap0', 10],
    ['0x0p2000', 0],
    ['1e-400', 0],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['NaN', Number.NaN],
  ])('%s is %d', (text, value) => expect(parseGoFloat(text)).toBe(value))

  it.each([
    '',
    ' 1',
    '1 ',
    '.',
    '1e',
    '1,5',
    '1__0',
    '_1',
    '1_',
    '1_.5',
    '0x1',
    '0xp1',
    '1e400',
    '0x1p2000',
    '-nan',
    '5%',
  ])('"%s" is refused', (text) => expect(parseGoFloat(text)).toBeUndefined())
})

describe('a Go integer', () => {
  it.each([
    ['7', 7],
    ['+7', 7],
    ['-7', -7],
    ['007', 7],
    ['2147483647', 2_147_483_647],
    ['-2147483648', -2_147_483_648],
  ])('%s is %d', (text, value) => expect(parseGoInt(text, 32)).toEqual({ ok: true, value }))

  it.each(['', '1.0', '1e3', '0x10', '1_000', ' 1', '--1'])('"%s" is no integer', (text) =>
    expect(parseGoInt(text, 32)).toEqual({ ok: false, error: 'syntax' }),
  )

  it('knows its range', () => {
    expect(parseGoInt('2147483648', 32)).toEqual({ ok: false, error: 'range' })
    expect(parseGoInt('2147483648', 64)).toEqual({ ok: true, value: 2_147_483_648 })
    expect(parseGoInt('9223372036854775808', 64)).toEqual({ ok: false, error: 'range' })
  })
})

describe('a Go truth value', () => {
  it.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('%s is true', (text) =>
    expect(parseGoBool(text)).toBe(true),
  )
  it.each(['0', 'f', 'F', 'FALSE', 'false', 'False'])('%s is false', (text) =>
    expect(parseGoBool(text)).toBe(false),
  )
  it.each(['', 'tRUE', 'yes', 'on', '2'])('"%s" is refused', (text) =>
    expect(parseGoBool(text)).toBeUndefined(),
  )
})

describe('a Go duration', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['60s', 60_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5.s', 5_000],
    ['-42s', -42_000],
    ['+1m', 60_000],
    ['61984ms', 61_984],
    ['1us', 0.001],
    ['1\u00b5s', 0.001],
    ['1s1s', 2_000],
    ['2540400h10m10s', 9_145_440_610_000],
  ])('%s is %d ms', (text, ms) => expect(parseGoDurationMs(text)).toBe(ms))

  it.each(['', '1', '60', '.s', 's', '-', '1d', '1 s', '1m -5s', '5constructor', '1s.', '2562048h'])(
    '"%s" is refused',
    (text) => expect(parseGoDurationMs(text)).toBeUndefined(),
  )
})
