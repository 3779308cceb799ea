import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { Refusal } from '../../core/refusals.ts'
import type { BodySink, Exchange } from '../exchange.ts'
import { ListFields, NO_FIELDS } from '../fields.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { EndOfTurn } from '../end-of-turn.ts'
import {
  FLAG,
  FRAME,
  frame,
  FramePeer,
  headers,
  listen,
  literals,
  request,
  reset,
  type Frame,
} from './fake-peer.ts'
import { Http2Listener, type Http2Bounds } from './http2-listener.ts'
import { SlabPool } from './session/index.ts'

const BOUNDS: Http2Bounds = {
  headBytesMax: 8_192,
  headersMax: 20,
  headTimeoutMs: 10_000,
  bodyIdleTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
  requestsPerConnectionMax: 0,
}

const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0).toReversed()) close()
})

interface Served {
  readonly port: number
  readonly clock: ManualClock
  readonly listener: Http2Listener
  readonly refused: Refusal[]
  /** The next exchange that came or comes. */
  readonly next: () => Promise<Exchange>
  /** Connects a client of node:http2. */
  readonly client: () => ClientHttp2Session
}

async function serve(bounds: Partial<Http2Bounds> = {}, unshiftPreface = false): Promise<Served> {
  const clock = new ManualClock()
  const refused: Refusal[] = []
  const came: Exchange[] = []
  const waiting: ((exchange: Exchange) => void)[] = []
  const listener = new Http2Listener({
    wheel: new TimerWheel(clock),
    slabs: new SlabPool(),
    endOfTurn: new EndOfTurn(),
    date: () => 'Thu, 01 Jan 1970 00:00:00 GMT',
    bounds: { ...BOUNDS, ...bounds },
    handle: (exchange) => {
      const taker = waiting.shift()
      if (taker === undefined) came.push(exchange)
      else taker(exchange)
    },
    onRefused: (refusal) => refused.push(refusal),
  })
  const peer = { address: '127.0.0.1', scheme: 'http' } as const
  const { port, close } = await listen(
    (socket) => {
      if (!unshiftPreface) return listener.accept(socket, peer)
      socket.once('data', (chunk: Buffer) => {
        socket.pause()
        socket.unshift(chunk)
        listener.accept(socket, peer)
      })
    },
    { allowHalfOpen: true },
  )
  open.push(close, () => listener.closeNow())
  const client = (): ClientHttp2Session => {
    const session = connect(`http://127.0.0.1:${port}`)
    session.on('error', () => undefined)
    open.push(() => session.destroy())
    return session
  }
  const next = (): Promise<Exchange> => {
    const exchange = came.shift()
    return exchange === undefined
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.resolve(exchange)
  }
  return { port, clock, listener, refused, next, client }
}

/** Takes a body whole. */
class Gathering implements BodySink {
  readonly chunks: Buffer[] = []
  readonly ended = Promise.withResolvers<Record<string, string>>()
  flushes = 0

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  write(chunk: Buffer): boolean {
    this.chunks.push(chunk)
    return true
  }

  end(trailers: { count: number; name(at: number): string; value(at: number): string }): void {
    const all: Record<string, string> = {}
    for (let at = 0; at < trailers.count; at++) all[trailers.name(at)] = trailers.value(at)
    this.ended.resolve(all)
  }

  flush(): void {
    this.flushes += 1
  }
}

const answer = (exchange: Exchange, status: number, fields: string[], length?: number): void =>
  exchange.reply.begin({
    status,
    reason: '',
    fields: new ListFields(fields),
    listed: undefined,
    ours: ['x-ours', '1'],
    length,
  })

/** The whole answer to a request of node:http2. */
async function answerTo(stream: ClientHttp2Stream): Promise<{
  status: number
  fields: Record<string, unknown>
  body: string
  trailers: Record<string, unknown>
  rst: number
}> {
  let fields: Record<string, unknown> = {}
  let trailers: Record<string, unknown> = {}
  let body = ''
  stream.on('response', (got) => (fields = got))
  stream.on('trailers', (got) => (trailers = got))
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
  stream.on('error', () => undefined)
  await new Promise<void>((resolve) => stream.once('close', resolve))
  return { status: Number(fields[':status'] ?? 0), fields, body, trailers, rst: stream.rstCode ?? -1 }
}

/** Lets the event loop turn until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a request over HTTP/2', () => {
  it('comes with its head, its body and its trailers, and is answered in the same way', async () => {
    const { client, next } = await serve()
    const stream = client().request(
      { ':method': 'POST', ':path': '/a?b=1', 'x-a': '1' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '6' }))
    stream.end('abcdef')
    const answered = answerTo(stream)
    const exchange = await next()
    expect(exchange.head).toMatchObject({ version: '2', method: 'POST', path: '/a?b=1', isGrpc: false })
    expect(exchange.head.header('x-a')).toBe('1')
    expect(exchange.peer).toEqual({ address: '127.0.0.1', scheme: 'http' })
    const sink = new Gathering()
    exchange.body.attach(sink)
    expect(await sink.ended.promise).toEqual({ 'x-sum': '6' })
    expect(sink.text).toBe('abcdef')
    answer(exchange, 201, ['X-B', '2', 'connection', 'close', 'x-b', '3'])
    exchange.reply.write(Buffer.from('answer'))
    exchange.reply.end(new ListFields(['x-t', '1', 'content-length', '3']))
    const { status, fields, body, trailers } = await answered
    expect({ status, body }).toEqual({ status: 201, body: 'answer' })
    expect(fields).toMatchObject({ 'x-b': '2, 3', 'x-ours': '1', date: 'Thu, 01 Jan 1970 00:00:00 GMT' })
    expect(fields['connection']).toBeUndefined()
    expect({ ...trailers }).toMatchObject({ 'x-t': '1' })
    expect(exchange.signal.aborted).toBe(false)
  })

  it('without a body has an empty one', async () => {
    const { client, next } = await serve()
    const answered = answerTo(client().request({ ':path': '/' }))
    const exchange = await next()
    expect(exchange.body).toMatchObject({ length: 0, isComplete: true })
    answer(exchange, 204, [])
    exchange.reply.end(NO_FIELDS)
    expect((await answered).status).toBe(204)
  })

  it('is read where the preface was read before and put back', async () => {
    const { client, next } = await serve({}, true)
    const answered = answerTo(client().request({ ':path': '/' }))
    const exchange = await next()
    answer(exchange, 200, [], 0)
    exchange.reply.end(NO_FIELDS)
    expect((await answered).status).toBe(200)
  })

  it('is told to go on once a replica takes it, and hears 1xx answers', async () => {
    const { client, next } = await serve()
    const stream = client().request({ ':method': 'POST', expect: '100-continue' })
    const exchange = await next()
    const goOn = once(stream, 'continue')
    const sink = new Gathering()
    exchange.body.attach(sink)
    await goOn
    const hinted = once(stream, 'headers')
    exchange.reply.inform(103, new ListFields(['link', '</a>']))
    const [hints] = await hinted
    expect(hints).toMatchObject({ ':status': 103, link: '</a>' })
    stream.end('go')
    await sink.ended.promise
    expect(sink.text).toBe('go')
  })

  it('answers HEAD with the length and no body', async () => {
    const { client, next } = await serve()
    const answered = answerTo(client().request({ ':method': 'HEAD' }))
    const exchange = await next()
    answer(exchange, 200, ['content-length', '1000'], 0)
    exchange.reply.end(NO_FIELDS)
    const { status, fields, body } = await answered
    expect({ status, length: fields['content-length'], body }).toEqual({
      status: 200,
      length: '1000',
      body: '',
    })
  })

  it('hears the end of its answer before the end of its own body, and is told to stop', async () => {
    const { client, next } = await serve()
    const stream = client().request({ ':method': 'POST' })
    stream.write('first')
    const answered = answerTo(stream)
    const exchange = await next()
    answer(exchange, 200, ['content-type', 'text/plain'])
    exchange.reply.write(Buffer.from('enough'))
    exchange.reply.end(new ListFields(['x-t', '1']))
    const { status, body, trailers, rst } = await answered
    expect({ status, body, rst }).toEqual({ status: 200, body: 'enough', rst: constants.NGHTTP2_NO_ERROR })
    expect({ ...trailers }).toMatchObject({ 'x-t': '1' })
  })
})

describe('an answer that breaks off', () => {
  it.each([
    ['of unknown length', undefined],
    ['of a known length', 100],
    ['before any byte', 5],
  ])('%s never ends the stream as if it were whole', async (how, length) => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, length === undefined ? [] : ['content-length', String(length)], length)
    if (how !== 'before any byte') exchange.reply.write(Buffer.from('hello'))
    // The bytes before it arrive, so that nothing of ours is on its way when the stream is reset.
    const wanted = how === 'before any byte' ? FRAME.headers : FRAME.data
    await peer.find(({ type }) => type === wanted)
    exchange.reply.reset()
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    expect(peer.hasEnded(1)).toBe(false)
    expect(exchange.signal.aborted).toBe(false)
  })

  it('also when it is reset in the turn in which it was written', async () => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, [])
    exchange.reply.write(Buffer.from('hello'))
    exchange.reply.refuse(new Refusal('UPSTREAM_RESET'), [])
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_INTERNAL_ERROR)
    expect(peer.hasEnded(1)).toBe(false)
  })
})

describe('refusals', () => {
  it('are JSON for HTTP', async () => {
    const { client, next } = await serve()
    const answered = answerTo(client().request({ ':path': '/' }))
    const exchange = await next()
    exchange.reply.refuse(new Refusal('QUEUE_FULL', { retryAfterSeconds: 2 }), ['x-request-id', 'r1'])
    const { status, fields, body } = await answered
    expect(status).toBe(503)
    expect(fields).toMatchObject({
      'content-type': 'application/json',
      'x-pilotlight-refusal': 'QUEUE_FULL',
      'retry-after': '2',
      'x-request-id': 'r1',
    })
    expect(JSON.parse(body)).toMatchObject({ code: 'QUEUE_FULL' })
    expect(exchange.reply.status).toBe(503)
  })

  it('are a status in the head for gRPC, also while the call still sends', async () => {
    const { client, next } = await serve()
    const stream = client().request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' })
    stream.write('....')
    const answered = answerTo(stream)
    const exchange = await next()
    exchange.reply.refuse(new Refusal('NO_ROUTE', { detail: 'host "ü"' }), ['x-request-id', 'r1'])
    const { status, fields, body, rst } = await answered
    expect({ status, body, rst }).toEqual({ status: 200, body: '', rst: 0 })
    expect(fields).toMatchObject({
      'grpc-status': '12',
      'x-pilotlight-refusal': 'NO_ROUTE',
      'x-request-id': 'r1',
    })
    expect(fields['grpc-message']).toMatch(/host "%C3%BC"$/)
  })

  it.each<[string, (readonly [string, string])[], string, number]>([
    ['host and :authority that differ', request('GET', [['host', 'other.test']]), 'BAD_REQUEST', 400],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a.test:443'],
      ],
      'METHOD_REFUSED',
      405,
    ],
    ['a head beyond the bound', request('GET', [['x-long', 'x'.repeat(9_000)]]), 'HEAD_TOO_LARGE', 431],
    [
      'more fields than the bound',
      request(
        'GET',
        Array.from({ length: 21 }, (_, at) => [`x-${at}`, '']),
      ),
      'HEAD_TOO_LARGE',
      431,
    ],
  ])('meet %s', async (_what, fields, code) => {
    const { port, refused } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, fields, { endStream: true }))
    const head = await peer.find(({ type, stream }) => type === FRAME.headers && stream === 1)
    expect(head).toBeDefined()
    expect(refused.map((refusal) => refusal.code)).toEqual([code])
  })

  it.each<[string, (readonly [string, string])[]]>([
    ['a Connection field', request('GET', [['connection', 'close']])],
    ['Transfer-Encoding', request('GET', [['transfer-encoding', 'chunked']])],
    ['Upgrade', request('GET', [['upgrade', 'h2c']])],
    ['TE other than trailers', request('GET', [['te', 'gzip']])],
    ['a name in capitals', request('GET', [['X-A', '1']])],
    ['two :path fields', [...request('GET'), [':path', '/b']]],
    ['a pseudo field after others', [...request('GET', [['x-a', '1']]), [':path', '/b']]],
    ['an unknown pseudo field', [[':other', '1'], ...request('GET')]],
    ['no :path', request('GET').filter(([name]) => name !== ':path')],
    ['an empty :path', request('GET').map(([name, value]) => [name, name === ':path' ? '' : value])],
    ['a blank in :path', request('GET').map(([name, value]) => [name, name === ':path' ? '/a b' : value])],
    ['a response field', [[':status', '200'], ...request('GET')]],
    [
      'two lengths',
      request('GET', [
        ['content-length', '0'],
        ['content-length', '0'],
      ]),
    ],
    ['a length that is no number', request('GET', [['content-length', '1x']])],
    ['a length and no data', request('POST', [['content-length', '5']])],
    ['a line end in a value', request('GET', [['x-a', 'a\r\nb: c']])],
    ['a NUL in a value', request('GET', [['x-a', 'a\0b']])],
    ['extended CONNECT', [...request('CONNECT'), [':protocol', 'websocket']]],
  ])('reset the stream for %s', async (_what, fields) => {
    const { port, refused } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, fields, { endStream: true }))
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
    expect(refused).toEqual([])
  })

  it.each([
    ['more data than its length says', 3],
    ['less', 9],
  ])('break off a request with %s, and its body is never whole', async (_what, length) => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('POST', [['content-length', String(length)]])))
    const exchange = await next()
    const sink = new Gathering()
    exchange.body.attach(sink)
    peer.write(frame(FRAME.data, FLAG.endStream, 1, Buffer.from('hello')))
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
    expect(exchange.body.isComplete).toBe(false)
    expect(exchange.signal.reason).toMatchObject({ code: 'CLIENT_GONE' })
  })

  it('end a connection that speaks something else', async () => {
    const { port, refused, listener } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    expect(await peer.find(({ type }) => type === FRAME.goaway)).toBeDefined()
    await once(peer.socket, 'close')
    expect(refused.map(({ code }) => code)).toEqual(['BAD_REQUEST'])
    await until(() => listener.size === 0)
  })
})

describe('floods', () => {
  it('rapid resets end the connection', async () => {
    const { port } = await serve()
    const peer = await FramePeer.client(port)
    for (let stream = 1; stream < 2 * 1_200; stream += 2)
      peer.write(headers(stream, request('GET')), reset(stream, 8))
    const goaway = await peer.find(({ type }) => type === FRAME.goaway)
    expect(goaway?.payload.readUInt32BE(4)).not.toBe(0)
  })

  it('a head of endless CONTINUATION frames ends the connection', async () => {
    const { port, refused } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(frame(FRAME.headers, FLAG.endStream, 1, literals(request('GET'))))
    for (let at = 0; at < 100; at++) peer.write(frame(FRAME.continuation, 0, 1, literals([[`x-${at}`, '1']])))
    expect(await peer.find(({ type }) => type === FRAME.goaway)).toBeDefined()
    await once(peer.socket, 'close')
    expect(refused.map(({ code }) => code)).toEqual(['BAD_REQUEST'])
  })

  it('empty DATA frames end the connection', async () => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('POST')))
    const exchange = await next()
    for (let at = 0; at < 110; at++) peer.write(...Array.from({ length: 100 }, () => frame(FRAME.data, 0, 1)))
    await once(peer.socket, 'close')
    expect(exchange.signal.aborted).toBe(true)
  })

  it('streams beyond the bound are refused, and the others go on', async () => {
    const { port, next } = await serve({ maxConcurrentStreams: 2 })
    const peer = await FramePeer.client(port)
    peer.write(...[1, 3, 5].map((stream) => headers(stream, request('GET'), { endStream: true })))
    expect(await peer.resetCode(5)).toBe(constants.NGHTTP2_REFUSED_STREAM)
    for (const stream of [1, 3]) {
      const exchange = await next()
      answer(exchange, 200, [], 0)
      exchange.reply.end(NO_FIELDS)
      await peer.find(({ stream: of, type }) => of === stream && type === FRAME.headers)
    }
    peer.write(headers(7, request('GET'), { endStream: true }))
    expect((await next()).head.path).toBe('/v1/models')
  })
})

describe('a client that goes', () => {
  async function gone(
    how: (peer: FramePeer, exchange: Exchange) => void,
    fields = request('POST'),
    endStream = false,
  ): Promise<Exchange> {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, fields, { endStream }))
    const exchange = await next()
    const told = new Promise<void>((resolve) =>
      exchange.signal.addEventListener('abort', { handleEvent: resolve }),
    )
    how(peer, exchange)
    await told
    return exchange
  }

  it.each<[string, (peer: FramePeer, exchange: Exchange) => void, boolean]>([
    ['by RST_STREAM while it waits', (peer) => peer.write(reset(1, 8)), true],
    ['by RST_STREAM with NO_ERROR in mid-body', (peer) => peer.write(reset(1, 0)), false],
    ['by an error', (peer) => peer.write(reset(1, 2)), false],
    ['with its connection', (peer) => peer.socket.destroy(), true],
    ['by half of its connection', (peer) => peer.socket.end(), true],
    [
      'while it reads',
      (peer, exchange) => {
        answer(exchange, 200, [])
        exchange.reply.write(Buffer.from('x'))
        peer.write(reset(1, 8))
      },
      true,
    ],
  ])('%s aborts its exchange, and its body does not become whole', async (_how, go, endStream) => {
    const exchange = await gone(go, request('POST'), endStream)
    expect(exchange.signal.reason).toMatchObject({ code: 'CLIENT_GONE' })
    expect(exchange.body.isComplete).toBe(endStream)
    // Whatever comes now does nothing.
    exchange.reply.refuse(new Refusal('CLIENT_GONE'), [])
    exchange.reply.reset()
  })

  it('aborts a HEAD too', async () => {
    const exchange = await gone((peer) => peer.write(reset(1, 8)), request('HEAD'), true)
    expect(exchange.signal.reason).toMatchObject({ code: 'CLIENT_GONE' })
  })

  it('with a paused body by RST_STREAM with NO_ERROR', async () => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(
      headers(1, request('POST')),
      ...Array.from({ length: 4 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_000))),
    )
    const exchange = await next()
    const told = new Promise<void>((resolve) =>
      exchange.signal.addEventListener('abort', { handleEvent: resolve }),
    )
    peer.write(reset(1, 0))
    await told
    const sink = new Gathering()
    exchange.body.attach(sink)
    expect(exchange.body.isComplete).toBe(false)
  })
})

describe('flow control', () => {
  it('a body that nobody takes is read ahead within bounds, and goes on when it is taken', async () => {
    const { client, next } = await serve()
    const stream = client().request({ ':method': 'POST' })
    const total = 1_000_000
    stream.end(Buffer.alloc(total, 'x'))
    const exchange = await next()
    await until(() => exchange.body.keptBytes >= 65_536)
    // What was in the window may still come: twice 65,535 bytes and a frame.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(exchange.body.keptBytes).toBeLessThan(2 * 65_536 + 16_384)
    const sink = new Gathering()
    exchange.body.attach(sink)
    await sink.ended.promise
    expect(sink.text.length).toBe(total)
  })

  it('a body that flows gets a wider window', async () => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('POST')))
    const exchange = await next()
    const sink = new Gathering()
    exchange.body.attach(sink)
    const widening = (seen: Frame): boolean =>
      seen.type === FRAME.windowUpdate && seen.stream === 1 && seen.payload.readUInt32BE(0) === 196_608
    peer.write(...Array.from({ length: 4 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_383))))
    await until(() => sink.text.length === 4 * 16_383)
    expect(peer.frames.some(widening)).toBe(false)
    peer.write(frame(FRAME.data, 0, 1, Buffer.alloc(16_383)))
    expect(await peer.find(widening)).toBeDefined()
  })

  it('a sink that takes no more stalls the client', async () => {
    const { client, next } = await serve()
    const stream = client().request({ ':method': 'POST' })
    const total = 1_000_000
    stream.end(Buffer.alloc(total, 'x'))
    const exchange = await next()
    let taken = 0
    let isFull = true
    const ended = Promise.withResolvers<void>()
    exchange.body.attach({
      write: (chunk) => {
        taken += chunk.length
        return !isFull
      },
      end: () => ended.resolve(),
      flush: () => undefined,
    })
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(taken).toBeLessThan(200_000)
    isFull = false
    exchange.body.resume()
    await ended.promise
    expect(taken).toBe(total)
  })

  it('a client that does not read stalls the answer, and is reset after the bound', async () => {
    const { port, next, clock } = await serve({ bodyIdleTimeoutMs: 1_000 })
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, [])
    let written = 0
    while (exchange.reply.write(Buffer.alloc(16_384))) written += 16_384
    expect(written).toBeLessThan(200_000)
    await clock.advance(1_200)
    expect(exchange.signal.reason).toMatchObject({ code: 'CLIENT_TIMEOUT' })
    exchange.reply.reset()
    await peer.resetCode(1)
    expect(peer.hasEnded(1)).toBe(false)
  })

  it('a client that does not read the end of its answer is reset after the bound', async () => {
    const { port, next, clock } = await serve({ bodyIdleTimeoutMs: 1_000 })
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, [])
    while (exchange.reply.write(Buffer.alloc(16_384)));
    exchange.reply.end(NO_FIELDS)
    await clock.advance(1_200)
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_CANCEL)
    expect(peer.hasEnded(1)).toBe(false)
    expect(exchange.signal.aborted).toBe(false)
  })

  it('says when the client can take more', async () => {
    const { port, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, [])
    while (exchange.reply.write(Buffer.alloc(16_384)));
    const drained = new Promise<void>((resolve) => (exchange.reply.onDrain = resolve))
    const more = Buffer.alloc(4)
    more.writeUInt32BE(1_000_000)
    peer.write(frame(FRAME.windowUpdate, 0, 1, more), frame(FRAME.windowUpdate, 0, 0, more))
    await drained
    exchange.reply.end(NO_FIELDS)
    await peer.find(({ flags, type }) => type === FRAME.data && (flags & FLAG.endStream) !== 0)
    expect(peer.hasEnded(1)).toBe(true)
  })
})

describe('times', () => {
  it('a connection without a request ends', async () => {
    const { port, clock, listener } = await serve()
    const peer = await FramePeer.client(port)
    await peer.find(({ type }) => type === FRAME.settings)
    await clock.advance(10_200)
    await once(peer.socket, 'close')
    expect(peer.frames.some(({ type }) => type === FRAME.goaway)).toBe(true)
    await until(() => listener.size === 0)
  })

  it('a connection ends some time after its last request', async () => {
    const { port, clock, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    await clock.advance(200_000)
    answer(exchange, 200, [], 0)
    exchange.reply.end(NO_FIELDS)
    await peer.find(({ stream, type }) => stream === 1 && type === FRAME.headers)
    expect(peer.frames.some(({ type }) => type === FRAME.goaway)).toBe(false)
    await clock.advance(75_200)
    await once(peer.socket, 'close')
  })

  it('a body that stops in the middle aborts its exchange, unless it is a gRPC stream', async () => {
    const { port, clock, next } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(
      headers(1, request('POST')),
      headers(3, request('POST', [['content-type', 'application/grpc']])),
    )
    const plain = await next()
    const grpc = await next()
    for (const { body } of [plain, grpc]) body.attach(new Gathering())
    await clock.advance(59_000)
    expect(plain.signal.aborted).toBe(false)
    await clock.advance(2_000)
    expect(plain.signal.reason).toMatchObject({ code: 'CLIENT_TIMEOUT' })
    await clock.advance(3_600_000)
    expect(grpc.signal.aborted).toBe(false)
  })
})

describe('the end of a connection', () => {
  it('drains: GOAWAY, what runs goes on, then it closes', async () => {
    const { port, next, listener } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    listener.drain()
    const goaway = await peer.find(({ type }) => type === FRAME.goaway)
    expect(goaway?.payload.readUInt32BE(4)).toBe(0)
    answer(exchange, 200, [])
    exchange.reply.write(Buffer.from('late'))
    exchange.reply.end(NO_FIELDS)
    await once(peer.socket, 'close')
    expect(peer.hasEnded(1)).toBe(true)
    await until(() => listener.size === 0)
  })

  it('does not wait for a client that answers no PING', async () => {
    const { port, next, listener, clock } = await serve()
    const peer = await FramePeer.client(port)
    peer.answersPings = false
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    listener.drain()
    const lastId = (seen: Frame): number => (seen.type === FRAME.goaway ? seen.payload.readUInt32BE(0) : -1)
    await peer.find((seen) => lastId(seen) === 2 ** 31 - 1)
    await clock.advance(5_200)
    await peer.find((seen) => lastId(seen) === 1)
    answer(exchange, 200, [], 0)
    exchange.reply.end(NO_FIELDS)
    await once(peer.socket, 'close')
    expect(peer.hasEnded(1)).toBe(true)
  })

  it('closes now: exchanges are aborted, streams do not end as if whole', async () => {
    const { port, next, listener } = await serve()
    const peer = await FramePeer.client(port)
    peer.write(headers(1, request('GET'), { endStream: true }))
    const exchange = await next()
    answer(exchange, 200, [])
    exchange.reply.write(Buffer.from('half'))
    await peer.find(({ type }) => type === FRAME.data)
    listener.closeNow()
    expect(exchange.signal.reason).toMatchObject({ code: 'SHUTTING_DOWN' })
    await once(peer.socket, 'close')
    expect(peer.hasEnded(1)).toBe(false)
  })

  it('comes after as many requests as one connection may send', async () => {
    const { port, next } = await serve({ requestsPerConnectionMax: 2 })
    const peer = await FramePeer.client(port)
    for (const stream of [1, 3]) {
      peer.write(headers(stream, request('GET'), { endStream: true }))
      const exchange = await next()
      answer(exchange, 200, [], 0)
      exchange.reply.end(NO_FIELDS)
    }
    await once(peer.socket, 'close')
    expect(peer.hasEnded(3)).toBe(true)
  })
})
