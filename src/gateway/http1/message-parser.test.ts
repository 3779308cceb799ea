import { describe, expect, it } from 'vitest'
import { FIELD } from '../known-field.ts'
import { Llhttp, LLHTTP_REQUEST, LLHTTP_RESPONSE } from './llhttp.ts'
import { HeadTooLarge, MessageParser } from './message-parser.ts'

const llhttp = new Llhttp()
const BOUNDS = { headBytesMax: 1_024, headersMax: 5 }

function parserOf(type: typeof LLHTTP_REQUEST | typeof LLHTTP_RESPONSE): MessageParser {
  return new MessageParser(llhttp, type, BOUNDS, ({ fields }) => {
    for (let at = 0; at < fields.count; at++) if (fields.kind(at) === FIELD.transferEncoding) return true
    return false
  })
}

interface Seen {
  readonly head: string
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  readonly rest: string
}

/** Feeds the pieces one after another until the message is complete. */
function parse(type: typeof LLHTTP_REQUEST | typeof LLHTTP_RESPONSE, pieces: readonly string[]): Seen {
  const parser = parserOf(type)
  let body = ''
  let rest = ''
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1')
    if (parser.isComplete) {
      rest += piece
      continue
    }
    if (bytes.length === 0) continue
    const read = parser.read(bytes)
    for (const part of parser.body) body += part.toString('latin1')
    rest += bytes.toString('latin1', read)
  }
  const { head, trailers } = parser
  if (head === undefined || !parser.isComplete) throw new Error('the message is not complete')
  const { fields } = head
  const text = `${head.method} ${fields.text.slice(head.targetStart, head.targetEnd)} ${head.version} ${head.status} ${head.reason}`
  const list = Array.from({ length: fields.count }, (_, at) => `${fields.name(at)}=${fields.value(at)}`)
  const trailing = Array.from(
    { length: trailers.count },
    (_, at) => `${trailers.name(at)}=${trailers.value(at)}`,
  )
  parser.free()
  return { head: text, fields: list, body, trailers: trailing, rest }
}

const REQUEST =
  'POST /a?b=c HTTP/1.1\r\nHost: x\r\nEmpty:\r\nOdd:  a b \r\nTransfer-Encoding: chunked\r\n\r\n' +
  '3;e=1\r\nabc\r\n1\r\nd\r\n0\r\nT-One: 1\r\nT-Two:\r\n\r\nGET'
const RESPONSE = '\r\nHTTP/1.1 201 Quite made\r\nA: 1\r\n\r\nbody'

describe('MessageParser', () => {
  it('reads head, chunks and trailers, and leaves what follows', () => {
    expect(parse(LLHTTP_REQUEST, [REQUEST])).toEqual({
      head: 'POST /a?b=c 11 0 ',
      fields: ['Host=x', 'Empty=', 'Odd=a b', 'Transfer-Encoding=chunked'],
      body: 'abcd',
      trailers: ['T-One=1', 'T-Two='],
      rest: 'GET',
    })
  })

  it.each([
    ['request', LLHTTP_REQUEST, REQUEST],
    ['response', LLHTTP_RESPONSE, RESPONSE],
  ] as const)('reads the same %s wherever it is cut', (_, type, message) => {
    const whole = parse(type, [message])
    for (let first = 1; first < message.length; first++) {
      expect(parse(type, [message.slice(0, first), message.slice(first)]), `cut at ${first}`).toEqual(whole)
    }
    expect(parse(type, message.split(''))).toEqual(whole)
  })

  it('reads one message after another', () => {
    const parser = parserOf(LLHTTP_REQUEST)
    for (const path of ['/one', '/two', '/two']) {
      const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      expect(parser.read(bytes)).toBe(bytes.length)
      expect(parser.head?.fields.text).toContain(path)
      parser.next()
      expect(parser.head).toBeUndefined()
    }
  })

  it.each([
    ['a long head in one piece', [`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(1_100)}\r\n\r\n`]],
    ['a long head in pieces', ['GET / HTTP/1.1\r\nA: ', 'a'.repeat(600), 'a'.repeat(600)]],
    ['many fields', [`GET / HTTP/1.1\r\n${'A: 1\r\n'.repeat(6)}\r\n`]],
    [
      'long trailers',
      ['GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', `A: ${'a'.repeat(20_000)}\r\n\r\n`],
    ],
  ])('refuses %s', (_, pieces) => {
    expect(() => parse(LLHTTP_REQUEST, pieces)).toThrow(HeadTooLarge)
  })

  it.each([
    ['in one piece', [`5;${'x'.repeat(5_000)}\r\n`]],
    ['in pieces', ['5;', 'x'.repeat(3_000), 'x'.repeat(3_000)]],
    ['after a chunk', ['2\r\nhi\r\n', `5;${'x'.repeat(4_100)}\r\n`]],
  ])('refuses endless chunk extensions %s', (_, pieces) => {
    const head = 'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(() => parse(LLHTTP_REQUEST, [head, ...pieces])).toThrow("a chunk's head is longer than 4096 bytes")
  })
})
