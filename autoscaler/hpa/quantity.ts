import { clampInt64, milliOf, type Milli } from './milli.ts'

/** A Kubernetes quantity: `digits` times ten to the power of `exponent`. */
export interface Quantity {
  readonly digits: bigint
  readonly exponent: number
}

const FORMAT = /^([+-]?)(\d+)?(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/

const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
  Ei: 2n ** 60n,
}

/** Longer texts are no amounts that anybody means, and would take long to read. */
const LENGTH_MAX = 100
/** Beyond these powers of ten an amount is the largest there is, or the smallest. */
const EXPONENT_MAX = 40

/** Reads `500m`, `0.5`, `1Ki`, `3e2` and plain numbers; undefined for what is no quantity. */
export function parseQuantity(text: string | number): Quantity | undefined {
  const parts = FORMAT.exec(String(text))
  if (parts === null || parts[0].length > LENGTH_MAX) return undefined
  const [, sign, whole = '', fraction = '', suffix = ''] = parts
  if (whole === '' && fraction === '') return undefined
  const digits = BigInt(`${whole}${fraction}`) * (BINARY[suffix] ?? 1n) * (sign === '-' ? -1n : 1n)
  const exponent = /^[eE]\S/.test(suffix) ? Number(suffix.slice(1)) : (DECIMAL[suffix] ?? 0)
  return bounded(shortest({ digits, exponent: exponent - fraction.length }))
}

/** `1e999999999` would be a number of a billion digits. */
function bounded(quantity: Quantity): Quantity {
  const { digits, exponent } = quantity
  if (Math.abs(exponent) <= EXPONENT_MAX + LENGTH_MAX) return quantity
  const sign = digits < 0n ? -1n : 1n
  return exponent > 0 ? { digits: sign, exponent: EXPONENT_MAX } : { digits: sign, exponent: -EXPONENT_MAX }
}

/** With no power of ten left in the digits. */
function shortest({ digits, exponent }: Quantity): Quantity {
  if (digits === 0n) return { digits: 0n, exponent: 0 }
  let rest = digits
  let power = exponent
  while (rest % 10n === 0n) {
    rest /= 10n
    power += 1
  }
  return { digits: rest, exponent: power }
}

/** In thousandths; finer ones are rounded away from zero: 1u is 1m. What does not fit is the largest there is. */
export function milliOfQuantity({ digits, exponent }: Quantity): Milli {
  const power = exponent + 3
  if (power >= 0) return milliOf(clampInt64(digits * 10n ** BigInt(power)))
  const divisor = 10n ** BigInt(-power)
  const isExact = digits % divisor === 0n
  return milliOf(clampInt64(digits / divisor + (isExact ? 0n : digits > 0n ? 1n : -1n)))
}

const SUFFIXES = [...Object.entries(DECIMAL), ['', 0] as const]

/** The amount that a quantity names; undefined if it is none. */
export function milliOfText(text: string | number): Milli | undefined {
  const quantity = parseQuantity(text)
  return quantity === undefined ? undefined : milliOfQuantity(quantity)
}

/** As Kubernetes writes it: 0.5 is `500m`, 1000 is `1k`. */
export function textOfQuantity(quantity: Quantity): string {
  const { digits, exponent } = inThousands(quantity)
  const suffix = SUFFIXES.find(([, power]) => power === exponent)?.[0]
  return suffix === undefined ? `${digits}e${exponent}` : `${digits}${suffix}`
}

/**
 * As a double, formed as Kubernetes forms it: 118m is 118 times the double 0.001, which is not the double 0.118.
 * Tolerances are compared in this form.
 */
export function doubleOfQuantity(quantity: Quantity): number {
  const { digits, exponent } = inThousands(quantity)
  return exponent === 0 ? Number(digits) : Number(digits) * Number(`1e${exponent}`)
}

/** With an exponent that has a suffix: a multiple of three. */
function inThousands({ digits, exponent }: Quantity): Quantity {
  const rest = ((exponent % 3) + 3) % 3
  return { digits: digits * 10n ** BigInt(rest), exponent: exponent - rest }
}
