import { once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { EndOfTurn } from '../../end-of-turn.ts'
import { CODE } from './errors.ts'
import type { SessionHooks, SessionOptions } from './options.ts'
import { Http2Session } from './session.ts'
import { SlabPool } from './slabs.ts'
import type { Http2Stream, StreamOwner } from './stream.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0).toReversed()) stop()
})

const slabs = new SlabPool()
const endOfTurn = new EndOfTurn()

function sessionOn(
  socket: net.Socket,
  options: Partial<SessionOptions> & Pick<SessionOptions, 'role'>,
): Http2Session {
  stops.push(() => socket.destroy())
  return new Http2Session(socket, {
    slabs,
    endOfTurn,
    nowMs: () => 0,
    hooks: { onClose: () => undefined },
    ...options,
  })
}

/** A server on this layer. */
async function ourServer(
  hooks: Partial<SessionHooks>,
  options: Partial<SessionOptions> = {},
): Promise<{ port: number; sessions: Http2Session[] }> {
  const sessions: Http2Session[] = []
  const server = net.createServer({ noDelay: true }, (socket) => {
    sessions.push(
      sessionOn(socket, { role: 'server', ...options, hooks: { onClose: () => undefined, ...hooks } }),
    )
  })
  stops.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: portOf(server), sessions }
}

async function nodeServer(
  handle: (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
): Promise<number> {
  const server = http2.createServer({ settings })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session.on('error', () => undefined)))
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    handle(stream, headers)
  })
  stops.push(() => {
    server.close()
    for (const session of sessions) session.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return portOf(server)
}

function portOf(server: { address(): string | AddressInfo | null }): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function nodeClient(port: number, settings: http2.Settings = {}): ClientHttp2Session {
  const client = http2.connect(`http://127.0.0.1:${port}`, { settings }).on('error', () => undefined)
  stops.push(() => client.destroy())
  return client
}

function ourClient(port: number, options: Partial<SessionOptions> = {}): Http2Session {
  return sessionOn(net.connect({ port, host: '127.0.0.1', noDelay: true }), { role: 'client', ...options })
}

const GET = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'iris.test']
const POST = [':method', 'POST', ...GET.slice(2)]

/** Sends back what comes, as fast as it is taken: heads, data, trailers. */
class Echo implements StreamOwner {
  /** Where to. */
  readonly #to: Http2Stream
  readonly #from: () => Http2Stream
  #owed = 0
  resets: number[] = []

  constructor(from: () => Http2Stream, to: Http2Stream) {
    this.#from = from
    this.#to = to
  }

  onHeaders(fields: string[], endStream: boolean): void {
    this.#to.sendHeaders(fields, endStream)
  }

  onData(chunk: Buffer, endStream: boolean): void {
    if (this.#to.sendData(chunk, endStream)) this.#from().consumed(chunk.length)
    else this.#owed += chunk.length
  }

  onTrailers(fields: string[]): void {
    this.#to.sendHeaders(fields, true)
  }

  onTurnEnd(): void {}

  onReset(code: number): void {
    this.#to.reset(code)
  }

  /** Told by the other stream. */
  onWritable(): void {
    this.#from().consumed(this.#owed)
    this.#owed = 0
  }
}

const echo: Partial<SessionHooks> = {
  onStream(stream, _fields, endStream) {
    stream.owner = new Echo(() => stream, stream)
    stream.sendHeaders([':status', '200', 'x', 'y'], endStream)
  },
}

/** All of an answer. */
class Answer implements StreamOwner {
  stream: Http2Stream | undefined
  readonly heads: string[][] = []
  readonly #chunks: Buffer[] = []
  trailers: string[] = []
  readonly #ended = Promise.withResolvers<Buffer>()
  readonly #reset = Promise.withResolvers<number>()
  /** Called when the stream can take more. */
  more: () => void = () => undefined

  /** The body, when it is whole. */
  get body(): Promise<Buffer> {
    return this.#ended.promise
  }

  get reset(): Promise<number> {
    return this.#reset.promise
  }

  onHeaders(fields: string[], endStream: boolean): void {
    this.heads.push(fields)
    if (endStream) this.#end()
  }

  onData(chunk: Buffer, endStream: boolean): void {
    this.#chunks.push(chunk)
    this.stream?.consumed(chunk.length)
    if (endStream) this.#end()
  }

  onTrailers(fields: string[]): void {
    this.trailers = fields
    this.#end()
  }

  onTurnEnd(): void {}

  onReset(code: number): void {
    this.#reset.resolve(code)
  }

  onWritable(): void {
    this.more()
  }

  #end(): void {
    this.#ended.resolve(Buffer.concat(this.#chunks))
  }
}

function ask(session: Http2Session, fields: readonly string[], endStream: boolean): Answer {
  const answer = new Answer()
  answer.stream = session.open(fields, endStream, answer)
  return answer
}

async function answerOf(
  stream: ClientHttp2Stream,
): Promise<{ status: unknown; body: Buffer; trailers: unknown }> {
  const trailers = new Promise<unknown>((resolve) => {
    stream.once('trailers', resolve).once('close', () => resolve(undefined))
  })
  const status = new Promise<unknown>((resolve) => {
    stream.once('response', (headers) => resolve(headers[':status']))
  })
  const body = await buffer(stream)
  return { status: await status, body, trailers: await trailers }
}

/** Bytes that show where they are. */
function pattern(bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes)
  for (let at = 0; at < bytes; at++) body[at] = (at * 31 + (at >>> 8)) & 0xff
  return body
}

test('node as client: a call with trailers both ways', async () => {
  const { port } = await ourServer(echo)
  const stream = nodeClient(port).request({ ':method': 'POST' }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  const answer = answerOf(stream)
  stream.end('hello')
  const { status, body, trailers } = await answer
  expect({ status, body: body.toString() }).toEqual({ status: 200, body: 'hello' })
  expect(trailers).toMatchObject({ 'grpc-status': '0' })
})

test('node as client: a 1xx, and an answer of a head only', async () => {
  const { port } = await ourServer({
    onStream(stream) {
      stream.sendHeaders([':status', '103', 'link', 'x'], false)
      stream.sendHeaders([':status', '204'], true)
    },
  })
  const stream = nodeClient(port).request({})
  const informed = once(stream, 'headers')
  const answer = answerOf(stream)
  expect((await informed)[0]).toMatchObject({ ':status': 103, link: 'x' })
  expect(await answer).toMatchObject({ status: 204, body: Buffer.alloc(0) })
})

test.each([
  ['with windows of the usual size', {}],
  ['with small windows', { initialWindowSize: 1_000 }],
  ['with large windows', { initialWindowSize: 4_000_000, maxFrameSize: 1_000_000 }],
])(
  'node as client: 8 bodies of 1 MB go both ways at once %s',
  async (_what, settings) => {
    const { port, sessions } = await ourServer(echo)
    const client = nodeClient(port, settings)
    const body = pattern(1_000_000)
    const answers = Array.from({ length: 8 }, () => {
      const stream = client.request({ ':method': 'POST' })
      stream.end(body)
      return answerOf(stream)
    })
    for (const { body: back } of await Promise.all(answers)) expect(back.equals(body)).toBe(true)
    expect(sessions[0]!.size).toBe(0)
  },
  20_000,
)

test('node as client: a body that nobody consumes stops at the window', async () => {
  let bytes = 0
  const { promise: full, resolve } = Promise.withResolvers<void>()
  const { port } = await ourServer({
    onStream(stream) {
      const owner = new Answer()
      owner.onData = (chunk) => {
        bytes += chunk.length
        if (bytes === 65_535) resolve()
      }
      stream.owner = owner
    },
  })
  const client = nodeClient(port)
  const stream = client.request({ ':method': 'POST' })
  stream.on('error', () => undefined).end(Buffer.alloc(1_000_000))
  await full
  // A PING that goes there and back overtakes nothing.
  await new Promise((pong) => client.ping(pong))
  expect(bytes).toBe(65_535)
})

test('node as client: resets both ways', async () => {
  const told = Promise.withResolvers<number>()
  const { port } = await ourServer({
    onStream(stream, fields) {
      const answer = new Answer()
      stream.owner = answer
      if (fields.includes('/theirs')) told.resolve(answer.reset)
      stream.sendHeaders([':status', '200'], false)
      if (fields.includes('/ours')) stream.reset(CODE.internal)
    },
  })
  const client = nodeClient(port)
  const theirs = client.request({ ':path': '/theirs' })
  await once(theirs, 'response')
  theirs.close(CODE.cancel)
  expect(await told.promise).toBe(CODE.cancel)
  const ours = client.request({ ':path': '/ours' })
  const [error] = await once(ours, 'error')
  expect(error).toMatchObject({ message: expect.stringContaining('NGHTTP2_INTERNAL_ERROR') })
})

test('node as client: a drain lets a stream go on, and closes after it', async () => {
  const arrived = Promise.withResolvers<Http2Stream>()
  const { port, sessions } = await ourServer({ onStream: arrived.resolve })
  const client = nodeClient(port)
  const stream = client.request({})
  const answer = answerOf(stream)
  await arrived.promise
  const gone = once(client, 'goaway')
  sessions[0]!.drain()
  await gone
  const closed = once(client, 'close')
  const late = await arrived.promise
  late.sendHeaders([':status', '200'], false)
  late.sendData(Buffer.from('late'), true)
  expect(await answer).toMatchObject({ status: 200, body: Buffer.from('late') })
  await closed
})

test('node as server: a call with trailers both ways', async () => {
  const port = await nodeServer((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    let asked: http2.IncomingHttpHeaders = {}
    stream.on('trailers', (trailers) => (asked = trailers))
    stream.on('wantTrailers', () => stream.sendTrailers({ said: String(asked['grpc-timeout']) }))
    stream.pipe(stream)
  })
  const answer = ask(ourClient(port), POST, false)
  answer.stream!.sendData(Buffer.from('hello'), false)
  answer.stream!.sendHeaders(['grpc-timeout', '1S'], true)
  expect((await answer.body).toString()).toBe('hello')
  expect(answer.heads[0]!.slice(0, 2)).toEqual([':status', '200'])
  expect(answer.trailers).toEqual(['said', '1S'])
})

test('node as server: a 1xx comes before the answer', async () => {
  const port = await nodeServer((stream) => {
    stream.additionalHeaders({ ':status': 103, link: 'x' })
    stream.respond({ ':status': 204 }, { endStream: true })
  })
  const answer = ask(ourClient(port), GET, true)
  await answer.body
  expect(answer.heads.map((fields) => fields[1])).toEqual(['103', '204'])
})

test.each([
  ['with windows of the usual size', {}],
  ['with small windows', { initialWindowSize: 1_000 }],
])(
  'node as server: 8 bodies of 1 MB go both ways at once %s',
  async (_what, settings) => {
    const port = await nodeServer((stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    }, settings)
    const client = ourClient(port)
    const body = pattern(1_000_000)
    const answers = Array.from({ length: 8 }, () => {
      const answer = ask(client, POST, false)
      // In pieces, each when the one before has left.
      let at = 0
      answer.more = () => {
        while (at < body.length) {
          const end = Math.min(at + 100_000, body.length)
          const takesMore = answer.stream!.sendData(body.subarray(at, end), end === body.length)
          at = end
          if (!takesMore) return
        }
      }
      answer.more()
      return answer.body
    })
    for (const back of await Promise.all(answers)) expect(back.equals(body)).toBe(true)
  },
  20_000,
)

test('node as server: streams are opened again and again, as many as it allows', async () => {
  const port = await nodeServer((stream) => stream.respond({ ':status': 204 }, { endStream: true }), {
    maxConcurrentStreams: 3,
  })
  const { promise: agreed, resolve } = Promise.withResolvers<void>()
  const client = ourClient(port, { hooks: { onSettings: () => resolve(), onClose: () => undefined } })
  await agreed
  expect(client.streamsMax).toBe(3)
  for (let round = 0; round < 100; round++) {
    const answers = [1, 2, 3].map(() => ask(client, GET, true))
    expect(client.open(GET, true, new Answer())).toBeUndefined()
    await Promise.all(answers.map(({ body }) => body))
  }
  expect(client.size).toBe(0)
})

test('node as server: what it refuses and what it resets is told apart', async () => {
  const port = await nodeServer((stream, headers) => stream.close(Number(headers['x-code'])))
  const client = ourClient(port)
  const codes = [CODE.refusedStream, CODE.internal, CODE.noError]
  const answers = codes.map((code) => ask(client, [...POST, 'x-code', `${code}`], false))
  expect(await Promise.all(answers.map(({ reset }) => reset))).toEqual(codes)
})

test('node as server: GOAWAY ends the opening of streams, and the session after the last', async () => {
  const streams: ServerHttp2Stream[] = []
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const port = await nodeServer((stream) => {
    streams.push(stream)
    resolve()
  })
  const gone = Promise.withResolvers<number>()
  const closed = Promise.withResolvers<Error | undefined>()
  const client = ourClient(port, { hooks: { onGoaway: gone.resolve, onClose: closed.resolve } })
  const answer = ask(client, GET, true)
  await asked
  streams[0]!.session!.close()
  expect(await gone.promise).toBe(CODE.noError)
  expect(client.hasRoom).toBe(false)
  expect(client.open(GET, true, new Answer())).toBeUndefined()
  streams[0]!.respond({ ':status': 200 })
  streams[0]!.end('late')
  expect((await answer.body).toString()).toBe('late')
  expect(await closed.promise).toBeUndefined()
})

test('node as server: a PING comes back', async () => {
  const port = await nodeServer(() => undefined)
  const client = ourClient(port)
  await new Promise<void>((pong) => {
    expect(client.sendPing(pong)).toBe(true)
  })
})

test('a client whose connection is refused tells its streams that they were not looked at', async () => {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  const closed = Promise.withResolvers<Error | undefined>()
  const answer = ask(ourClient(port, { hooks: { onClose: closed.resolve } }), GET, true)
  expect(await answer.reset).toBe(CODE.refusedStream)
  expect(await closed.promise).toMatchObject({ code: 'ECONNREFUSED' })
})

test('both sides are ours: a proxy passes calls, bodies and resets', async () => {
  const last = await ourServer({
    onStream(stream, fields, endStream) {
      if (fields.includes('/reset')) return stream.reset(CODE.refusedStream)
      echo.onStream!(stream, fields, endStream)
    },
  })
  const onward = ourClient(last.port, { streamsMax: 100 })
  const proxy = await ourServer({
    onStream(stream, fields, endStream) {
      const back = new Echo(() => forward, stream)
      const forward: Http2Stream = onward.open(fields, endStream, back)!
      stream.owner = new Echo(() => stream, forward)
      // Who can be written to is who the other was told to wait for.
      const toReplica = stream.owner
      const ownWritable = back.onWritable.bind(back)
      back.onWritable = toReplica.onWritable.bind(toReplica)
      toReplica.onWritable = ownWritable
    },
  })
  const client = ourClient(proxy.port)
  const body = pattern(1_000_000)
  const answers = Array.from({ length: 10 }, () => {
    const answer = ask(client, POST, false)
    answer.stream!.sendData(body, false)
    answer.stream!.sendHeaders(['a', 'b'], true)
    return answer
  })
  const reset = ask(client, [':method', 'GET', ':scheme', 'http', ':path', '/reset', ':authority', 'a'], true)
  expect(await reset.reset).toBe(CODE.refusedStream)
  for (const answer of answers) {
    expect((await answer.body).equals(body)).toBe(true)
    expect(answer.trailers).toEqual(['a', 'b'])
  }
  expect([client.size, onward.size, proxy.sessions[0]!.size, last.sessions[0]!.size]).toEqual([0, 0, 0, 0])
})
