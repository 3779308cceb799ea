import type { Random } from '../../../src/core/random.ts'
import { pick } from '../fuzz/seeded.ts'
import type { Answer } from '../recording-replica.ts'
import { bytes, cutAt } from '../talk.ts'
import { bodyBytes, inChunks, shuffled } from './generated-request.ts'

export interface GeneratedAnswer extends Answer {
  /** It comes before the request has been read, which the two paths may then stop sending at different places. */
  readonly isEarly: boolean
}

const STATUSES = [
  200, 200, 200, 200, 201, 202, 203, 204, 206, 207, 301, 304, 400, 401, 404, 409, 418, 422, 429, 500, 503,
  599,
]
const REASONS = ['OK', 'Fine And  Well', 'caf\xe9', 'x']
const FIELDS: readonly (readonly [string, string])[] = [
  ['Content-Type', 'application/json'],
  ['Set-Cookie', 'a=b; Path=/'],
  ['set-cookie', 'c=d'],
  ['ETag', 'W/"a"'],
  ['X-Odd', ''],
  ['x-oDD', 'a\tb'],
  ['X-High', 'caf\xe9 \xff'],
  ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['Server', 'generated/1.0'],
  ['Location', '/elsewhere?a=b'],
  ['Retry-After', '7'],
  ['Vary', 'a, b'],
  ['Cache-Control', 'no-store'],
  ['X-Request-Id', 'the-replicas'],
  ['X-Pilotlight-Revision', 'evil'],
  ['Keep-Alive', 'timeout=1, max=2'],
  ['Proxy-Authenticate', 'Basic'],
  ['Connection', 'X-Listed'],
  ['Connection', 'keep-alive, x-listed'],
  ['X-Listed', 'dropped if listed'],
  ['X-Long', 'l'.repeat(3_000)],
]
const INTERIM = [
  'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
]

/** A sound answer of any kind to a request of this method. */
export function generateAnswer(
  random: Random,
  request: {
    readonly method: string
    readonly version: '1.0' | '1.1'
    readonly isPipelined: boolean
    readonly isFinal: boolean
  },
): GeneratedAnswer {
  const status = pick(random, STATUSES)
  const isBodiless = status === 204 || status === 304 || request.method === 'HEAD'
  const framing = pick(random, ['length', 'length', 'length', 'chunked', 'chunked', 'close'] as const)
  const lines: string[] = []
  for (let left = random.below(7); left > 0; left--) {
    const [name, value] = pick(random, FIELDS)
    lines.push(`${name}:${pick(random, ['', ' ', ' ', '\t'])}${value}`)
  }
  const content = bodyBytes(random)
  let body = content
  if (framing === 'length') {
    if (status !== 204 && (status !== 304 || random.below(2) === 0))
      lines.push(`Content-Length: ${content.length}`)
  } else if (framing === 'chunked') {
    if (status !== 204 && status !== 304) lines.push('Transfer-Encoding: chunked')
    const hasTrailers = random.below(3) === 0
    // Node throws for Trailer without chunks, which ends a request of the simple path.
    if (hasTrailers && !isBodiless && request.version === '1.1') lines.push('Trailer: X-Sum')
    body = inChunks(random, content, hasTrailers ? 'X-Sum: 1\r\nx-other: \r\n' : '')
  }
  const endsConnection = framing === 'close' || random.below(8) === 0
  // The next of several pipelined requests may be on its way before an end that was not announced is seen: a large body
  // cannot be sent twice, and how large it may be differs.
  if (endsConnection && (request.isPipelined || random.below(2) === 0)) lines.push('Connection: close')
  const line = `HTTP/1.1 ${status} ${pick(random, REASONS)}`
  const interim = request.version === '1.1' && random.below(6) === 0 ? pick(random, INTERIM) : ''
  const head = bytes(
    `${line}\r\n${shuffled(random, lines).join('\r\n')}${lines.length > 0 ? '\r\n' : ''}\r\n`,
  )
  const message = isBodiless ? head : Buffer.concat([head, body])
  const cuts = Array.from({ length: random.below(4) }, () => random.below(message.length)).sort(
    (a, b) => a - b,
  )
  const isEarly = request.isFinal && !request.isPipelined && random.below(10) === 0
  return {
    pieces: [...(interim === '' ? [] : [bytes(interim)]), ...cutAt(message, cuts)],
    at: isEarly ? 'head' : 'whole',
    after: endsConnection ? 'end' : 'keep',
    isEarly,
  }
}
