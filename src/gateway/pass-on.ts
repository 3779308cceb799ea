import { FIELD } from './known-field.ts'

/**
 * Which fields a proxy passes on. Sets of known fields are bit masks over FIELD (all below 32), so that asking costs a
 * shift; fields that mean nothing to a gateway (FIELD.other) are in no set.
 */
export function maskOf(...kinds: readonly number[]): number {
  let mask = 0
  for (const kind of kinds) mask |= 1 << kind
  return mask
}

export function isIn(mask: number, kind: number): boolean {
  return ((mask >>> kind) & 1) === 1
}

/** What speaks of one connection only. Source: RFC 9110, 7.6.1. */
export const HOP_BY_HOP = maskOf(
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
  FIELD.te,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.http2Settings,
)

/** What a replica says of its own connection, or only the gateway may say. */
export const NOT_OF_REPLICA =
  HOP_BY_HOP | maskOf(FIELD.xRequestId, FIELD.revision, FIELD.coldStart, FIELD.refusal)

/**
 * Whether a field may be passed on as a trailer: none that frames, routes, authenticates or changes the meaning of a
 * message, which whoever merges trailers into headers would believe. Source: RFC 9110, 6.5.1.
 */
export function isTrailer(name: string, kind: number): boolean {
  return kind === FIELD.other && !NEVER_TRAILERS.has(name.toLowerCase())
}

const NEVER_TRAILERS = new Set([
  'authorization',
  'www-authenticate',
  'cookie',
  'set-cookie',
  'content-encoding',
  'content-location',
  'content-range',
  'content-type',
  'cache-control',
  'age',
  'expires',
  'pragma',
  'location',
  'max-forwards',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'retry-after',
  'vary',
  'accept',
  'mm-model-id',
  'mm-vmodel-id',
])

/**
 * The lower-case names that a Connection header lists beyond its options; undefined if it lists none, which is nearly
 * always. Content-Length and Host are never dropped on a client's word: the message would change its meaning.
 */
export function listedNames(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  let listed: Set<string> | undefined
  for (const option of connection.split(',')) {
    const name = option.trim().toLowerCase()
    if (name === '' || OPTIONS.has(name)) continue
    listed ??= new Set()
    listed.add(name)
  }
  return listed
}

const OPTIONS = new Set(['close', 'keep-alive', 'upgrade', 'content-length', 'host'])
