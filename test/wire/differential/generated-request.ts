import type { Random } from '../../../src/core/random.ts'
import { HOST } from '../../support/gateway-harness.ts'
import { pick } from '../fuzz/seeded.ts'
import { bytes } from '../talk.ts'

export interface GeneratedRequest {
  readonly method: string
  readonly version: '1.0' | '1.1'
  readonly head: Buffer
  /** As it goes over the wire: with its chunks and trailers. */
  readonly body: Buffer
  readonly expectsContinue: boolean
  /** The client says that it is the last of its connection. */
  readonly isLast: boolean
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PROPFIND',
]
const PATHS = [
  '/',
  '/x',
  '/v1/models/iris:predict',
  '/v2/models/a%20b/infer',
  '//a//b',
  '/%zz',
  '/a/../b',
  '/x;y=1/',
  '/*',
]
const QUERIES = ['', '', '?', '?a=1&b=2', '?x=%0d%0a', '??', '?a=http://b/c', '?{"a":[1]}']
const FIELDS: readonly (readonly [string, string])[] = [
  ['Accept', '*/*'],
  ['accept', 'text/html;q=0.9, application/json'],
  ['Content-Type', 'application/json'],
  ['Cookie', 'a=b; c="d"'],
  ['cookie', 'e=f'],
  ['X-Odd', ''],
  ['x-oDD', 'a\tb  c'],
  ['X-High', 'caf\xe9 \xff'],
  ["!#$%&'*+-.^_`|~", 'token'],
  ['Authorization', 'Bearer abc.def'],
  ['X-Request-Id', 'given-1'],
  ['X-Request-Id', 'not a good one'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['traceparent', 'broken'],
  ['tracestate', 'a=b'],
  ['X-Forwarded-For', '1.2.3.4'],
  ['X-Forwarded-For', '5.6.7.8, 9.9.9.9'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'evil'],
  ['X-Forwarded-Odd', '1'],
  ['X-Real-IP', '1.2.3.4'],
  ['Forwarded', 'for=1.2.3.4'],
  ['KServe-Isvc-Name', 'evil'],
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['Proxy-Authorization', 'Basic eA=='],
  ['TE', 'trailers'],
  ['TE', 'gzip;q=0.5'],
  ['Connection', 'X-Listed'],
  ['Connection', 'keep-alive, x-listed ,, X-Odd'],
  ['X-Listed', 'dropped if listed'],
  ['Upgrade', 'h2c'],
  ['Range', 'bytes=0-1'],
  ['If-None-Match', '"a", W/"b"'],
  ['User-Agent', 'generated/1.0 (test)'],
  ['X-Long', 'l'.repeat(3_000)],
]

/** A sound request of any kind. `id` finds its answer again. */
export function generateRequest(
  random: Random,
  id: string,
  may: { readonly endHere: boolean },
): GeneratedRequest {
  const isOld = may.endHere && random.below(12) === 0
  const version = isOld ? '1.0' : '1.1'
  const isLast = isOld || (may.endHere && random.below(3) === 0)
  const method = pick(random, METHODS)
  const framing = framingFor(random, method, isOld)
  let text = `${method} ${target(random, method)} HTTP/${version}\r\n`
  const lines = [`Host: ${host(random)}`, `X-Case: ${id}`]
  for (let left = random.below(8); left > 0; left--) {
    const [name, value] = pick(random, FIELDS)
    // HTTP/1.0 that keeps alive may do so for fewer answers on one path than on the other; Node hears Proxy-Connection too.
    if (isOld && name.endsWith('Connection')) continue
    lines.push(`${name}:${pick(random, ['', ' ', ' ', '  ', '\t'])}${value}${pick(random, ['', '', ' '])}`)
  }
  if (isLast && !isOld) lines.push(pick(random, ['Connection: close', 'connection: Close, X-Listed']))
  const content = framing === 'none' ? Buffer.alloc(0) : bodyBytes(random)
  if (framing === 'length') lines.push(`Content-Length: ${content.length}`)
  if (framing === 'chunked')
    lines.push(pick(random, ['Transfer-Encoding: chunked', 'transfer-encoding:Chunked']))
  const hasTrailers = framing === 'chunked' && random.below(3) === 0
  if (hasTrailers) lines.push('Trailer: X-Sum')
  const expectsContinue = !isOld && framing !== 'none' && content.length > 0 && random.below(6) === 0
  if (expectsContinue) lines.push('Expect: 100-continue')
  text += `${shuffled(random, lines).join('\r\n')}\r\n\r\n`
  const body =
    framing === 'chunked' ? inChunks(random, content, hasTrailers ? 'X-Sum: 1\r\nX-Sum: 2\r\n' : '') : content
  return { method, version, head: bytes(text), body, expectsContinue, isLast }
}

function framingFor(random: Random, method: string, isOld: boolean): 'none' | 'length' | 'chunked' {
  const mayHaveBody = ['POST', 'PUT', 'PATCH'].includes(method) || random.below(10) === 0
  if (!mayHaveBody) return 'none'
  return isOld ? 'length' : pick(random, ['length', 'length', 'chunked', 'chunked', 'none'])
}

function host(random: Random): string {
  return pick(random, [HOST, HOST, HOST.toUpperCase(), `${HOST}:8080`, `${HOST}.`])
}

function target(random: Random, method: string): string {
  if (method === 'OPTIONS' && random.below(4) === 0) return '*'
  return pick(random, ['', '', '/serving/ml/iris']) + pick(random, PATHS) + pick(random, QUERIES)
}

/** Mostly small; now and then more than is kept for another attempt, or than sockets hold. */
export function bodyBytes(random: Random): Buffer {
  const most = pick(random, [1, 20, 200, 200, 2_000, 2_000, 20_000, 70_000, 300_000])
  const body = Buffer.alloc(random.below(most + 1))
  const step = 1 + random.below(250)
  for (let at = 0; at < body.length; at++) body[at] = (at * step + (at >> 8)) & 0xff
  return body
}

/** The same bytes in chunks of random sizes, some with extensions. */
export function inChunks(random: Random, content: Buffer, trailers: string): Buffer {
  const parts: Buffer[] = []
  const most = pick(random, [1 + (content.length >> 6), 1_000, 70_000])
  for (let from = 0; from < content.length;) {
    const to = Math.min(content.length, from + 1 + random.below(most))
    const size = (to - from).toString(16)
    const extension = random.below(8) === 0 ? ';a=b' : ''
    parts.push(
      bytes(`${pick(random, ['', '', '0'])}${size}${extension}\r\n`),
      content.subarray(from, to),
      bytes('\r\n'),
    )
    from = to
  }
  return Buffer.concat([...parts, bytes(`0\r\n${trailers}\r\n`)])
}

export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const copy = [...list]
  for (let at = copy.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const kept = copy[at]!
    copy[at] = copy[other]!
    copy[other] = kept
  }
  return copy
}
