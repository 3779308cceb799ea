/**
 * Amounts as Kubernetes counts them: whole thousandths of a unit, as 64-bit integers (500m of a core is 500,
 * 1 byte is 1000). A sum over pods of memory outgrows a double, so the arithmetic is done in bigints.
 */

/** A whole number of thousandths as plain data: beyond 2^53 - 1 it is a decimal string, so that JSON keeps it. */
export type Milli = number | string

export const INT64_MAX = 2n ** 63n - 1n
export const INT32_MAX = 2 ** 31 - 1
const INT32_MIN = -(2 ** 31)

export function isMilli(value: Milli): boolean {
  return typeof value === 'number' ? Number.isSafeInteger(value) : /^-?\d{1,19}$/.test(value)
}

export function bigintOf(value: Milli): bigint {
  return BigInt(value)
}

export function milliOf(value: bigint): Milli {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/**
 * A measured number of units in thousandths, rounded up as Kubernetes does: 0.7004 is 701.
 * undefined for what is no amount: NaN and infinities.
 */
export function milliOfUnits(units: number): Milli | undefined {
  if (!Number.isFinite(units)) return undefined
  const scaled = units * 1000
  // 0.007 * 1000 is 7.000000000000001 in doubles, and means 7.
  const nearest = Math.round(scaled)
  const whole = Math.abs(scaled - nearest) <= Math.abs(scaled) * 1e-12 ? nearest : Math.ceil(scaled)
  return milliOf(clampInt64(BigInt(whole)))
}

/** What does not fit into 64 bits becomes the bound. */
export function clampInt64(value: bigint): bigint {
  if (value > INT64_MAX) return INT64_MAX
  return value < -INT64_MAX ? -INT64_MAX : value
}

/** As 64-bit integers add and multiply: what does not fit wraps around. */
export function wrapInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

/** A number of replicas: what does not fit into 32 bits becomes the bound, and what is no number 0. */
export function int32Of(value: number): number {
  if (Number.isNaN(value)) return 0
  // Adding 0 turns -0, the ceiling of -0.5, into 0.
  return Math.min(Math.max(Math.trunc(value), INT32_MIN), INT32_MAX) + 0
}
