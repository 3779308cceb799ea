import { once } from 'node:events'
import {
  connect as connectHttp2,
  createServer,
  type ClientHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { Refusal } from '../../core/refusals.ts'
import { HOP_BY_HOP } from '../pass-on.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { EndOfTurn } from '../end-of-turn.ts'
import { listen } from './fake-peer.ts'
import { Http2Listener } from './http2-listener.ts'
import { Http2Upstream } from './http2-upstream.ts'
import { SlabPool } from './session/index.ts'

/** gRPC calls of all forms: a client, the listener and the upstream as they are, a replica. */

const open: (() => void)[] = []

afterEach(() => {
  for (const close of open.splice(0).toReversed()) close()
})

/** A length-prefixed message. */
function message(text: string): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(Buffer.byteLength(text), 1)
  return Buffer.concat([head, Buffer.from(text)])
}

/** Tells of each message of a stream. */
function onMessage(stream: NodeJS.ReadableStream, take: (text: string) => void): void {
  let bytes = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
      const end = 5 + bytes.readUInt32BE(1)
      take(bytes.subarray(5, end).toString())
      bytes = bytes.subarray(end)
    }
  })
}

class Call {
  readonly stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  }

  end(status: number): void {
    this.stream.on('wantTrailers', () => this.stream.sendTrailers({ 'grpc-status': String(status) }))
    this.stream.end()
  }
}

/** A client of a gateway before a replica that serves calls so. */
async function through(serve: (stream: ServerHttp2Stream) => void): Promise<ClientHttp2Session> {
  const replica = createServer().listen(0, '127.0.0.1')
  await once(replica, 'listening')
  replica.on('session', (session) => {
    open.push(() => session.destroy())
    session.on('stream', (stream) => {
      stream.on('error', () => undefined)
      serve(stream)
    })
  })
  open.push(() => replica.close())
  const bound = replica.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const wheel = new TimerWheel(new ManualClock())
  const shared = { wheel, slabs: new SlabPool(), endOfTurn: new EndOfTurn() }
  const upstream = new Http2Upstream({
    ...shared,
    connect: ({ host, port }) => connect({ host, port, noDelay: true }),
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 0,
  })
  const listener = new Http2Listener({
    ...shared,
    date: () => 'Thu, 01 Jan 1970 00:00:00 GMT',
    bounds: {
      headBytesMax: 8_192,
      headersMax: 50,
      headTimeoutMs: 0,
      bodyIdleTimeoutMs: 60_000,
      keepAliveTimeoutMs: 0,
      requestsPerConnectionMax: 0,
    },
    onRefused: () => undefined,
    handle: async (exchange) => {
      try {
        const result = await upstream.forward(exchange, {
          address: { host: '127.0.0.1', port: bound.port },
          transport: { protocol: 'h2', tls: false },
          path: exchange.head.path,
          added: { dropped: HOP_BY_HOP, list: [], text: '' },
          ours: ['x-request-id', 'r1'],
          limits: { responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
          fresh: false,
        })
        if (result.outcome !== 'answered' && result.outcome !== 'cut')
          exchange.reply.refuse(new Refusal('UPSTREAM_RESET', { cause: result.cause }), [])
      } catch (error) {
        if (error instanceof Refusal) exchange.reply.refuse(error, [])
      }
    },
  })
  const { port, close } = await listen((socket) =>
    listener.accept(socket, { address: '127.0.0.1', scheme: 'http' }),
  )
  open.push(
    close,
    () => listener.closeNow(),
    () => upstream.close(),
  )
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  client.on('error', () => undefined)
  open.push(() => client.destroy())
  return client
}

function call(client: ClientHttp2Session) {
  const stream = client.request({
    ':method': 'POST',
    ':path': '/a.B/C',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.on('error', () => undefined)
  const got: string[] = []
  onMessage(stream, (text) => got.push(text))
  const over = new Promise<{ got: string[]; status: unknown; rst: number | undefined }>((resolve) => {
    let status: unknown
    stream.on('response', (fields) => (status = fields['grpc-status']))
    stream.on('trailers', (fields) => (status = fields['grpc-status']))
    stream.on('close', () => resolve({ got, status, rst: stream.rstCode }))
  })
  return { stream, got, over }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a gRPC call', () => {
  it('unary', async () => {
    const client = await through((stream) =>
      onMessage(stream, (text) => {
        const answer = new Call(stream)
        stream.write(message(`re: ${text}`))
        answer.end(0)
      }),
    )
    const calls = Array.from({ length: 100 }, (_, at) => {
      const { stream, over } = call(client)
      stream.end(message(String(at)))
      return over
    })
    const all = await Promise.all(calls)
    expect(all).toEqual(Array.from({ length: 100 }, (_, at) => ({ got: [`re: ${at}`], status: '0', rst: 0 })))
  })

  it('with a stream of answers', async () => {
    const client = await through((stream) =>
      onMessage(stream, () => {
        const answer = new Call(stream)
        for (let at = 0; at < 1_000; at++) stream.write(message(`${at}`.padEnd(500)))
        answer.end(0)
      }),
    )
    const { stream, over } = call(client)
    stream.end(message('go'))
    const { got, status } = await over
    expect([got.length, got.at(-1)?.trim(), status]).toEqual([1_000, '999', '0'])
  })

  it('with a stream of questions', async () => {
    const client = await through((stream) => {
      let count = 0
      onMessage(stream, () => (count += 1))
      stream.on('end', () => {
        const answer = new Call(stream)
        stream.write(message(String(count)))
        answer.end(0)
      })
    })
    const { stream, over } = call(client)
    for (let at = 0; at < 1_000; at++) stream.write(message('x'.repeat(500)))
    stream.end()
    expect(await over).toMatchObject({ got: ['1000'], status: '0' })
  })

  it('with streams both ways, where one half ends before the other', async () => {
    const client = await through((stream) => {
      const answer = new Call(stream)
      onMessage(stream, (text) => stream.write(message(`re: ${text}`)))
      stream.on('end', () => {
        stream.write(message('after the end'))
        answer.end(0)
      })
    })
    const { stream, got, over } = call(client)
    for (const text of ['1', '2']) {
      stream.write(message(text))
      await until(() => got.includes(`re: ${text}`))
    }
    stream.end()
    expect(await over).toMatchObject({ got: ['re: 1', 're: 2', 'after the end'], status: '0' })
  })

  it('that is refused by the replica with a head only', async () => {
    const client = await through((stream) =>
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
        { endStream: true },
      ),
    )
    const { stream, over } = call(client)
    stream.write(message('x'))
    expect(await over).toMatchObject({ got: [], status: '5' })
  })

  it('whose replica breaks off has no status', async () => {
    const client = await through((stream) => {
      new Call(stream).stream.write(message('half'), () => stream.destroy(new Error('broken')))
    })
    const { stream, over } = call(client)
    stream.write(message('x'))
    expect(await over).toEqual({ got: ['half'], status: undefined, rst: 2 })
  })

  it('whose replica is reset before it answers is told so as a status', async () => {
    const client = await through((stream) => stream.destroy(new Error('broken')))
    const { stream, over } = call(client)
    stream.write(message('x'))
    expect(await over).toMatchObject({ got: [], status: '14' })
  })

  it('that its client cancels is cancelled at the replica', async () => {
    const cancelled = Promise.withResolvers<number | undefined>()
    const client = await through((stream) => {
      new Call(stream).stream.write(message('first'))
      stream.on('close', () => cancelled.resolve(stream.rstCode))
    })
    const { stream, got } = call(client)
    stream.write(message('x'))
    await until(() => got.length === 1)
    stream.close(8)
    expect(await cancelled.promise).toBe(8)
  })
})
