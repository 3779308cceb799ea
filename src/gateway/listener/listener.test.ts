import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2, createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  makeCertificates,
  type CertificateFiles,
  type Certificates,
} from '../../../test/support/certificates.ts'
import { SystemClock } from '../../core/clock.ts'
import { readConfig } from '../../core/config.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { silentLog } from '../../core/telemetry.ts'
import type { Peer } from '../exchange.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { ConnectionCount } from './connection-count.ts'
import { Listener, type ListenerOptions } from './listener.ts'

/** Ended after each test, the newest first. */
let cleanUp = new AsyncDisposableStack()
let dir: string
let certificates: Certificates
let strangers: Certificates

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'listener-'))
  certificates = makeCertificates(join(dir, 'ours'))
  strangers = makeCertificates(join(dir, 'strangers'), 'Some Other CA')
})

afterAll(() => rm(dir, { recursive: true }))

afterEach(async () => {
  await cleanUp.disposeAsync()
  cleanUp = new AsyncDisposableStack()
})

/** A listener whose HTTP/1.1 connections say what came in and from whom, and whose HTTP/2 is answered by Node. */
async function listening(gateway: object, options: Partial<ListenerOptions> = {}) {
  const told: string[] = []
  const clock = options.clock ?? new SystemClock()
  const wheel = new TimerWheel(clock)
  const http2: Http2Server = createHttp2Server((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => response.end(`http2 ${request.url} ${bytes}`))
  })
  const listener = new Listener({
    config: readConfig({ gateway: { port: 0, ...gateway } }).gateway,
    clock,
    wheel,
    log: silentLog,
    metrics: {
      connectionOpened: (protocol) => void told.push(`opened ${protocol}`),
      connectionClosed: (protocol) => void told.push(`closed ${protocol}`),
      connectionRefused: (reason) => void told.push(`refused ${reason}`),
      requestFinished: ({ status, refusal }) => void told.push(`${status} ${refusal}`),
    },
    onHttp1: (socket, first, peer) => echo(socket, first, peer),
    onHttp2: (socket) => void http2.emit('connection', socket),
    ...options,
  })
  cleanUp.defer(() => listener.close())
  const { port, tlsPort } = await listener.listen()
  return { listener, port, tlsPort: tlsPort ?? 0, told, wheel }
}

function echo(socket: Socket, first: Buffer, peer: Peer): void {
  socket.write(`${peer.scheme} ${peer.address}: ${first.toString()}`)
  socket.on('data', (chunk: Buffer) => socket.write(chunk))
  socket.on('end', () => socket.end())
}

function plain(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  cleanUp.defer(() => void socket.destroy())
  return socket
}

/** What a peer says until it closes, and whether it did so in order. */
async function untilClosed(socket: Socket): Promise<string> {
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await new Promise((resolve) => socket.on('close', resolve))
  return said
}

function nextText(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())))
}

/** Lets the event loop turn until `isTrue`; the test's own time bounds it. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
}

async function http2Get(
  port: number,
  options: { tls?: ConnectionOptions; body?: Buffer } = {},
): Promise<string> {
  const scheme = options.tls === undefined ? 'http' : 'https'
  const session = connectHttp2(`${scheme}://127.0.0.1:${port}`, options.tls)
  session.on('error', () => {})
  cleanUp.defer(() => session.destroy())
  const stream = session.request({ ':path': '/v2', ':method': 'POST' })
  stream.end(options.body)
  let said = ''
  for await (const chunk of stream.setEncoding('utf8')) said += String(chunk)
  session.close()
  return said
}

describe('the plain port', () => {
  it('hands HTTP/1.1 on with its first bytes, and the rest flows', async () => {
    const { port, listener, told } = await listening({})
    const client = plain(port)
    client.write('GET / HTTP/1.1\r\n')
    expect(await nextText(client)).toBe('http 127.0.0.1: GET / HTTP/1.1\r\n')
    expect(listener.connections).toBe(1)
    client.write('Host: a\r\n')
    expect(await nextText(client)).toBe('Host: a\r\n')
    client.end()
    await untilClosed(client)
    await until(() => listener.connections === 0)
    expect(told).toEqual(['opened http/1.1', 'closed http/1.1'])
  })

  it('hands HTTP/2 with prior knowledge on', async () => {
    const { port, listener, told } = await listening({})
    expect(await http2Get(port)).toBe('http2 /v2 0')
    await until(() => listener.connections === 0)
    expect(told).toEqual(['opened h2', 'closed h2'])
  })

  it('hands HTTP/2 on that says more than a whole read at once', async () => {
    const { port } = await listening({})
    expect(await http2Get(port, { body: Buffer.alloc(1_000_000) })).toBe('http2 /v2 1000000')
  })

  it('hands HTTP/2 on that fills a whole read before anyone listens', async () => {
    const { port } = await listening({})
    const frame = (type: number, payload: Buffer): Buffer => {
      const head = Buffer.alloc(9)
      head.writeUIntBE(payload.length, 0, 3)
      head[3] = type
      return Buffer.concat([head, payload])
    }
    const [settings, ping, unknown] = [4, 6, 0x20]
    const client = plain(port)
    let said = ''
    client.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')))
    // 96 KiB in one write: a read takes 64 KiB, as much as a socket holds before it pauses by itself.
    client.write(
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        frame(settings, Buffer.alloc(0)),
        ...Array.from({ length: 6 }, () => frame(unknown, Buffer.alloc(16_384))),
        frame(ping, Buffer.from('12345678')),
      ]),
    )
    await until(() => said.includes('12345678'))
    // And it goes on being read.
    client.write(frame(ping, Buffer.from('abcdefgh')))
    await until(() => said.includes('abcdefgh'))
    expect(client.destroyed).toBe(false)
  })

  it('shows IPv4 clients of a dual-stack port as IPv4', async () => {
    const { port } = await listening({ host: '::' })
    const client = plain(port)
    client.write('x')
    expect(await nextText(client)).toBe('http 127.0.0.1: x')
  })

  it('closes a connection that says nothing', async () => {
    const clock = new ManualClock()
    const { port, listener, wheel, told } = await listening({ headTimeoutMs: 5_000 }, { clock })
    const client = plain(port)
    await until(() => listener.connections === 1)
    await clock.advance(4_900)
    expect(listener.connections).toBe(1)
    await clock.advance(200)
    expect(await untilClosed(client)).toBe('')
    await until(() => listener.connections === 0)
    expect([wheel.size, told]).toEqual([0, []])
  })

  it('waits for ever with headTimeoutMs 0', async () => {
    const clock = new ManualClock()
    const { port, listener, wheel } = await listening({ headTimeoutMs: 0 }, { clock })
    const client = plain(port)
    await until(() => listener.connections === 1)
    await clock.advance(3_600_000)
    expect(wheel.size).toBe(0)
    client.write('x')
    expect(await nextText(client)).toBe('http 127.0.0.1: x')
  })

  it('closes a connection that ends before it says what it is', async () => {
    const { port, listener, wheel } = await listening({})
    const silent = plain(port)
    silent.end()
    const cut = plain(port)
    cut.end('PRI * HT')
    expect(await Promise.all([untilClosed(silent), untilClosed(cut)])).toEqual(['', ''])
    await until(() => listener.connections === 0)
    expect(wheel.size).toBe(0)
  })

  it('leaves no timer behind once a connection is handed on', async () => {
    const { port, wheel } = await listening({})
    const client = plain(port)
    client.write('x')
    await nextText(client)
    expect(wheel.size).toBe(0)
  })
})

describe('bounds', () => {
  it('answers a connection beyond the total with 503, and takes one again when another has gone', async () => {
    const { port, listener, told } = await listening({ connectionsMax: 2 })
    const [first, second] = [plain(port), plain(port)]
    first.write('a')
    second.write('b')
    await Promise.all([nextText(first), nextText(second)])
    told.length = 0
    const third = plain(port)
    third.write('POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n')
    const answer = await untilClosed(third)
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(answer).toContain('\r\nretry-after: 1\r\n')
    expect(answer).toContain('\r\nx-pilotlight-refusal: CONNECTION_LIMIT\r\n')
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual({
      error: 'as many connections as may are already open',
      code: 'CONNECTION_LIMIT',
    })
    expect(told).toEqual(['refused limit', '503 CONNECTION_LIMIT'])
    first.destroy()
    await until(() => listener.connections === 1)
    const fourth = plain(port)
    fourth.write('d')
    expect(await nextText(fourth)).toBe('http 127.0.0.1: d')
  })

  it('reads what the client still sends, so that it gets to read the answer', async () => {
    const { port } = await listening({ connectionsMax: 1 }, { clock: new ManualClock() })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    const second = plain(port)
    const errors: Error[] = []
    second.on('error', (error) => errors.push(error))
    second.write('POST / HTTP/1.1\r\ncontent-length: 8000000\r\n\r\n')
    second.end(Buffer.alloc(8_000_000))
    expect(await untilClosed(second)).toContain('503')
    expect(errors).toEqual([])
  })

  it('counts each address for itself', async () => {
    const { port, told } = await listening({ connectionsPerAddressMax: 1 })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    const second = plain(port)
    second.write('GET / HTTP/1.1\r\n\r\n')
    expect(await untilClosed(second)).toContain('503')
    expect(told).toContain('refused per-address')
    const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    cleanUp.defer(() => void other.destroy())
    other.write('b')
    expect(await nextText(other)).toBe('http 127.0.0.2: b')
  })

  it('just closes what speaks HTTP/2, or says nothing for two seconds', async () => {
    const clock = new ManualClock()
    const { port, told } = await listening({ connectionsMax: 1 }, { clock })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    const second = plain(port)
    second.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(await untilClosed(second)).toBe('')
    const silent = plain(port)
    await until(() => told.filter((each) => each === 'refused limit').length === 2)
    await clock.advance(2_200)
    expect(await untilClosed(silent)).toBe('')
    expect(told).not.toContain('503 CONNECTION_LIMIT')
  })

  it('answers a hundred at one time, and any number one after another', async () => {
    const { port } = await listening({ connectionsMax: 1 }, { clock: new ManualClock() })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    const askedBy = (socket: Socket): Promise<string> => {
      socket.write('GET / HTTP/1.1\r\n\r\n')
      return untilClosed(socket)
    }
    for (let count = 0; count < 150; count++) expect(await askedBy(plain(port))).toContain('503')
    const silent = Array.from({ length: 140 }, () => plain(port))
    await Promise.race(silent.map((socket) => untilClosed(socket)))
    expect(await askedBy(plain(port))).toBe('')
  })

  it('ends a client that reads its refusal and goes on talking', async () => {
    const clock = new ManualClock()
    const { port } = await listening({ connectionsMax: 1 }, { clock })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    const talker = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    talker.on('error', () => {})
    cleanUp.defer(() => void talker.destroy())
    talker.write('POST / HTTP/1.1\r\n\r\n')
    expect(await nextText(talker)).toContain('503')
    await clock.advance(1_900)
    talker.write('still taken')
    await clock.advance(300)
    await until(() => {
      talker.write('more')
      return talker.destroyed
    })
  })

  it('holds for threads that share a count', async () => {
    const cells = ConnectionCount.cells(2)
    const bounds = { connectionsMax: 3, connectionsPerAddressMax: 0 }
    const [one, two] = [new ConnectionCount(bounds, cells, 0), new ConnectionCount(bounds, cells, 1)]
    expect([one.enter('a'), two.enter('a'), two.enter('b')]).toEqual(['entered', 'entered', 'entered'])
    expect([one.enter('a'), two.enter('a')]).toEqual(['limit', 'limit'])
    two.leave('b')
    expect([one.enter('a'), one.enter('a')]).toEqual(['entered', 'limit'])
    // The second thread dies with what it had.
    Atomics.store(cells, 1, 0)
    expect([one.enter('a'), one.enter('a')]).toEqual(['entered', 'limit'])
  })
})

describe('life', () => {
  it('names host and port that cannot be had', async () => {
    const taken = createServer()
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    cleanUp.defer(() => void taken.close())
    const bound = taken.address()
    const port = typeof bound === 'object' ? bound?.port : undefined
    await expect(listening({ port })).rejects.toThrow(
      `gateway: cannot listen on host 127.0.0.1, port ${port}: the port is in use`,
    )
    await expect(listening({ tls: { ...certificates.server, port } })).rejects.toThrow(
      `gateway: cannot listen on host 127.0.0.1, port ${port}: the port is in use`,
    )
    // The plain port was had by then, and is free again.
    const { port: free, listener } = await listening({})
    await listener.close()
    await expect(listening({ port: free, tls: { ...certificates.server, port } })).rejects.toThrow('in use')
    expect((await listening({ port: free })).port).toBe(free)
    await expect(listening({ host: '192.0.2.1' })).rejects.toThrow(
      'gateway: cannot listen on host 192.0.2.1, port 0: EADDRNOTAVAIL',
    )
  })

  it('takes no more connections when told, and goes on with those it has', async () => {
    const { port, listener } = await listening({})
    const client = plain(port)
    client.write('a')
    await nextText(client)
    listener.stopAccepting()
    const [error]: unknown[] = await once(connect({ port, host: '127.0.0.1' }), 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    client.write('b')
    expect(await nextText(client)).toBe('b')
  })

  it('ends everything on close: what was handed on, what has said nothing, what is in a handshake', async () => {
    const { port, tlsPort, listener, told } = await listening({ tls: { ...certificates.server, port: 0 } })
    const talker = plain(port)
    talker.write('a')
    await nextText(talker)
    const others = [plain(port), plain(tlsPort)]
    await until(() => listener.connections === 3)
    await listener.close()
    expect(listener.connections).toBe(0)
    await Promise.all([talker, ...others].map((socket) => untilClosed(socket)))
    expect(told).toEqual(['opened http/1.1', 'closed http/1.1'])
  })

  it('shares a port with others that say so', async () => {
    const one = await listening({}, { reusePort: true })
    const two = await listening({ port: one.port }, { reusePort: true })
    const clients = Array.from({ length: 40 }, () => plain(one.port))
    await until(() => one.listener.connections + two.listener.connections === clients.length)
    expect([one.listener.connections > 0, two.listener.connections > 0]).toEqual([true, true])
  })
})

describe('the TLS port', () => {
  const trust = (options: ConnectionOptions = {}): ConnectionOptions => ({
    host: '127.0.0.1',
    servername: 'localhost',
    ca: readFileSync(certificates.ca.certFile),
    ...options,
  })

  function secure(port: number, options: ConnectionOptions = {}): Socket {
    const socket = connectTls({ ...trust(options), port })
    socket.on('error', () => {})
    cleanUp.defer(() => void socket.destroy())
    return socket
  }

  const shown = ({ certFile, keyFile }: CertificateFiles): ConnectionOptions => ({
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
  })

  /** What the listener says to one that connects so and sends `x`; '' where it says nothing. */
  async function answerTo(port: number, options: ConnectionOptions): Promise<string> {
    const socket = secure(port, options)
    socket.write('x')
    return Promise.race([nextText(socket), untilClosed(socket)]).finally(() => socket.destroy())
  }

  it('takes HTTP/1.1, agreed on or not, and HTTP/2', async () => {
    const { tlsPort, listener, told } = await listening({ tls: { ...certificates.server, port: 0 } })
    expect(await answerTo(tlsPort, {})).toBe('https 127.0.0.1: x')
    expect(await answerTo(tlsPort, { ALPNProtocols: ['http/1.1'] })).toBe('https 127.0.0.1: x')
    expect(await http2Get(tlsPort, { tls: trust() })).toBe('http2 /v2 0')
    await until(() => listener.connections === 0)
    expect(told.toSorted()).toEqual([
      'closed h2',
      'closed http/1.1',
      'closed http/1.1',
      'opened h2',
      'opened http/1.1',
      'opened http/1.1',
    ])
  })

  it('lets a client end its side before it has read the answer', async () => {
    const later: ListenerOptions['onHttp1'] = (socket, first) => {
      socket.resume()
      socket.on('end', () => setImmediate(() => socket.end(`after ${first.toString()}`)))
    }
    const { tlsPort } = await listening({ tls: { ...certificates.server, port: 0 } }, { onHttp1: later })
    const client = secure(tlsPort)
    client.end('x')
    expect(await untilClosed(client)).toBe('after x')
  })

  it('refuses another protocol, plain text, and a TLS that is too old', async () => {
    const { tlsPort, listener, told } = await listening({
      tls: { ...certificates.server, port: 0, minVersion: 'TLSv1.3' },
    })
    expect(await answerTo(tlsPort, { ALPNProtocols: ['spdy/3'] })).toBe('')
    expect(await answerTo(tlsPort, { maxVersion: 'TLSv1.2' })).toBe('')
    const text = plain(tlsPort)
    text.write('GET / HTTP/1.1\r\n\r\n')
    expect(await untilClosed(text)).not.toContain('HTTP')
    await until(() => listener.connections === 0)
    expect(told).toEqual(['refused tls', 'refused tls', 'refused tls'])
    // One that just looks whether the port is open was not refused.
    const probe = plain(tlsPort)
    await once(probe, 'connect')
    probe.destroy()
    await until(() => listener.connections === 0)
    expect(await answerTo(tlsPort, {})).toBe('https 127.0.0.1: x')
    expect(told.filter((each) => each === 'refused tls')).toHaveLength(3)
  })

  it('speaks TLS 1.2 unless told otherwise, and nothing older', async () => {
    const { tlsPort } = await listening({ tls: { ...certificates.server, port: 0 } })
    expect(await answerTo(tlsPort, { maxVersion: 'TLSv1.2' })).toBe('https 127.0.0.1: x')
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    expect(await answerTo(tlsPort, old)).toBe('')
  })

  it('closes a handshake that takes too long, and silence after it', async () => {
    const { tlsPort, listener, told } = await listening({
      headTimeoutMs: 50,
      tls: { ...certificates.server, port: 0 },
    })
    expect(await untilClosed(plain(tlsPort))).toBe('')
    const silent = secure(tlsPort)
    await once(silent, 'secureConnect')
    expect(await untilClosed(silent)).toBe('')
    await until(() => listener.connections === 0)
    expect(told).toEqual(['refused tls'])
  })

  it('closes a connection beyond the limit before the handshake', async () => {
    const { port, tlsPort, told } = await listening({
      connectionsMax: 1,
      tls: { ...certificates.server, port: 0 },
    })
    const first = plain(port)
    first.write('a')
    await nextText(first)
    expect(await answerTo(tlsPort, {})).toBe('')
    expect(told).toEqual(['opened http/1.1', 'refused limit'])
  })

  it.each([
    { clientCertificates: undefined, none: false, ours: true, strange: false },
    { clientCertificates: 'required', none: false, ours: true, strange: false },
    { clientCertificates: 'optional', none: true, ours: true, strange: false },
    { clientCertificates: 'none', none: true, ours: true, strange: true },
  ])('with client certificates $clientCertificates', async ({ clientCertificates, none, ours, strange }) => {
    const clientCaFile = certificates.ca.certFile
    const { tlsPort } = await listening({
      tls: { ...certificates.server, port: 0, clientCaFile, clientCertificates },
    })
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const served = async (options: ConnectionOptions): Promise<boolean> =>
        (await answerTo(tlsPort, { ...options, maxVersion })) !== ''
      expect(await served({}), `${maxVersion}, without`).toBe(none)
      expect(await served(shown(certificates.client)), `${maxVersion}, ours`).toBe(ours)
      expect(await served(shown(strangers.client)), `${maxVersion}, a strange one`).toBe(strange)
    }
  })
})
