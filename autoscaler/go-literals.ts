/**
 * Numbers, truth values and durations as Go's strconv and time packages read them: annotations and ConfigMaps
 * that work with Knative are written for those. Each function answers undefined for what Go would refuse.
 */

const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i
const HEXADECIMAL =
  /^([+-]?)0x(_?[\da-f]+(?:_[\da-f]+)*)?(?:\.([\da-f]+(?:_[\da-f]+)*)?)?p([+-]?\d+(?:_\d+)*)$/i
const NAMED = /^([+-]?)(inf|infinity|nan)$/i

/** strconv.ParseFloat(text, 64): `70`, `+.5`, `7e1`, `1_000`, `0x1p-2`, `Inf`, `NaN`; not `1e400`, ` 1`, `1,5`. */
export function parseGoFloat(text: string): number | undefined {
  const named = NAMED.exec(text)
  if (named !== null) {
    if (named[2]?.toLowerCase() === 'nan') return named[1] === '' ? Number.NaN : undefined
    return named[1] === '-' ? -Infinity : Infinity
  }
  const value = DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : parseHexadecimal(text)
  // A finite literal beyond the largest double is out of range, not infinite.
  return value === undefined || !Number.isFinite(value) ? undefined : value
}

function parseHexadecimal(text: string): number | undefined {
  const parts = HEXADECIMAL.exec(text)
  if (parts === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const plain = (digits: string): string => digits.replaceAll('_', '')
  const digits = plain(whole) + plain(fraction)
  if (digits === '') return undefined
  const mantissa = Number(BigInt(`0x${digits}`))
  if (mantissa === 0) return 0
  const value = mantissa * 2 ** (Number(plain(exponent)) - 4 * plain(fraction).length)
  return sign === '-' ? -value : value
}

/** What Go answers for a whole number: the value, or why not. */
export type GoInt =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly error: 'syntax' | 'range' }

/** strconv.ParseInt(text, 10, bits): decimal digits with an optional sign, nothing else. */
export function parseGoInt(text: string, bits: 32 | 64): GoInt {
  if (!/^[+-]?\d+$/.test(text)) return { ok: false, error: 'syntax' }
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  const bound = 2n ** BigInt(bits - 1)
  if (value < -bound || value >= bound) return { ok: false, error: 'range' }
  return { ok: true, value: Number(value) }
}

/** strconv.ParseBool. */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  return undefined
}

const NANOSECONDS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // the micro sign
  ['\u03bcs', 1_000n], // the Greek letter mu
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const LONGEST_NS = 2n ** 63n - 1n

/** time.ParseDuration, in milliseconds: `1m30s`, `1.5h`, `-42s`, `0`; a number without a unit is refused. */
export function parseGoDurationMs(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/su.exec(text) ?? []
  if (rest === '0') return 0
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)[^\d.]+)+$/u.test(rest)) return undefined
  let totalNs = 0n
  for (const [, whole = '', fraction = '', unitName = ''] of rest.matchAll(/(\d*)\.?(\d*)([^\d.]+)/gu)) {
    const unit = NANOSECONDS.get(unitName)
    if (unit === undefined) return undefined
    totalNs += BigInt(whole === '' ? '0' : whole) * unit
    if (fraction !== '') totalNs += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length)
  }
  // The most negative duration has no positive counterpart: Go takes -2^63 ns, and so do we.
  if (totalNs > (sign === '-' ? LONGEST_NS + 1n : LONGEST_NS)) return undefined
  const ms = Number(totalNs) / 1e6
  return sign === '-' && ms !== 0 ? -ms : ms
}
