/**
 * HPACK (RFC 7541): header blocks of HTTP/2 to lists of names and values, and back. A connection has a decoder and an
 * encoder, each with a table of what was said before, so that most fields of a head take one byte and no new string.
 */
export { HpackDecoder } from './decoder.ts'
export { HpackEncoder } from './encoder.ts'
export { HpackError } from './hpack-error.ts'
