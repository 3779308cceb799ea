import { describe, expect, it } from 'vitest'
import {
  doubleOfQuantity,
  milliOfQuantity,
  parseQuantity,
  textOfQuantity,
  type Quantity,
} from './quantity.ts'

function quantity(text: string | number): Quantity {
  const parsed = parseQuantity(text)
  if (parsed === undefined) throw new Error(`${text} is no quantity`)
  return parsed
}

describe('a quantity', () => {
  it.each([
    ['1', 1000],
    ['500m', 500],
    ['0.5', 500],
    ['.5', 500],
    ['5.', 5000],
    ['+2', 2000],
    ['-300m', -300],
    ['1k', 1_000_000],
    ['1Ki', 1_024_000],
    ['1.5Gi', 1_610_612_736_000],
    ['3e2', 300_000],
    ['3E-1', 300],
    ['1E', '9223372036854775807'],
    ['1u', 1],
    ['1500u', 2],
    ['-1n', -1],
    ['0', 0],
    [0.2, 200],
    ['1e999999999', '9223372036854775807'],
    ['1e-999999999', 1],
  ])('%s is %s thousandths', (text, expected) => {
    expect(milliOfQuantity(quantity(text))).toBe(expected)
  })

  it.each(['', 'abc', '10%', '1 ', '1 Gi', '.', '1i', '0x10', '1ki', 'NaN', '9'.repeat(101)])(
    'is not "%s"',
    (text) => {
      expect(parseQuantity(text)).toBeUndefined()
    },
  )

  it.each([
    ['0.1', '100m'],
    ['-0.01', '-10m'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['-1', '-1'],
    ['0', '0'],
    ['0.0000005', '500n'],
  ])('%s is written %s', (text, expected) => {
    expect(textOfQuantity(quantity(text))).toBe(expected)
  })

  it('is a double by way of its suffix: 118m is 118 times 0.001, and not 0.118', () => {
    expect(doubleOfQuantity(quantity('0.118'))).toBe(118 * 0.001)
    expect(doubleOfQuantity(quantity('118m'))).not.toBe(0.118)
    expect(doubleOfQuantity(quantity('2'))).toBe(2)
  })
})
