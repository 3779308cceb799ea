import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates, type Certificates } from '../../../test/support/certificates.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import type { Exchange } from '../exchange.ts'
import { ListFields, NO_FIELDS } from '../fields.ts'
import { HOP_BY_HOP } from '../pass-on.ts'
import { TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult } from '../upstream.ts'
import { EndOfTurn } from '../end-of-turn.ts'
import { FakeExchange } from './fake-exchange.ts'
import { Http2Listener } from './http2-listener.ts'
import { Http2Upstream } from './http2-upstream.ts'
import { SlabPool } from './session/index.ts'

let dir: string
let certificates: Certificates

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pilotlight-h2-'))
  certificates = makeCertificates(dir)
})

afterAll(() => rmSync(dir, { recursive: true }))

const wheel = new TimerWheel(new ManualClock())
const shared = { wheel, slabs: new SlabPool(), endOfTurn: new EndOfTurn() }

/** A TLS server that agrees on one protocol; `accept` takes its connections. */
async function serve(
  protocol: string,
  handle: (exchange: Exchange) => void,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const { certFile, keyFile } = certificates.server
  const listener = new Http2Listener({
    ...shared,
    date: () => 'Thu, 01 Jan 1970 00:00:00 GMT',
    bounds: {
      headBytesMax: 8_192,
      headersMax: 50,
      headTimeoutMs: 0,
      bodyIdleTimeoutMs: 0,
      keepAliveTimeoutMs: 0,
      requestsPerConnectionMax: 0,
    },
    onRefused: () => undefined,
    handle,
  })
  const options = { cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: [protocol] }
  const server = createServer(options, (socket) => {
    if (socket.alpnProtocol === 'h2') listener.accept(socket, { address: '127.0.0.1', scheme: 'https' })
    else socket.on('error', () => undefined).resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const close = (): void => {
    listener.closeNow()
    server.close()
  }
  return { port: bound.port, close }
}

async function forward(
  port: number,
  exchange: FakeExchange,
  ALPNProtocols: string[],
): Promise<ForwardResult> {
  const upstream = new Http2Upstream({
    ...shared,
    connect: ({ host }) => connect({ host, port, ca: readFileSync(certificates.ca.certFile), ALPNProtocols }),
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 0,
  })
  const result = await upstream.forward(exchange, {
    address: { host: '127.0.0.1', port },
    transport: { protocol: 'h2', tls: true },
    path: '/',
    added: { dropped: HOP_BY_HOP, list: [], text: '' },
    ours: [],
    limits: { responseStartTimeoutMs: 0, idleTimeoutMs: 0 },
    fresh: false,
  })
  upstream.close()
  return result
}

function answer(exchange: Exchange): void {
  const fields = new ListFields(['x-scheme', exchange.peer.scheme])
  exchange.reply.begin({ status: 200, reason: '', fields, listed: undefined, ours: [], length: undefined })
  exchange.reply.write(Buffer.from('over TLS'))
  exchange.reply.end(NO_FIELDS)
}

describe('HTTP/2 over TLS', () => {
  it('is served where ALPN agreed on it', async () => {
    const { port, close } = await serve('h2', answer)
    const client = connectHttp2(`https://localhost:${port}`, { ca: readFileSync(certificates.ca.certFile) })
    const stream = client.request({ ':path': '/' })
    const [fields] = await once(stream, 'response')
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    expect(fields).toMatchObject({ ':status': 200, 'x-scheme': 'https' })
    expect(text).toBe('over TLS')
    client.destroy()
    close()
  })

  it('is spoken to a replica that agrees on it', async () => {
    const { port, close } = await serve('h2', answer)
    const exchange = new FakeExchange({ body: 'x' })
    expect(await forward(port, exchange, ['h2'])).toEqual({ outcome: 'answered' })
    expect(exchange.reply.text).toBe('over TLS')
    close()
  })

  it('to a replica that agrees on something else is unreachable, with the reason', async () => {
    const { port, close } = await serve('http/1.1', answer)
    const result = await forward(port, new FakeExchange({ body: 'x' }), ['h2', 'http/1.1'])
    expect(result).toMatchObject({ outcome: 'unreachable' })
    expect('cause' in result && result.cause.message).toContain('did not agree on h2')
    close()
  })
})
