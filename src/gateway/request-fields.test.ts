import { describe, expect, it } from 'vitest'
import { get, HOST, raw, up } from '../../test/support/gateway-harness.ts'

describe('headers', () => {
  const echo = () =>
    up((request, response) =>
      response.setHeader('x-request-id', 'theirs').end(JSON.stringify(request.headers)),
    )
  const echoed = (text: string): Record<string, string> =>
    JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))

  it('of one connection stay there', async () => {
    const { port } = await echo()
    const { text } = await raw(
      port,
      get('/', 'Proxy-Authorization: a\r\nX-Mine: 1\r\n').replace('close', 'close, x-mine'),
    )
    expect(echoed(text)).not.toHaveProperty('x-mine')
    expect(echoed(text)).not.toHaveProperty('proxy-authorization')
    expect(echoed(text)['host']).toBe(HOST)
  })

  it.each([
    { trusted: [], from: '127.0.0.1', host: HOST },
    { trusted: ['127.0.0.0/8'], from: '9.9.9.9, 127.0.0.1', host: 'evil' },
  ])('X-Forwarded-* of a peer count if it is trusted: $trusted', async ({ trusted, from, host }) => {
    const { port } = await up((request, response) => response.end(JSON.stringify(request.headers)), {
      config: { trustedProxies: trusted },
    })
    const sent = 'X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Host: evil\r\n'
    const headers = echoed((await raw(port, get('/', sent))).text)
    expect(headers).toMatchObject({
      'x-forwarded-for': from,
      'x-forwarded-host': host,
      'x-forwarded-proto': 'http',
    })
    expect(headers['forwarded']).toBe(`for=127.0.0.1;host="${HOST}";proto=http`)
  })

  it('name the request, the trace and the service', async () => {
    const { port } = await echo()
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const { text } = await raw(
      port,
      get('/', `X-Request-Id: mine\r\ntraceparent: ${traceparent}\r\ntracestate: a=1\r\n`),
    )
    expect(echoed(text)).toMatchObject({
      'x-request-id': 'mine',
      traceparent,
      tracestate: 'a=1',
      'kserve-isvc-name': 'iris',
      'kserve-isvc-namespace': 'ml',
    })
    expect(text.match(/x-request-id: .*/g)).toEqual(['x-request-id: mine'])
    const made = echoed(
      (await raw(port, get('/', 'X-Request-Id: a b\r\ntraceparent: 00-x\r\ntracestate: a=1\r\n'))).text,
    )
    expect(made['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(made['traceparent']).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
    expect(made).not.toHaveProperty('tracestate')
  })
})
