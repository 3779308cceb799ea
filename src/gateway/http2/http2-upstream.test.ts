import { once } from 'node:events'
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import type { Address } from '../../core/replica.ts'
import { Refusal } from '../../core/refusals.ts'
import { joined, ListFields } from '../fields.ts'
import { HOP_BY_HOP } from '../pass-on.ts'
import { TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult, Onward } from '../upstream.ts'
import { EndOfTurn } from '../end-of-turn.ts'
import { FakeExchange } from './fake-exchange.ts'
import { FLAG, FRAME, frame, FramePeer, headers, listen, reset } from './fake-peer.ts'
import { Http2Upstream } from './http2-upstream.ts'
import { SlabPool } from './session/index.ts'

const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0).toReversed()) close()
})

function makeUpstream(options: { connectTimeoutMs?: number; idleTimeoutMs?: number } = {}): {
  upstream: Http2Upstream
  clock: ManualClock
  opened: string[]
} {
  const clock = new ManualClock()
  const opened: string[] = []
  const upstream = new Http2Upstream({
    wheel: new TimerWheel(clock),
    slabs: new SlabPool(),
    endOfTurn: new EndOfTurn(),
    connect: ({ host, port }) => connect({ host, port, noDelay: true }),
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 60_000,
    onConnection: (how) => opened.push(how),
    ...options,
  })
  open.push(() => upstream.close())
  return { upstream, clock, opened }
}

type OnStream = (stream: ServerHttp2Stream, fields: IncomingHttpHeaders) => void

/** A replica on node:http2. */
async function replica(
  onStream: OnStream,
  settings: Settings = {},
): Promise<Address & { sessions: () => number }> {
  const server = createServer({ settings })
  let sessions = 0
  server.on('session', (session) => {
    sessions += 1
    session.on('error', () => undefined)
    open.push(() => session.destroy())
    session.on('stream', (stream, fields) => {
      stream.on('error', () => undefined)
      onStream(stream, fields)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => server.close())
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return { host: '127.0.0.1', port: bound.port, sessions: () => sessions }
}

/** A replica that speaks frame by frame; `next` is its next connection, with its settings said. */
async function frameReplica(): Promise<Address & { next: () => Promise<FramePeer> }> {
  const came: FramePeer[] = []
  const waiting: ((peer: FramePeer) => void)[] = []
  const { port, close } = await listen((socket) => {
    const peer = new FramePeer(socket, 24)
    peer.write(frame(FRAME.settings, 0, 0))
    const taker = waiting.shift()
    if (taker === undefined) came.push(peer)
    else taker(peer)
  })
  open.push(close)
  const next = (): Promise<FramePeer> => {
    const peer = came.shift()
    return peer === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(peer)
  }
  return { host: '127.0.0.1', port, next }
}

function onward(address: Address, more: Partial<Onward> = {}): Onward {
  return {
    address: { host: address.host, port: address.port },
    transport: { protocol: 'h2', tls: false },
    path: '/v1/models',
    added: { dropped: HOP_BY_HOP, list: ['x-request-id', 'r1'], text: '' },
    ours: ['x-ours', '1'],
    limits: { responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
    fresh: false,
    ...more,
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

const head = (stream: number, options: { endStream?: boolean } = {}): Buffer =>
  headers(stream, [[':status', '200']], options)
const isHead = (stream: number) => (seen: { type: number; stream: number }) =>
  seen.type === FRAME.headers && seen.stream === stream

describe('a request to an HTTP/2 replica', () => {
  it('goes with what is passed on, and its answer comes back whole', async () => {
    let got: IncomingHttpHeaders = {}
    let body = ''
    const address = await replica((stream, fields) => {
      got = fields
      stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
      stream.on('end', () => {
        stream.respond({ ':status': 201, 'x-a': '1' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-t': ['1', '2'] }))
        stream.end('answer')
      })
    })
    const exchange = new FakeExchange({
      body: 'question',
      fields: [
        'Host',
        'iris.test',
        'Connection',
        'keep-alive, X-Private',
        'Keep-Alive',
        '5',
        'X-Private',
        '1',
        'TE',
        'trailers, deflate',
        'Transfer-Encoding',
        'chunked',
        'Expect',
        '100-continue',
        'X-Kept',
        'a',
        'x-kept',
        'b',
      ],
      listed: new Set(['x-private']),
    })
    const { upstream } = makeUpstream()
    expect(await upstream.forward(exchange, onward(address))).toEqual({ outcome: 'answered' })
    expect(got).toMatchObject({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': 'iris.test',
      ':path': '/v1/models',
    })
    expect(got).toMatchObject({ te: 'trailers', 'x-kept': 'a, b', 'x-request-id': 'r1' })
    const dropped = ['host', 'connection', 'keep-alive', 'x-private', 'transfer-encoding', 'expect']
    expect(dropped.filter((name) => got[name] !== undefined)).toEqual([])
    expect(body).toBe('question')
    const { reply } = exchange
    expect(reply.head).toMatchObject({ status: 201, length: undefined, ours: ['x-ours', '1'] })
    expect(joined(reply.head!.fields, 'x-a')).toBe('1')
    expect(reply.text).toBe('answer')
    expect([joined(reply.trailers!, 'grpc-status'), joined(reply.trailers!, 'x-t')]).toEqual(['0', '1, 2'])
    await until(() => reply.flushes > 0)
  })

  it('without a body ends with its head, and an answer of a head only is passed on as such', async () => {
    const { upstream } = makeUpstream()
    const address = await frameReplica()
    const exchange = new FakeExchange({ method: 'GET', host: '' })
    const result = upstream.forward(exchange, onward(address))
    const peer = await address.next()
    const asked = await peer.find(isHead(1))
    expect((asked?.flags ?? 0) & FLAG.endStream).toBe(FLAG.endStream)
    peer.write(
      headers(
        1,
        [
          [':status', '200'],
          ['grpc-status', '5'],
          ['grpc-message', 'no'],
        ],
        { endStream: true },
      ),
    )
    expect(await result).toEqual({ outcome: 'answered' })
    expect(exchange.reply.head?.length).toBe(0)
    expect(joined(exchange.reply.head!.fields, 'grpc-status')).toBe('5')
  })

  it('that HTTP/2 cannot say is refused, and takes no place', async () => {
    const address = await replica((stream) => stream.respond({ ':status': 200 }, { endStream: true }))
    const { upstream } = makeUpstream()
    const wrong = new FakeExchange({ fields: ['a b', '1'] })
    await expect(upstream.forward(wrong, onward(address))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    expect(await upstream.forward(new FakeExchange(), onward(address))).toEqual({ outcome: 'answered' })
    expect(address.sessions()).toBe(1)
    upstream.close()
    await until(() => upstream.size === 0)
  })

  it('takes trailers along', async () => {
    let sum: unknown
    const address = await replica((stream) => {
      stream.on('trailers', (trailers) => (sum = trailers['x-sum']))
      stream.on('end', () => stream.respond({ ':status': 200 }, { endStream: true }))
      stream.resume()
    })
    const exchange = new FakeExchange({ body: { flows: true } })
    const { upstream } = makeUpstream()
    const result = upstream.forward(exchange, onward(address))
    exchange.source.take(Buffer.from('x'))
    exchange.source.finish(new ListFields(['X-Sum', '6', 'Host', 'no']))
    expect(await result).toEqual({ outcome: 'answered' })
    expect(sum).toBe('6')
  })

  it('passes 1xx answers on, but 100', async () => {
    const address = await replica((stream) => {
      stream.additionalHeaders({ ':status': 100 })
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 }, { endStream: true })
    })
    const exchange = new FakeExchange({ method: 'GET' })
    await makeUpstream().upstream.forward(exchange, onward(address))
    expect(exchange.reply.informed.map(([status]) => status)).toEqual([103])
  })

  it('flows both ways at once, and may be answered before it has ended', async () => {
    const address = await replica((stream) => {
      stream.respond({ ':status': 200 })
      stream.on('data', (chunk: Buffer) => {
        if (chunk.toString() === 'enough') stream.end('bye')
        else stream.write(`echo ${chunk.toString()}`)
      })
    })
    const exchange = new FakeExchange({ body: { flows: true } })
    const result = makeUpstream().upstream.forward(exchange, onward(address))
    exchange.source.take(Buffer.from('1'))
    await until(() => exchange.reply.text === 'echo 1')
    exchange.source.take(Buffer.from('2'))
    await until(() => exchange.reply.text === 'echo 1echo 2')
    exchange.source.take(Buffer.from('enough'))
    expect(await result).toEqual({ outcome: 'answered' })
    expect(exchange.reply.text).toBe('echo 1echo 2bye')
    expect(exchange.body.isComplete).toBe(false)
  })

  it('stops reading the client while the replica does not read', async () => {
    const held: ServerHttp2Stream[] = []
    const address = await replica((stream) => held.push(stream))
    const exchange = new FakeExchange({ body: { flows: true } })
    const result = makeUpstream().upstream.forward(exchange, onward(address))
    let sent = 0
    const feed = (): void => {
      while (!exchange.isPaused && sent < 4_000_000) {
        exchange.source.take(Buffer.alloc(16_384))
        sent += 16_384
      }
    }
    await until(() => held.length === 1)
    feed()
    expect(sent).toBeLessThan(300_000)
    held[0]!.resume()
    await until(() => (feed(), sent >= 4_000_000))
    exchange.source.finish(new ListFields([]))
    held[0]!.respond({ ':status': 200 }, { endStream: true })
    expect(await result).toEqual({ outcome: 'answered' })
  })

  it('stops reading the replica while the client does not read', async () => {
    const total = 2_000_000
    const address = await replica((stream) => {
      stream.respond({ ':status': 200 })
      stream.end(Buffer.alloc(total))
    })
    const exchange = new FakeExchange({ method: 'GET' })
    exchange.reply.isFull = true
    const result = makeUpstream().upstream.forward(exchange, onward(address))
    await exchange.reply.wrote.promise
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(exchange.reply.bytes).toBeLessThan(100_000)
    exchange.reply.isFull = false
    exchange.reply.onDrain?.()
    expect(await result).toEqual({ outcome: 'answered' })
    expect(exchange.reply.bytes).toBe(total)
  })
})

describe('connections', () => {
  const ok: OnStream = (stream) => stream.respond({ ':status': 200 }, { endStream: true })

  it('are shared by many requests, and left to rest', async () => {
    const address = await replica(ok)
    const { upstream, opened, clock } = makeUpstream()
    await Promise.all(Array.from({ length: 50 }, () => upstream.forward(new FakeExchange(), onward(address))))
    await upstream.forward(new FakeExchange(), onward(address))
    expect(address.sessions()).toBe(1)
    expect(opened.at(-1)).toBe('reused')
    await clock.advance(60_200)
    await until(() => upstream.size === 0)
  })

  it('are more where a replica takes few requests on each', async () => {
    const held: ServerHttp2Stream[] = []
    const address = await replica((stream) => held.push(stream), { maxConcurrentStreams: 2 })
    const { upstream } = makeUpstream()
    const results = Array.from({ length: 5 }, () => upstream.forward(new FakeExchange(), onward(address)))
    await until(() => held.length === 5)
    expect(address.sessions()).toBe(3)
    for (const stream of held) stream.respond({ ':status': 200 }, { endStream: true })
    expect(await Promise.all(results)).toEqual(Array.from({ length: 5 }, () => ({ outcome: 'answered' })))
  })

  it('are new for a request that wants a fresh one', async () => {
    const address = await replica(ok)
    const { upstream } = makeUpstream()
    await upstream.forward(new FakeExchange(), onward(address))
    await upstream.forward(new FakeExchange(), onward(address, { fresh: true }))
    expect(address.sessions()).toBe(2)
  })

  it('to addresses that are no more end after what runs', async () => {
    const held: ServerHttp2Stream[] = []
    const address = await replica((stream) => held.push(stream))
    const { upstream } = makeUpstream()
    const result = upstream.forward(new FakeExchange(), onward(address))
    await until(() => held.length === 1)
    upstream.retain([{ host: '127.0.0.1', port: 1 }])
    held[0]!.respond({ ':status': 200 })
    held[0]!.end('late')
    expect(await result).toEqual({ outcome: 'answered' })
    await until(() => upstream.size === 0)
  })

  it('that are refused are unreachable', async () => {
    const { port, close } = await listen(() => undefined)
    close()
    const result = await makeUpstream().upstream.forward(
      new FakeExchange(),
      onward({ host: '127.0.0.1', port }),
    )
    expect(result).toMatchObject({ outcome: 'unreachable', cause: { code: 'ECONNREFUSED' } })
  })

  it('that never say their settings are unreachable after the bound', async () => {
    const { port, close } = await listen(() => undefined)
    open.push(close)
    const { upstream, clock } = makeUpstream({ connectTimeoutMs: 1_000 })
    const result = upstream.forward(new FakeExchange(), onward({ host: '127.0.0.1', port }))
    await clock.advance(1_200)
    expect(await result).toMatchObject({
      outcome: 'unreachable',
      cause: { message: 'no HTTP/2 connection within 1000 ms' },
    })
    expect(upstream.size).toBe(0)
  })

  it('to what speaks HTTP/1.1 are invalid', async () => {
    const { port, close } = await listen((socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'),
    )
    open.push(close)
    const result = await makeUpstream().upstream.forward(
      new FakeExchange(),
      onward({ host: '127.0.0.1', port }),
    )
    expect(result.outcome).toBe('invalid')
  })

  it('are not waited for by a client that goes', async () => {
    const { port, close } = await listen(() => undefined)
    open.push(close)
    const exchange = new FakeExchange()
    const result = makeUpstream().upstream.forward(exchange, onward({ host: '127.0.0.1', port }))
    exchange.abort(new Refusal('CLIENT_GONE'))
    await expect(result).rejects.toMatchObject({ code: 'CLIENT_GONE' })
  })
})

describe('a replica that fails', () => {
  async function begun(
    exchange: FakeExchange,
    more: Partial<Onward> = {},
  ): Promise<{ peer: FramePeer; result: Promise<ForwardResult>; clock: ManualClock }> {
    const address = await frameReplica()
    const { upstream, clock } = makeUpstream()
    const result = upstream.forward(exchange, onward(address, more))
    // A rejection is looked at later.
    result.catch(() => undefined)
    const peer = await address.next()
    await peer.find(isHead(1))
    return { peer, result, clock }
  }

  it.each<[string, (peer: FramePeer) => void, object]>([
    ['resets the stream', (peer) => peer.write(reset(1, 2)), { outcome: 'reset', stale: false }],
    ['refuses the stream', (peer) => peer.write(reset(1, 7)), { outcome: 'reset', stale: true }],
    [
      'says GOAWAY and did not take the stream',
      (peer) => peer.write(frame(FRAME.goaway, 0, 0, Buffer.alloc(8))),
      { outcome: 'reset', stale: true },
    ],
    [
      'resets the stream with NO_ERROR',
      (peer) => peer.write(reset(1, 0)),
      { outcome: 'reset', stale: false },
    ],
    ['closes a new connection', (peer) => peer.socket.destroy(), { outcome: 'reset', stale: false }],
    ['answers without a status', (peer) => peer.write(headers(1, [['x-a', '1']])), { outcome: 'invalid' }],
    [
      'answers with a Connection field',
      (peer) =>
        peer.write(
          headers(1, [
            [':status', '200'],
            ['connection', 'close'],
          ]),
        ),
      { outcome: 'invalid' },
    ],
  ])('%s before its answer', async (_how, fail, expected) => {
    const exchange = new FakeExchange({ body: 'x' })
    const { peer, result } = await begun(exchange)
    fail(peer)
    expect(await result).toMatchObject(expected)
    expect(exchange.reply.began).toBe(false)
    // The next attempt gets the body again.
    expect(exchange.body.isReplayable).toBe(true)
  })

  it('closes a connection that had answered before: the request is stale', async () => {
    const address = await frameReplica()
    const { upstream } = makeUpstream()
    const first = upstream.forward(new FakeExchange(), onward(address))
    const peer = await address.next()
    await peer.find(isHead(1))
    peer.write(head(1, { endStream: true }))
    await first
    const second = upstream.forward(new FakeExchange(), onward(address))
    await peer.find(isHead(3))
    peer.socket.destroy()
    expect(await second).toMatchObject({ outcome: 'reset', stale: true })
  })

  it.each<[string, (peer: FramePeer) => void]>([
    ['resets', (peer) => peer.write(reset(1, 2))],
    ['resets with NO_ERROR, which looks like an end', (peer) => peer.write(reset(1, 0))],
    ['resets with CANCEL', (peer) => peer.write(reset(1, 8))],
    ['closes the connection', (peer) => peer.socket.destroy()],
    ['ends the connection', (peer) => peer.socket.end()],
    [
      'says GOAWAY with an error',
      (peer) => peer.write(frame(FRAME.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]))),
    ],
    [
      'sends more than it said',
      (peer) => peer.write(frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(200))),
    ],
    ['sends less than it said', (peer) => peer.write(frame(FRAME.data, FLAG.endStream, 1))],
  ])('%s in mid-answer: the answer is reset', async (_how, fail) => {
    const exchange = new FakeExchange({ method: 'GET' })
    const { peer, result } = await begun(exchange)
    peer.write(
      headers(1, [
        [':status', '200'],
        ['content-length', '100'],
      ]),
      frame(FRAME.data, 0, 1, Buffer.from('half')),
    )
    await exchange.reply.wrote.promise
    fail(peer)
    expect(await result).toEqual({ outcome: 'cut' })
    expect(exchange.reply.wasReset).toBe(true)
    expect(exchange.reply.trailers).toBeUndefined()
  })

  it('ends its answer and then resets with NO_ERROR: the answer is whole', async () => {
    const exchange = new FakeExchange({ body: { flows: true } })
    const { peer, result } = await begun(exchange)
    peer.write(head(1), frame(FRAME.data, FLAG.endStream, 1, Buffer.from('all')), reset(1, 0))
    expect(await result).toEqual({ outcome: 'answered' })
    expect(exchange.reply.text).toBe('all')
  })

  it('says GOAWAY after it took the stream: the answer comes, new requests go elsewhere', async () => {
    const address = await frameReplica()
    const { upstream } = makeUpstream()
    const first = upstream.forward(new FakeExchange(), onward(address))
    const peer = await address.next()
    await peer.find(isHead(1))
    peer.write(
      frame(FRAME.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])),
      frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
    )
    await peer.find(({ type }) => type === FRAME.ping)
    const second = upstream.forward(new FakeExchange(), onward(address))
    const other = await address.next()
    peer.write(head(1, { endStream: true }))
    expect(await first).toEqual({ outcome: 'answered' })
    await other.find(isHead(1))
    other.write(head(1, { endStream: true }))
    expect(await second).toEqual({ outcome: 'answered' })
  })

  it('does not begin to answer in time', async () => {
    const exchange = new FakeExchange()
    const { peer, result, clock } = await begun(exchange, {
      limits: { responseStartTimeoutMs: 1_000, idleTimeoutMs: 0 },
    })
    await clock.advance(1_200)
    await expect(result).rejects.toMatchObject({ code: 'RESPONSE_START_TIMEOUT' })
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_CANCEL)
  })

  it('falls silent in mid-answer', async () => {
    const exchange = new FakeExchange()
    const { peer, result, clock } = await begun(exchange, {
      limits: { responseStartTimeoutMs: 500, idleTimeoutMs: 1_000 },
    })
    peer.write(head(1))
    await exchange.reply.begun.promise
    await clock.advance(900)
    peer.write(frame(FRAME.data, 0, 1, Buffer.from('x')))
    await exchange.reply.wrote.promise
    await clock.advance(900)
    expect(exchange.reply.wasReset).toBe(false)
    await clock.advance(300)
    expect(await result).toEqual({ outcome: 'cut' })
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_CANCEL)
  })
})

describe('a client that goes', () => {
  it('in mid-body cancels the stream, and the replica does not take the half for the whole', async () => {
    const address = await frameReplica()
    const exchange = new FakeExchange({ body: { flows: true } })
    const result = makeUpstream().upstream.forward(exchange, onward(address))
    const peer = await address.next()
    exchange.source.take(Buffer.from('half'))
    await peer.find(({ type }) => type === FRAME.data)
    exchange.abort(new Refusal('CLIENT_GONE'))
    await expect(result).rejects.toMatchObject({ code: 'CLIENT_GONE' })
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_CANCEL)
    expect(peer.hasEnded(1)).toBe(false)
  })

  it('in mid-answer cancels the stream', async () => {
    const address = await frameReplica()
    const exchange = new FakeExchange({ method: 'GET' })
    const result = makeUpstream().upstream.forward(exchange, onward(address))
    const peer = await address.next()
    await peer.find(isHead(1))
    peer.write(head(1), frame(FRAME.data, 0, 1, Buffer.from('half')))
    await exchange.reply.wrote.promise
    exchange.abort(new Refusal('CLIENT_GONE'))
    expect(await result).toEqual({ outcome: 'cut' })
    expect(await peer.resetCode(1)).toBe(constants.NGHTTP2_CANCEL)
  })

  it('before it was sent sends nothing', async () => {
    const address = await replica(() => undefined)
    const exchange = new FakeExchange()
    exchange.abort(new Refusal('CLIENT_GONE'))
    await expect(makeUpstream().upstream.forward(exchange, onward(address))).rejects.toMatchObject({
      code: 'CLIENT_GONE',
    })
    expect(address.sessions()).toBe(0)
  })
})
