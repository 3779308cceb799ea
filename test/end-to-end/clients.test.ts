import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, get, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  countOf,
  curl,
  curlWith,
  HOST,
  nothingInFlight,
  python,
  SERVICE,
  sha256,
  upWithCanary,
} from './echo.ts'
import type { Running } from './harness.ts'

interface Digest {
  readonly bytes: number
  readonly sha256: string
  readonly framing: string
  readonly version: string
}

const MB = 1_000_000

describe('clients of all kinds, through a canary of one half', () => {
  let running: Running
  /** By name, for curl: it knows names below .localhost by itself. */
  let url: string
  /** By path, for fetch: it resolves names as the machine does, and sets no Host. */
  let byPath: string
  /** By address, for those who set Host. */
  let byHost: string
  const headers = { host: HOST }

  beforeAll(async () => {
    running = await upWithCanary()
    const { port } = running.gateway
    url = `http://${HOST}:${port}`
    byPath = `http://127.0.0.1:${port}/serving/default/${SERVICE}`
    byHost = `http://127.0.0.1:${port}`
  })
  afterAll(() => running[Symbol.asyncDispose]())

  describe('curl', () => {
    it('uses one connection for many requests, and reaches both versions', async () => {
      const out = await curl(
        '-w',
        '\n%{num_connects} %{http_version} %header{x-version}\n',
        ...Array.from({ length: 10 }, () => `${url}/v`),
      )
      const lines = out.split('\n').filter((line) => /^\d /.test(line))
      expect(lines.map((line) => line[0])).toEqual(['1', ...Array.from({ length: 9 }, () => '0')])
      expect(countOf(lines.map((line) => line.slice(2)))).toEqual({ '1.1 v1': 5, '1.1 v2': 5 })
    })

    it('uploads a file, waiting for 100 Continue', async () => {
      const bytes = randomBytes(20 * MB)
      const file = join(running.folder, 'upload.bin')
      writeFileSync(file, bytes)
      const out = await curl(
        '-v',
        '--stderr',
        '-',
        '-H',
        'Expect: 100-continue',
        '--data-binary',
        `@${file}`,
        `${url}/digest`,
      )
      expect(out).toContain('< HTTP/1.1 100 Continue')
      expect(JSON.parse(/\{"bytes".*\}/.exec(out)![0])).toMatchObject({
        bytes: bytes.length,
        sha256: sha256(bytes),
        framing: String(bytes.length),
      })
    })

    it('uploads what has no length, in chunks', async () => {
      const bytes = randomBytes(5 * MB)
      const said = JSON.parse(await curlWith(bytes, '-T', '-', '-X', 'POST', `${url}/digest`)) as Digest
      expect(said).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes), framing: 'chunked' })
    })

    it('asks for the head only, and in HTTP/1.0', async () => {
      const head = await curl('--head', `${url}/bytes?count=1000`)
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(head.toLowerCase()).toContain('content-length: 1000\r\n')
      const old = await curl('--http1.0', '-i', `${url}/events?count=3`)
      expect(old.toLowerCase()).not.toContain('transfer-encoding')
      expect(old).toMatch(/data: 0\n\ndata: 1\n\ndata: 2\n\n$/)
    })

    it('says what the gateway refuses', async () => {
      const out = await curl('-i', '-H', 'Host: nobody', `http://127.0.0.1:${running.gateway.port}/`)
      expect(out).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/)
      expect(out).toContain('"code":"NO_ROUTE"')
    })
  })

  it('Python http.client keeps alive, uploads in chunks, waits for 100 and speaks HTTP/1.0', async () => {
    expect(await python('http_client.py', running.gateway.port, HOST)).toEqual({
      versions: { v1: 10, v2: 10 },
      sockets: 1,
      chunked: { bytes: 5 * MB, whole: true, framing: 'chunked' },
      continue: 'HTTP/1.1 100 Continue',
      expected: { bytes: 5, whole: true },
      head: [200, '1000', 0],
      events: 100,
      http10: { chunked: false, events: 100 },
    })
  })

  describe('fetch', () => {
    it('splits exactly, many at once', async () => {
      const versions = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const response = await fetch(`${byPath}/echo`, { method: 'POST', body: 'hello' })
          expect(await response.text()).toBe('hello')
          return response.headers.get('x-version')!
        }),
      )
      expect(countOf(versions)).toEqual({ v1: 50, v2: 50 })
    })

    it('streams both ways at once', async () => {
      // Each piece is sent when the one before has come back: neither way waits for the end of the other.
      const pieces = Array.from({ length: 20 }, (_, at) => `piece ${at};`)
      const sending = new TransformStream<Uint8Array, Uint8Array>()
      const writer = sending.writable.getWriter()
      const asked = fetch(`${byPath}/echo`, {
        method: 'POST',
        body: sending.readable,
        duplex: 'half',
      })
      await writer.write(Buffer.from(pieces[0]!))
      const response = await asked
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let received = ''
      for (const [at, piece] of pieces.entries()) {
        if (at > 0) await writer.write(Buffer.from(piece))
        while (!received.endsWith(piece)) received += (await reader.read()).value
      }
      await writer.close()
      expect((await reader.read()).done).toBe(true)
      expect(received).toBe(pieces.join(''))
    })

    it('reads events as they come, and may stop in the middle', async () => {
      const stop = new AbortController()
      const response = await fetch(`${byPath}/events?count=1000000000`, { signal: stop.signal })
      const reader = response.body!.getReader()
      expect(Buffer.from((await reader.read()).value ?? '').toString()).toMatch(/^data: 0\n\n/)
      stop.abort()
      await expect(reader.read()).rejects.toThrow(/abort/)
      await nothingInFlight(running)
    })

    it('reads 100 MB whole', async () => {
      const response = await fetch(`${byPath}/bytes?count=${100 * MB}`)
      let bytes = 0
      for await (const chunk of response.body!) bytes += chunk.length
      expect(bytes).toBe(100 * MB)
    })
  })

  it('a keep-alive agent of node:http keeps its sockets', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const sockets = new Set<Socket>()
    const askOnce = async (at: number): Promise<string> => {
      const body = `body ${at}`
      const request = httpRequest(`${byHost}/echo`, { method: 'POST', agent, headers })
      request.on('socket', (socket) => sockets.add(socket))
      request.end(body)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      expect(await text(response)).toBe(body)
      expect(response.trailers).toEqual({ 'x-sha256': sha256(body) })
      return String(response.headers['x-version'])
    }
    const versions = await Promise.all(Array.from({ length: 200 }, (_, at) => askOnce(at)))
    agent.destroy()
    expect(countOf(versions)).toEqual({ v1: 100, v2: 100 })
    expect(sockets.size).toBe(4)
  })

  it('a client of node:http that leaves in the middle of an upload leaves nothing behind', async () => {
    for (let round = 0; round < 10; round++) {
      const request = httpRequest(`${byHost}/echo`, {
        method: 'POST',
        headers: { ...headers, 'content-length': 100 * MB },
      })
      request.on('error', () => {})
      request.write(randomBytes(MB))
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      response.on('error', () => {})
      await once(response, 'data')
      request.destroy()
    }
    await nothingInFlight(running)
    const [response] = (await once(get(`${byHost}/v`, { headers }), 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(200)
    response.resume()
  })
})
