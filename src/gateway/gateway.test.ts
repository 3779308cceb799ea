import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Refusal } from '../core/refusals.ts'
import { ends, get, HOST, post, raw, REVISION, startGateway, up } from '../../test/support/gateway-harness.ts'

describe('a request', () => {
  it('goes to the replica as sent and its answer comes back with the revision', async () => {
    const { port, nextFinished } = await up((request, response) => {
      request.on('data', (chunk: Buffer) => response.write(chunk)).on('end', () => response.end(request.url))
    })
    const { text } = await raw(port, post('hello'))
    expect(text).toContain('HTTP/1.1 200 OK')
    expect(text).toContain(`x-pilotlight-revision: ${REVISION}`)
    expect(text).not.toContain('x-pilotlight-cold-start')
    expect(text).toContain('hello')
    expect(text).toContain('/x')
    expect(await nextFinished()).toMatchObject({
      status: 200,
      revision: REVISION,
      route: 'ml/iris-predictor',
    })
  })

  it('says how long a cold start took', async () => {
    const { port, activator } = await up((_request, response) => response.end())
    activator.cold = true
    expect((await raw(port, get())).text).toContain('x-pilotlight-cold-start: 1234')
  })

  it.each([['/x?'], ['//a//b'], ['/%zz'], ['/a?b?c'], ['/a/../b']])('keeps the path %s', async (path) => {
    const { port } = await up((request, response) => response.end(`<${request.url}>`))
    expect((await raw(port, get(path))).text).toContain(`<${path}>`)
  })

  it('loses the prefix of its route', async () => {
    const { port } = await up((request, response) => response.end(`<${request.url}>`))
    const { text } = await raw(port, get('/serving/ml/iris/v1?q=1').replace(HOST, 'elsewhere'))
    expect(text).toContain('</v1?q=1>')
  })

  it('frames a chunked DELETE once', async () => {
    const { port } = await up((request, response) => {
      let body = ''
      request
        .on('data', (chunk) => (body += chunk))
        .on('end', () => {
          response.end(JSON.stringify({ body, length: request.headers['content-length'] ?? null }))
        })
    })
    const { text } = await raw(
      port,
      `DELETE /x HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    )
    expect(text).toContain('{"body":"abc","length":null}')
  })

  it.each([204, 304])('passes a bodyless %s', async (status) => {
    const { port } = await up((_request, response) => response.writeHead(status, { ETag: '"a"' }).end())
    const { text } = await raw(port, get())
    expect(text).toContain(`HTTP/1.1 ${status} `)
    expect(text.endsWith('\r\n\r\n')).toBe(true)
  })

  it('passes HEAD with its length and no body', async () => {
    const { port } = await up((_request, response) => response.writeHead(200, { 'Content-Length': 12 }).end())
    const { text } = await raw(port, get().replace('GET', 'HEAD'))
    expect(text).toMatch(/content-length: 12/i)
    expect(text.endsWith('\r\n\r\n')).toBe(true)
  })

  it('passes trailers both ways and 103', async () => {
    const { port } = await up((request, response) => {
      request.resume().on('end', () => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' })
        response.writeHead(200, { Trailer: 'x-sum' })
        response.write('a')
        response.addTrailers({ 'x-sum': `got ${request.trailers['x-in']}` })
        response.end()
      })
    })
    const { text } = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nTrailer: x-in\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-in: 5\r\n\r\n`,
    )
    expect(text).toContain('HTTP/1.1 103 Early Hints')
    expect(text).toContain('x-sum: got 5')
  })

  it('gets its 100 once a replica has taken it', async () => {
    const { port, activator } = await up((request, response) =>
      request.resume().on('end', () => response.end('ok')),
    )
    const permitted = Promise.withResolvers<void>()
    const queued = Promise.withResolvers<void>()
    activator.instead = async () => {
      queued.resolve()
      await permitted.promise
      activator.instead = undefined
      return activator.acquire(REVISION, { signal: AbortSignal.any([]) })
    }
    const socket = connect(port, '127.0.0.1')
    ends.push(() => socket.destroy())
    let text = ''
    socket.on('data', (chunk) => (text += chunk))
    socket.write(post('', 'Expect: 100-continue\r\n').replace('Content-Length: 0', 'Content-Length: 2'))
    await queued.promise
    expect(text).toBe('')
    permitted.resolve()
    await once(socket, 'data')
    expect(text).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('hi')
    await once(socket, 'close')
    expect(text).toContain('HTTP/1.1 200 OK')
  })
})

describe('a refusal', () => {
  it.each([
    ['NO_ROUTE', 404, `GET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n`],
    ['METHOD_REFUSED', 405, `TRACE / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`],
    ['METHOD_REFUSED', 405, `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`],
    ['BAD_REQUEST', 400, `nonsense\r\n\r\n`],
    ['BAD_REQUEST', 400, `GET / HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ['HEAD_TOO_LARGE', 431, get('/', `x: ${'a'.repeat(70_000)}\r\n`)],
  ])('%s is a %i with a code', async (code, status, text) => {
    const { port, nextFinished } = await up((_request, response) => response.end())
    const answer = await raw(port, text)
    expect(answer.text).toContain(`HTTP/1.1 ${status} `)
    expect(answer.text).toContain(`x-pilotlight-refusal: ${code}`)
    expect(JSON.parse(answer.text.slice(answer.text.indexOf('{')))).toMatchObject({
      code,
      error: expect.any(String),
    })
    expect(await nextFinished()).toMatchObject({ status, refusal: code })
  })

  it('says when to come back, and closes a connection whose body is unread', async () => {
    const { port, activator } = await up((_request, response) => response.end())
    activator.instead = () => Promise.reject(new Refusal('QUEUE_FULL', { retryAfterSeconds: 2.2 }))
    const { text } = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3000000\r\n\r\n${'a'.repeat(3_000_000)}`,
    )
    expect(text).toContain('HTTP/1.1 503 ')
    expect(text).toContain('retry-after: 3')
    expect(text).toContain('connection: close')
  })

  it('tells a host without a ready revision from an unknown one', async () => {
    const { port } = await up((_request, response) => response.end(), {
      unready: (host) => (host === 'soon' ? 'loading' : undefined),
    })
    const { text } = await raw(port, get().replace(HOST, 'soon'))
    expect(text).toContain('REVISION_NOT_READY')
    expect(text).toContain('retry-after: 1')
  })
})

describe('stopping', () => {
  it('refuses what is new, lets what runs finish, then ends', async () => {
    const arrived = Promise.withResolvers<() => void>()
    const { gateway, port, clock } = await up(
      (_request, response) => arrived.resolve(() => response.end('done')),
      {
        config: { drainDelayMs: 100 },
      },
    )
    expect(gateway.isReady).toBe(true)
    const answer = raw(port, get())
    const finish = await arrived.promise
    const drained = gateway.drain()
    expect(gateway.isReady).toBe(false)
    await clock.advance(100)
    expect((await raw(port, get())).text).toContain('SHUTTING_DOWN')
    finish()
    expect((await answer).text).toContain('done')
    await drained
    expect((await raw(port, get())).reset).toBe(true)
  })

  it('ends what does not finish in time', async () => {
    const arrived = Promise.withResolvers<void>()
    const { gateway, port, clock } = await up(() => arrived.resolve())
    const answer = raw(port, get())
    await arrived.promise
    const drained = gateway.drain()
    await clock.advance(30_000)
    await drained
    expect((await answer).text).toContain('SHUTTING_DOWN')
  })

  it('names the port that is in use', async () => {
    const { port } = await up((_request, response) => response.end())
    await expect(startGateway([], { config: { port } })).rejects.toThrow(
      `gateway: cannot listen on host 127.0.0.1, port ${port}: the port is in use`,
    )
  })
})
