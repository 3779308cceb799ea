/**
 * Header names that mean something to a gateway, as small numbers, so that a head is looked through once and no name
 * is lower-cased or compared as a string.
 */
export const FIELD = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  te: 5,
  upgrade: 6,
  keepAlive: 7,
  proxyConnection: 8,
  proxyAuthenticate: 9,
  proxyAuthorization: 10,
  expect: 11,
  trailer: 12,
  via: 13,
  date: 14,
  forwarded: 15,
  /** Every `x-forwarded-...` but the three below. */
  xForwarded: 16,
  xForwardedFor: 17,
  xForwardedHost: 18,
  xForwardedProto: 19,
  xRealIp: 20,
  xRequestId: 21,
  traceparent: 22,
  tracestate: 23,
  kserveName: 24,
  kserveNamespace: 25,
  revision: 26,
  coldStart: 27,
  refusal: 28,
  http2Settings: 29,
} as const

const NAMES: readonly (readonly [string, number])[] = [
  ['host', FIELD.host],
  ['connection', FIELD.connection],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['te', FIELD.te],
  ['upgrade', FIELD.upgrade],
  ['keep-alive', FIELD.keepAlive],
  ['proxy-connection', FIELD.proxyConnection],
  ['proxy-authenticate', FIELD.proxyAuthenticate],
  ['proxy-authorization', FIELD.proxyAuthorization],
  ['expect', FIELD.expect],
  ['trailer', FIELD.trailer],
  ['via', FIELD.via],
  ['date', FIELD.date],
  ['forwarded', FIELD.forwarded],
  ['x-forwarded-for', FIELD.xForwardedFor],
  ['x-forwarded-host', FIELD.xForwardedHost],
  ['x-forwarded-proto', FIELD.xForwardedProto],
  ['x-real-ip', FIELD.xRealIp],
  ['x-request-id', FIELD.xRequestId],
  ['traceparent', FIELD.traceparent],
  ['tracestate', FIELD.tracestate],
  ['kserve-isvc-name', FIELD.kserveName],
  ['kserve-isvc-namespace', FIELD.kserveNamespace],
  ['x-pilotlight-revision', FIELD.revision],
  ['x-pilotlight-cold-start', FIELD.coldStart],
  ['x-pilotlight-refusal', FIELD.refusal],
  ['http2-settings', FIELD.http2Settings],
]

const X_FORWARDED = 'x-forwarded-'

/** By length: few names share one, so most headers cost one look-up and one comparison of a letter. */
const BY_LENGTH: (readonly (readonly [string, number])[] | undefined)[] = []
for (const entry of NAMES) {
  const length = entry[0].length
  BY_LENGTH[length] = [...(BY_LENGTH[length] ?? []), entry]
}

/** What the name at `start` to `end` of `text` is known as, in any case of letters. */
export function knownField(text: string, start: number, end: number): number {
  const length = end - start
  const sameLength = BY_LENGTH[length]
  if (sameLength !== undefined) {
    for (const [name, kind] of sameLength) if (isAt(text, start, name)) return kind
  }
  return length > X_FORWARDED.length && isAt(text, start, X_FORWARDED) ? FIELD.xForwarded : FIELD.other
}

/** Whether `text` has `lower` at `start`, in any case of letters. Tokens only: | 0x20 maps no two of those together but letters. */
function isAt(text: string, start: number, lower: string): boolean {
  for (let at = 0; at < lower.length; at++) {
    const code = lower.charCodeAt(at)
    const other = text.charCodeAt(start + at)
    if (other !== code && !(code >= 0x61 && code <= 0x7a && (other | 0x20) === code)) return false
  }
  return true
}
