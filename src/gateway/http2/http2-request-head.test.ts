import { describe, expect, it } from 'vitest'
import { Http2RequestHead } from './http2-request-head.ts'

const bounds = { headBytesMax: 1000, headersMax: 10 }
const pseudo = [':method', 'POST', ':scheme', 'http', ':authority', 'iris.test', ':path', '/v1?x=1']

function headOf(...more: string[]): Http2RequestHead {
  return new Http2RequestHead([...pseudo, ...more], bounds)
}

describe('the head of an HTTP/2 request', () => {
  it('tells where it goes, and its fields without the pseudo ones', () => {
    const head = headOf(
      'content-type',
      'application/grpc+proto',
      'content-length',
      '12',
      'x-a',
      '1',
      'x-a',
      '2',
    )
    expect(head).toMatchObject({
      method: 'POST',
      host: 'iris.test',
      path: '/v1?x=1',
      isGrpc: true,
      length: 12,
    })
    expect(head.refusal).toBeUndefined()
    expect(head.fields.count).toBe(4)
    expect([head.fields.name(0), head.fields.value(0)]).toEqual(['content-type', 'application/grpc+proto'])
    expect(head.header('x-a')).toBe('1, 2')
    expect(head.header(':path')).toBeUndefined()
  })

  it('takes its host from `host` where there is no :authority', () => {
    const head = new Http2RequestHead(
      [':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'a.test'],
      bounds,
    )
    expect(head.host).toBe('a.test')
    expect(head.refusal).toBeUndefined()
  })

  it('makes one cookie of crumbs, in their order', () => {
    const head = headOf('cookie', 'a=1', 'x-a', '1', 'cookie', 'b=2', 'x-b', '2', 'cookie', 'c=3')
    expect(head.header('cookie')).toBe('a=1; b=2; c=3')
    expect(head.fields.count).toBe(3)
    expect([head.header('x-a'), head.header('x-b')]).toEqual(['1', '2'])
  })

  it.each([
    ['host', 'other.test', 'BAD_REQUEST', 'host "other.test" differ'],
    ['connection', 'close', 'BAD_REQUEST', 'connection'],
    ['transfer-encoding', 'chunked', 'BAD_REQUEST', 'transfer-encoding'],
    ['x-long', 'x'.repeat(1000), 'HEAD_TOO_LARGE', 'at most 1000'],
  ])('with %s: %s it is refused', (name, value, code, message) => {
    const { refusal } = headOf(name, value)
    expect(refusal?.code).toBe(code)
    expect(refusal?.message).toContain(message)
  })

  it('lets host say the same in other letters', () => {
    expect(headOf('host', 'IRIS.test').refusal).toBeUndefined()
  })

  it('is refused with more fields than the bound', () => {
    const many = Array.from({ length: 11 }, (_, at) => [`x-${at}`, '']).flat()
    expect(headOf(...many).refusal?.message).toContain('11 fields, at most 10')
  })

  it('is refused for user information, and for CONNECT', () => {
    const of = (method: string, authority: string): string | undefined =>
      new Http2RequestHead([':method', method, ':authority', authority], bounds).refusal?.code
    expect(of('GET', 'root@iris.test')).toBe('BAD_REQUEST')
    expect(of('CONNECT', 'iris.test:443')).toBe('METHOD_REFUSED')
  })
})
