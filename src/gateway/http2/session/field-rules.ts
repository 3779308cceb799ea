/**
 * Names that come all the time: looking one up costs less than looking at its letters. A decoder gives the same string
 * again and again, so its hash is known.
 */
const KNOWN_NAMES: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-type',
  'cookie',
  'date',
  'etag',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-message',
  'grpc-status',
  'grpc-timeout',
  'host',
  'last-modified',
  'server',
  'set-cookie',
  'traceparent',
  'tracestate',
  'user-agent',
  'vary',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
])

/** What belongs to a connection of HTTP/1.1 (RFC 9113, 8.2.2). */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** By code: characters of a token in lower case (RFC 9110, 5.6.2; RFC 9113, 8.2.1). */
const LOWER_TOKEN = new Uint8Array(256)
/** The same for methods, which keep their case. */
const TOKEN = new Uint8Array(256)
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  LOWER_TOKEN[character.charCodeAt(0)] = 1
  TOKEN[character.charCodeAt(0)] = 1
}
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') TOKEN[character.charCodeAt(0)] = 1

/** Why a field may not stand in a message of HTTP/2; undefined if it may. Pseudo fields are not asked about. */
export function fieldProblem(name: string, value: string): string | undefined {
  if (!KNOWN_NAMES.has(name)) {
    if (!isOf(LOWER_TOKEN, name)) return `the field name ${quoted(name)}`
    if (OF_CONNECTION.has(name)) return `the field ${name}, which HTTP/2 does not have`
    if (name === 'te' && value.toLowerCase() !== 'trailers') return `te ${quoted(value)}, allowed "trailers"`
  }
  return isFieldValue(value) ? undefined : `the value of the field ${name}`
}

export function isMethod(text: string): boolean {
  return isOf(TOKEN, text)
}

/** Visible characters only: what would end a line of HTTP/1.1 or a part of one does not pass. */
export function isVisible(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code <= SPACE || code === DELETE) return false
  }
  return true
}

/** Digits only, and no more than are exact; -1 otherwise. */
export function contentLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}

const TAB = 0x09
const SPACE = 0x20
const DELETE = 0x7f

function isOf(characters: Uint8Array, text: string): boolean {
  if (text.length === 0) return false
  for (let at = 0; at < text.length; at++) if (characters[text.charCodeAt(at)] !== 1) return false
  return true
}

/** No control characters but tab, no white space at the ends. */
function isFieldValue(value: string): boolean {
  const last = value.length - 1
  if (last < 0) return true
  for (let at = 0; at <= last; at++) {
    const code = value.charCodeAt(at)
    if (code < SPACE ? code !== TAB : code === DELETE) return false
  }
  return !isWhite(value.charCodeAt(0)) && !isWhite(value.charCodeAt(last))
}

function isWhite(code: number): boolean {
  return code === SPACE || code === TAB
}
