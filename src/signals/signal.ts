/**
 * Why there is no number:
 * - `not scraped`: nothing was read from the replica
 * - `engine unknown`: what was read is of no engine that we know
 * - `not exported`: the engine says nothing of it
 * - `not a number`: it says NaN or an infinity
 * - `out of range`: a number that this cannot be, such as a share above 1
 * - `stale`: older than allowed
 * - `one scrape so far`: a rate needs two
 * - `counter went back`: the engine started anew between the two scrapes
 * - `series changed`: the two scrapes have other buckets
 * - `nothing counted`: nothing happened between the two scrapes, so there is no mean of it
 */
export type AbsentReason =
  | 'not scraped'
  | 'engine unknown'
  | 'not exported'
  | 'not a number'
  | 'out of range'
  | 'stale'
  | 'one scrape so far'
  | 'counter went back'
  | 'series changed'
  | 'nothing counted'

export interface Present {
  readonly value: number
  /** When it was so, epoch ms. */
  readonly atMs: number
  /** What it was read from, for whoever asks why: `vllm:num_requests_running`. */
  readonly from: string
}

export interface Absent {
  readonly absent: AbsentReason
  /** A sentence with the names and numbers. */
  readonly detail: string
}

/** One number about a replica, or why there is none. Plain data; a value is always finite. */
export type Signal = Present | Absent

export function isPresent(signal: Signal): signal is Present {
  return 'value' in signal
}

export function absent(reason: AbsentReason, detail: string): Absent {
  return { absent: reason, detail }
}

/** The value, or undefined. */
export function valueOf(signal: Signal): number | undefined {
  return isPresent(signal) ? signal.value : undefined
}

/** How far a share may be above 1 for it to be rounding: it is 1 then. */
const ROUNDING = 0.05

/** A value that must be within 0 and 1: 1.02 is 1, and 87 is not a share. */
export function shareOf(signal: Signal): Signal {
  if (!isPresent(signal)) return signal
  const { value, from } = signal
  if (value < 0 || value > 1 + ROUNDING) {
    return absent('out of range', `${from} is ${value}; a share from 0 to 1 is allowed`)
  }
  return value > 1 ? { ...signal, value: 1 } : signal
}

/** A value that must not be below 0. */
export function amountOf(signal: Signal): Signal {
  if (!isPresent(signal) || signal.value >= 0) return signal
  return absent('out of range', `${signal.from} is ${signal.value}; 0 or more is allowed`)
}
