import type { Random } from '../core/random.ts'

/** Names of requests and traces: what the client sent where it is sound, else one of our own. */

const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/

/** The X-Request-Id as sent if it is 1 to 128 harmless characters, else a new UUID (version 4). */
export function requestIdOf(sent: string | undefined, random: Random): string {
  return sent !== undefined && REQUEST_ID.test(sent) ? sent : uuid(random)
}

/** Whether a W3C traceparent can be passed on. Source: W3C Trace Context, 3.2; only `00` has to end after the flags. */
export function isTraceparent(sent: string | undefined): boolean {
  return sent !== undefined && TRACEPARENT.test(sent) && (!sent.startsWith('00') || sent.length === 55)
}

/** A traceparent that begins a trace, not sampled: `00-<32 hex>-<16 hex>-00`. */
export function newTraceparent(random: Random): string {
  return `00-${nonZeroHex(random, 32)}-${nonZeroHex(random, 16)}-00`
}

function uuid(random: Random): string {
  const digits = hex(random, 30)
  const variant = (8 + random.below(4)).toString(16)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-${variant}${digits.slice(15, 18)}-${digits.slice(18)}`
}

/** All zeros means "no id" in a traceparent. */
function nonZeroHex(random: Random, length: number): string {
  return hex(random, length - 1) + (1 + random.below(15)).toString(16)
}

function hex(random: Random, length: number): string {
  let digits = ''
  for (let at = 0; at < length; at++) digits += random.below(16).toString(16)
  return digits
}
