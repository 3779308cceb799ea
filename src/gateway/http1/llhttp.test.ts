import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { Llhttp, LLHTTP_REQUEST, LLHTTP_RESPONSE, ParseError, type LlhttpEvents } from './llhttp.ts'

function recorder(bytes: Buffer, isChunked = false): { events: LlhttpEvents; seen: string[] } {
  const seen: string[] = []
  const span = (name: string) => (start: number, end: number) =>
    void seen.push(`${name} ${bytes.toString('latin1', start, end)}`)
  return {
    seen,
    events: {
      onUrl: span('url'),
      onStatus: span('status'),
      onField: span('field'),
      onValue: span('value'),
      onHeadersComplete: (status, keepAlive) => {
        seen.push(`head ${status} ${keepAlive}`)
        return isChunked
      },
      onBody: span('body'),
      onMessageComplete: () => void seen.push('complete'),
    },
  }
}

describe('llhttp', () => {
  it('is the pinned one', () => {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    )
    const { version }: { version: string } = createRequire(import.meta.url)('undici/package.json')
    expect(dependencies['undici'], 'an exact version: the module is a private path').toBe(version)
  })

  it('has the names that are used', () => {
    // A module with other imports does not instantiate, one with other exports is refused by the constructor.
    expect(() => new Llhttp()).not.toThrow()
  })

  it('reads one message and leaves the next', () => {
    const llhttp = new Llhttp()
    const parser = llhttp.alloc(LLHTTP_REQUEST)
    const bytes = Buffer.from('PUT /a HTTP/1.0\r\nHost: b\r\n\r\nPUT /b')
    const { events, seen } = recorder(bytes)
    expect(llhttp.execute(parser, bytes, events)).toBe(bytes.length - 'PUT /b'.length)
    expect(seen).toEqual(['url /a', 'field Host', 'value b', 'head 0 false', 'complete'])
    expect(llhttp.methodOf(parser)).toBe('PUT')
    expect(llhttp.versionOf(parser)).toBe(10)
    llhttp.free(parser)
  })

  it('keeps parsers apart that take turns, whatever the size of their reads', () => {
    const llhttp = new Llhttp()
    const [one, other] = [llhttp.alloc(LLHTTP_REQUEST), llhttp.alloc(LLHTTP_RESPONSE)]
    const first = Buffer.from(`GET /${'a'.repeat(100_000)}`)
    const answer = Buffer.from('HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
    expect(llhttp.execute(one, first, recorder(first).events)).toBe(first.length)
    const { events, seen } = recorder(answer, true)
    expect(llhttp.execute(other, answer, events)).toBe(answer.length)
    expect(seen).toEqual([
      'status Fine',
      'field Transfer-Encoding',
      'value chunked',
      'head 200 true',
      'body hi',
      'complete',
    ])
    const rest = Buffer.from(' HTTP/1.1\r\nHost: b\r\n\r\n')
    expect(llhttp.execute(one, rest, recorder(rest).events)).toBe(rest.length)
  })

  it('says why bytes are no HTTP', () => {
    const llhttp = new Llhttp()
    const parser = llhttp.alloc(LLHTTP_REQUEST)
    const bytes = Buffer.from('GET / HTTP/1.1\nHost: a\n\n')
    expect(() => llhttp.execute(parser, bytes, recorder(bytes).events)).toThrow(
      new ParseError('Expected CRLF after version'),
    )
  })
})
