import { STATIC_COUNT, STATIC_TABLE } from './static-table.ts'

/** Values that are different each time: they would push out what repeats, so no value goes into the table. */
const CHANGING = 0x40
/** Values that are never in a table, where others could guess them by what a guess costs. Source: RFC 7541, 7.1. */
const SECRET = 0x80

const CHANGING_NAMES = [
  'age',
  'b3',
  'content-disposition',
  'content-length',
  'content-range',
  'date',
  'etag',
  'expires',
  'grpc-message',
  'grpc-status-details-bin',
  'grpc-tags-bin',
  'grpc-timeout',
  'grpc-trace-bin',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'range',
  'server-timing',
  'traceparent',
  'tracestate',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-b3-parentspanid',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-envoy-upstream-service-time',
  'x-request-id',
]

const SECRET_NAMES = [
  'api-key',
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-access-token',
  'x-amz-security-token',
  'x-api-key',
  'x-auth-token',
  'x-goog-api-key',
]

const RULES = new Map<string, number>()
// From the end, so that of several entries the first is found.
for (let index = STATIC_COUNT; index > 0; index--) RULES.set(STATIC_TABLE[index * 2]!, index)
for (const name of CHANGING_NAMES) RULES.set(name, CHANGING | (RULES.get(name) ?? 0))
for (const name of SECRET_NAMES) RULES.set(name, SECRET | (RULES.get(name) ?? 0))

const PATH_INDEX = 4

/** What is known of a name before it is seen: a number that the functions below read. */
export function ruleOf(name: string): number {
  return RULES.get(name) ?? 0
}

/** The index of a name in the static table, 0 if it is not there. */
export function staticNameOf(rule: number): number {
  return rule & 0x3f
}

export function isSecret(rule: number): boolean {
  return (rule & SECRET) !== 0
}

/** A path with a query counts as changing: queries hold what users ask, and at times keys. */
export function isChanging(rule: number, value: string): boolean {
  return (rule & CHANGING) !== 0 || (rule === PATH_INDEX && value.includes('?'))
}
