import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { freePort } from '../../bench/free-port.ts'
import { makeCertificates, type Certificates } from '../support/certificates.ts'
import { countOf, curl, curlWith, HOST, nothingInFlight, python, sha256, upWithCanary } from './echo.ts'
import type { Running } from './harness.ts'

interface Digest {
  readonly bytes: number
  readonly sha256: string
}

const MB = 1_000_000

describe('clients of HTTP/2 and TLS, through a canary of one half', () => {
  let running: Running
  let dir: string
  let certificates: Certificates
  let tlsPort: number
  let url: string
  let tlsUrl: string
  /** What every curl over TLS needs: our CA, and where the name is. */
  let secure: string[]

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'pilotlight-tls-'))
    certificates = makeCertificates(dir)
    const server = certificates.issue('gateway', { names: `DNS:${HOST}, DNS:localhost, IP:127.0.0.1` })
    tlsPort = await freePort()
    running = await upWithCanary(
      `gateway: {tls: {port: ${tlsPort}, certFile: ${JSON.stringify(server.certFile)}, keyFile: ${JSON.stringify(server.keyFile)}}}\n`,
    )
    url = `http://${HOST}:${running.gateway.port}`
    tlsUrl = `https://${HOST}:${tlsPort}`
    secure = ['--cacert', certificates.ca.certFile]
  })
  afterAll(async () => {
    await running[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  describe.each([
    ['HTTP/2 with prior knowledge', () => ['--http2-prior-knowledge'], () => url, '2'],
    ['HTTP/2 over TLS', () => ['--http2', ...secure], () => tlsUrl, '2'],
    ['HTTP/1.1 over TLS', () => ['--http1.1', ...secure], () => tlsUrl, '1.1'],
    ['TLS 1.2', () => ['--tls-max', '1.2', ...secure], () => tlsUrl, '2'],
  ])('curl in %s', (name, options, base, version) => {
    it('uses one connection for many requests, and reaches both versions', async () => {
      const urls = Array.from({ length: 10 }, () => `${base()}/v`)
      const format = '\n%{num_connects} %{http_version} %header{x-version}\n'
      // curl before 8.0 fails the second request of a connection with prior knowledge, whoever answers.
      const runs = name.includes('prior knowledge') ? urls.map((one) => [one]) : [urls]
      let out = ''
      for (const of of runs) out += await curl(...options(), '-w', format, ...of)
      const lines = out.split('\n').filter((line) => /^\d /.test(line))
      expect(lines.reduce((sum, line) => sum + Number(line[0]), 0)).toBe(runs.length)
      expect(countOf(lines.map((line) => line.slice(2)))).toEqual({
        [`${version} v1`]: 5,
        [`${version} v2`]: 5,
      })
    })

    it('uploads what has a length and what has none', async () => {
      const bytes = randomBytes(20 * MB)
      const file = join(dir, 'upload.bin')
      writeFileSync(file, bytes)
      const whole = { bytes: bytes.length, sha256: sha256(bytes) }
      const sized = await curl(...options(), '--data-binary', `@${file}`, `${base()}/digest`)
      expect(JSON.parse(sized) as Digest).toMatchObject(whole)
      const streamed = await curlWith(bytes, ...options(), '-T', '-', '-X', 'POST', `${base()}/digest`)
      expect(JSON.parse(streamed) as Digest).toMatchObject(whole)
    })

    it('reads events, a large body, and a refusal', async () => {
      const events = await curl(...options(), `${base()}/events?count=100`)
      expect(events.match(/^data: \d+$/gm)).toHaveLength(100)
      const format = '%{size_download}'
      const size = await curl(
        ...options(),
        '-o',
        '/dev/null',
        '-w',
        format,
        `${base()}/bytes?count=${50 * MB}`,
      )
      expect(size).toBe(String(50 * MB))
      const refused = await curl(...options(), '-i', '-H', 'Host: nobody', `${base()}/`)
      expect(refused).toMatch(new RegExp(`^HTTP/${version} 404`))
      expect(refused).toContain('"code":"NO_ROUTE"')
    })
  })

  it('curl asks to go over from HTTP/1.1 to HTTP/2, and is answered without', async () => {
    const out = await curl('--http2', '-i', `${url}/v`)
    expect(out).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('curl without our CA does not trust the certificate', async () => {
    await expect(curl(`${tlsUrl}/v`)).rejects.toThrow(/certificate/)
  })

  it('curl speaks no TLS that is too old', async () => {
    await expect(curl(...secure, '--tls-max', '1.1', `${tlsUrl}/v`)).rejects.toThrow(/TLS|SSL|protocol/i)
  })

  it('Python over TLS verifies, and keeps alive', async () => {
    expect(await python('https_client.py', tlsPort, HOST, certificates.ca.certFile)).toEqual({
      versions: { v1: 10, v2: 10 },
      sockets: 1,
      bytes: 5 * MB,
    })
  })

  it('a keep-alive agent of node:https keeps its sockets', async () => {
    const ca = readFileSync(certificates.ca.certFile)
    const agent = new Agent({ keepAlive: true, maxSockets: 4, ca, servername: 'localhost' })
    const sockets = new Set<unknown>()
    const versions = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const headers = { host: HOST }
        const request = httpsRequest(`https://127.0.0.1:${tlsPort}/echo`, { method: 'POST', agent, headers })
        request.on('socket', (socket) => sockets.add(socket))
        request.end(`body ${at}`)
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        expect(await text(response)).toBe(`body ${at}`)
        return String(response.headers['x-version'])
      }),
    )
    agent.destroy()
    expect(countOf(versions)).toEqual({ v1: 50, v2: 50 })
    expect(sockets.size).toBe(4)
  })

  it('node:http2 runs a hundred streams at once on one connection', async () => {
    const session = connectHttp2(`http://127.0.0.1:${running.gateway.port}`)
    session.on('error', () => {})
    const body = randomBytes(100_000)
    const digests = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const stream = session.request({ ':method': 'POST', ':path': '/digest', ':authority': HOST })
        stream.end(body)
        return JSON.parse(await text(stream)) as Digest & { version: string }
      }),
    )
    expect(new Set(digests.map((one) => one.sha256))).toEqual(new Set([sha256(body)]))
    expect(countOf(digests.map(({ version }) => version))).toEqual({ v1: 50, v2: 50 })
    session.close()
    await once(session, 'close')
    await nothingInFlight(running)
  })

  it('a WebSocket over TLS carries 8 MB both ways', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${tlsPort}/`, {
      ca: readFileSync(certificates.ca.certFile),
      headers: { host: HOST },
      maxPayload: 64 * MB,
    })
    await once(socket, 'open')
    const bytes = randomBytes(8 * MB)
    const answer = once(socket, 'message') as Promise<[Buffer]>
    socket.send(bytes)
    expect((await answer)[0].equals(bytes)).toBe(true)
    const over = once(socket, 'close')
    socket.close(4001, 'bye')
    expect((await over)[0]).toBe(4001)
    await nothingInFlight(running)
  })
})
