import type { Refusal, RefusalCode } from '../../core/refusals.ts'

/** Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const CANCELLED = 1
const DEADLINE_EXCEEDED = 4
const RESOURCE_EXHAUSTED = 8
const UNIMPLEMENTED = 12
const INTERNAL = 13
const UNAVAILABLE = 14

/**
 * What a gRPC client is told for each refusal. Where gRPC's own mapping of HTTP statuses gives a code, it is that one: 400
 * is INTERNAL, 404 is UNIMPLEMENTED, 502 and 503 are UNAVAILABLE. A full queue is UNAVAILABLE and not RESOURCE_EXHAUSTED:
 * UNAVAILABLE is the one that clients retry by default and by their usual policies, and another try is what helps here.
 * Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 */
export const GRPC_STATUS: Readonly<Record<RefusalCode, number>> = {
  NO_ROUTE: UNIMPLEMENTED,
  METHOD_REFUSED: UNIMPLEMENTED,
  BAD_REQUEST: INTERNAL,
  HEAD_TOO_LARGE: RESOURCE_EXHAUSTED,
  CLIENT_TIMEOUT: DEADLINE_EXCEEDED,
  CONNECTION_LIMIT: UNAVAILABLE,
  REVISION_NOT_READY: UNAVAILABLE,
  QUEUE_FULL: UNAVAILABLE,
  QUEUE_BYTES_FULL: UNAVAILABLE,
  ACTIVATION_TIMEOUT: DEADLINE_EXCEEDED,
  REQUEST_TIMEOUT: DEADLINE_EXCEEDED,
  RESPONSE_START_TIMEOUT: DEADLINE_EXCEEDED,
  UPSTREAM_UNREACHABLE: UNAVAILABLE,
  UPSTREAM_RESET: UNAVAILABLE,
  UPSTREAM_INVALID: UNAVAILABLE,
  SHUTTING_DOWN: UNAVAILABLE,
  CLIENT_GONE: CANCELLED,
}

/**
 * A refusal as the fields of a gRPC answer without messages (a "trailers-only" answer, whose HTTP status is 200): flat
 * names and values, lower-case names.
 */
export function grpcRefusalFields(refusal: Refusal): string[] {
  const fields = [
    'content-type',
    'application/grpc',
    'grpc-status',
    String(GRPC_STATUS[refusal.code]),
    'grpc-message',
    percentEncoded(refusal.message),
    'x-pilotlight-refusal',
    refusal.code,
  ]
  if (refusal.retryAfterSeconds !== undefined) {
    const seconds = Math.max(1, Math.ceil(refusal.retryAfterSeconds))
    // What gRPC's retry policies read, and what everything else does.
    fields.push('grpc-retry-pushback-ms', String(seconds * 1000), 'retry-after', String(seconds))
  }
  return fields
}

/** Printable ASCII but % as it is, all other bytes of UTF-8 as %XX. Source: gRPC over HTTP/2, Status-Message. */
export function percentEncoded(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message
  let encoded = ''
  for (const byte of Buffer.from(message, 'utf8')) {
    if (byte >= 0x20 && byte <= 0x7e && byte !== 0x25) encoded += String.fromCharCode(byte)
    else encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
