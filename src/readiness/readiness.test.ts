import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server } from 'node:net'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeCertificates } from '../../test/support/certificates.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { ask } from './check.ts'
import { checkPauseMs, modelCheck, podPauseMs, Turns, untilAllReady, type Check } from './index.ts'

const never = new AbortController().signal
const host = '127.0.0.1'

/** Listens until it is disposed; connections that are still open are cut then. */
async function listening(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const httpCheck = (port: number, more: Partial<Extract<Check, { kind: 'http' }>> = {}): Check => ({
  kind: 'http',
  scheme: 'HTTP',
  host,
  port,
  path: '/ready',
  headers: [],
  readyInBody: false,
  ...more,
})

describe('pauses', () => {
  it.each([
    ['http', 0, 2],
    ['tcp', 1_000, 10],
    ['http', 10_000, 100],
    ['http', 900_000, 1_000],
    ['exec', 0, 250],
  ] as const)('a %s check of a process after %i ms pauses %i ms', (kind, waitedMs, pauseMs) => {
    expect(checkPauseMs(kind, waitedMs)).toBe(pauseMs)
  })

  it.each([
    [0, 10],
    [1_000, 10],
    [10_000, 100],
    [900_000, 1_000],
  ])('a check of a pod after %i ms pauses %i ms', (waitedMs, pauseMs) => {
    expect(podPauseMs('http', waitedMs)).toBe(pauseMs)
  })
})

describe('ask', () => {
  it.each([
    [200, undefined],
    [302, undefined],
    [404, 'GET /ready: status 404'],
    [503, 'GET /ready: status 503'],
  ])('takes status %i over HTTP as %s', async (status, no) => {
    await using server = await listening(
      createServer((_request, response) => response.writeHead(status).end()),
    )
    expect(await ask(httpCheck(server.port), never)).toBe(no)
  })

  it('sends the headers of the probe, and believes any certificate', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'readiness-'))
    const { certFile, keyFile } = makeCertificates(dir).server
    const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
    rmSync(dir, { recursive: true })
    const answer: RequestListener = ({ headers }, response) =>
      response.writeHead(headers['x-probe'] === 'yes' && headers.host === 'iris' ? 200 : 400).end()
    await using server = await listening(createHttpsServer(tls, answer))
    const headers = [
      { name: 'X-Probe', value: 'yes' },
      { name: 'Host', value: 'iris' },
    ]
    expect(await ask(httpCheck(server.port, { scheme: 'HTTPS', headers }), never)).toBeUndefined()
    expect(await ask(httpCheck(server.port, { scheme: 'HTTPS' }), never)).toBe('GET /ready: status 400')
  })

  it('asks the host that it is told', async () => {
    await using server = await listening(createTcpServer((socket) => socket.end()))
    expect(await ask({ kind: 'tcp', host: 'localhost', port: server.port }, never)).toBeUndefined()
  })

  it('says when nobody listens', async () => {
    const server = await listening(createTcpServer())
    await server[Symbol.asyncDispose]()
    const no = `nothing listens on port ${server.port} yet`
    expect(await ask({ kind: 'tcp', host, port: server.port }, never)).toBe(no)
  })
})

describe('the health service of gRPC', () => {
  /** Answers with a ServingStatus; 0 is not written, as in every protobuf message. */
  const health = (statusOf: (request: Buffer) => number) => (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const status = statusOf(Buffer.concat(chunks))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.from(status === 0 ? [0, 0, 0, 0, 0] : [0, 0, 0, 0, 2, 8, status]))
    })
  }
  const check = (port: number, service = ''): Check => ({ kind: 'grpc', host, port, service })
  const METHOD = '/grpc.health.v1.Health/Check'

  it.each([
    [1, undefined],
    [0, `${METHOD}: UNKNOWN`],
    [2, `${METHOD}: NOT_SERVING`],
    [3, `${METHOD}: SERVICE_UNKNOWN`],
    [7, `${METHOD}: 7`],
  ])('takes status %i as %s', async (status, no) => {
    await using server = await listening(
      createHttp2Server().on(
        'stream',
        health(() => status),
      ),
    )
    expect(await ask(check(server.port), never)).toBe(no)
  })

  it.each(['', 'iris', 'x'.repeat(300)])('asks for the service "%s"', async (service) => {
    let seen: Buffer | undefined
    const server = createHttp2Server().on(
      'stream',
      health((request) => {
        seen = request
        return 1
      }),
    )
    await using at = await listening(server)
    expect(await ask(check(at.port, service), never)).toBeUndefined()
    // Field 1, length as a varint, text: protobuf by hand.
    const length =
      service.length < 128 ? [service.length] : [(service.length & 127) | 128, service.length >> 7]
    const message = service === '' ? '' : `${String.fromCharCode(10, ...length)}${service}`
    expect(seen?.subarray(5).toString('latin1')).toBe(message)
    expect(seen?.readUInt32BE(1)).toBe(message.length)
  })

  it('reads the status of an answer without a message', async () => {
    const server = createHttp2Server().on('stream', (stream: ServerHttp2Stream) =>
      stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }),
    )
    await using at = await listening(server)
    expect(await ask(check(at.port), never)).toBe(`${METHOD}: grpc-status 12`)
  })

  it('gives up with its signal when there is no answer', async () => {
    const arrived = Promise.withResolvers<void>()
    await using server = await listening(createHttp2Server().on('stream', () => arrived.resolve()))
    const stop = new AbortController()
    const answer = ask(check(server.port), stop.signal)
    await arrived.promise
    stop.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
  })

  it('rejects where something else than HTTP/2 is spoken', async () => {
    await using server = await listening(createTcpServer((socket) => socket.end('220 mail\r\n')))
    await expect(ask(check(server.port), never)).rejects.toThrow('Protocol error')
  })
})

describe('untilAllReady', () => {
  /** Lets sockets and the clock go on by turns, until `done` settles. */
  async function running(clock: ManualClock, done: Promise<unknown>): Promise<void> {
    const settled = done.then(() => true)
    const nextTurn = (): Promise<false> => new Promise((resolve) => setImmediate(() => resolve(false)))
    for (let over = false; !over; over = await Promise.race([settled, nextTurn()])) await clock.advance(1)
  }
  const options = (clock: ManualClock, noes: string[]) => ({
    probe: undefined,
    clock,
    pauseMs: podPauseMs,
    onNo: (no: string) => noes.push(no),
  })

  it('believes the answer of V1, not its status, and asks until it is yes', async () => {
    const answers = ['{"ready": false}', '{"ready": false}', '{"name": "m", "ready": true}']
    await using server = await listening(createServer((_request, response) => response.end(answers.shift())))
    const clock = new ManualClock()
    const noes: string[] = []
    const check = modelCheck({ modelName: 'm', protocol: 'v1' }, { host, port: server.port })
    await running(clock, untilAllReady([check], options(clock, noes), never))
    expect(noes).toEqual(Array(2).fill('GET /v1/models/m: "ready" is false'))
    expect(answers).toEqual([])
  })

  it('wants as many yeses in a row as the probe says', async () => {
    const statuses = [200, 503, 200, 200, 200]
    const server = createServer((_request, response) => response.writeHead(statuses.shift() ?? 500).end())
    await using at = await listening(server)
    const clock = new ManualClock()
    const noes: string[] = []
    const probe = { successThreshold: 3 }
    await running(clock, untilAllReady([httpCheck(at.port)], { ...options(clock, noes), probe }, never))
    expect(noes).toEqual(['GET /ready: status 503'])
    expect(statuses).toEqual([])
  })

  it('takes no answer within the timeout as a no, and asks again', async () => {
    let asked = 0
    const secondAsked = Promise.withResolvers<void>()
    const firstAsked = Promise.withResolvers<void>()
    const server = createServer((_request, response) => {
      asked += 1
      if (asked === 1) firstAsked.resolve()
      else {
        response.end()
        secondAsked.resolve()
      }
    })
    await using at = await listening(server)
    const clock = new ManualClock()
    const noes: string[] = []
    const probe = { timeoutSeconds: 3 }
    const done = untilAllReady([httpCheck(at.port)], { ...options(clock, noes), probe }, never)
    await firstAsked.promise
    await clock.advance(2_999)
    expect(noes).toEqual([])
    await clock.advance(1)
    expect(noes).toEqual(['no answer within 3 s'])
    await clock.advance(30)
    await secondAsked.promise
    await done
  })

  it('asks the next check once the one before has said yes', async () => {
    const server = await listening(createTcpServer())
    await using other = await listening(createTcpServer((socket) => socket.end()))
    await server[Symbol.asyncDispose]()
    const clock = new ManualClock()
    const refused = Promise.withResolvers<string>()
    const stop = new AbortController()
    const checks: Check[] = [
      { kind: 'tcp', host, port: other.port },
      { kind: 'tcp', host, port: server.port },
    ]
    const done = untilAllReady(checks, { ...options(clock, []), onNo: refused.resolve }, stop.signal)
    expect(await refused.promise).toContain(`port ${server.port}`)
    stop.abort(new Error('enough'))
    await expect(done).rejects.toThrow('enough')
  })
})

describe('Turns', () => {
  it('lets so many go at a time, the rest in their order, without those who gave up', async () => {
    const turns = new Turns(1)
    const order: string[] = []
    const stop = new AbortController()
    const first = await turns.take(never)
    const later = ['a', 'b', 'c'].map(async (name) => {
      using _turn = await turns.take(name === 'b' ? stop.signal : never)
      order.push(name)
    })
    stop.abort(new Error('enough'))
    await expect(later[1]).rejects.toThrow('enough')
    expect(order).toEqual([])
    first[Symbol.dispose]()
    await Promise.all([later[0], later[2]])
    expect(order).toEqual(['a', 'c'])
    using _free = await turns.take(never)
  })
})
