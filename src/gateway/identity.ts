import type { Random } from '../core/random.ts'

/**
 * Names of requests and traces: what the client sent where it is sound, else one of our own. Ours have to be different
 * from each other, not secret: whoever knows one may do nothing with it.
 */

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

/**
 * A traceparent that begins a trace, not sampled: `00-<32 hex>-<16 hex>-00`. All zeros means "no id" there, so each id
 * ends in an odd number.
 */
export function newTraceparent(random: Random): string {
  write(TRACEPARENT_PAGE, 3, random.uint32())
  write(TRACEPARENT_PAGE, 11, random.uint32())
  write(TRACEPARENT_PAGE, 19, random.uint32())
  write(TRACEPARENT_PAGE, 27, random.uint32() | 1)
  write(TRACEPARENT_PAGE, 36, random.uint32())
  write(TRACEPARENT_PAGE, 44, random.uint32() | 1)
  return TRACEPARENT_PAGE.toString('latin1')
}

function uuid(random: Random): string {
  write(UUID_PAGE, 0, random.uint32())
  // RFC 9562: the version, 4, is the 13th digit; the variant, 8 to b, is the two highest bits of the 17th.
  const second = random.uint32()
  write(UUID_PAGE, 9, second, 4)
  write(UUID_PAGE, 14, ((second & 0x0fff) << 16) | 0x40000000, 4)
  const third = random.uint32()
  write(UUID_PAGE, 19, (third & 0x3fff0000) | 0x80000000, 4)
  write(UUID_PAGE, 24, third << 16, 4)
  write(UUID_PAGE, 28, random.uint32())
  return UUID_PAGE.toString('latin1')
}

/**
 * Ids are written here and read in the same turn, which gives one flat string. Put together from pieces, an id would be
 * a tree of some 600 bytes until somebody reads it, and a held request carries its id for minutes.
 */
const UUID_PAGE = Buffer.from('00000000-0000-4000-8000-000000000000')
const TRACEPARENT_PAGE = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`)

const DIGITS = Buffer.from('0123456789abcdef')

/** The highest `count` digits of 32 bits. */
function write(page: Buffer, start: number, bits: number, count = 8): void {
  for (let nth = 0; nth < count; nth++) page[start + nth] = DIGITS[(bits >>> (28 - 4 * nth)) & 0x0f]!
}
