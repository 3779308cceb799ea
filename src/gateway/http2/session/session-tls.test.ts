import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { makeCertificates } from '../../../../test/support/certificates.ts'
import { EndOfTurn } from '../../end-of-turn.ts'
import { Diary } from './fake-wire.ts'
import { Http2Session } from './session.ts'
import { SlabPool } from './slabs.ts'
import type { Http2Stream } from './stream.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0).toReversed()) stop()
})

const shared = {
  slabs: new SlabPool(),
  endOfTurn: new EndOfTurn(),
  nowMs: () => 0,
}

/** Answers every request with a body of this size. */
async function serve(bytes: number): Promise<{ port: number; ca: Buffer }> {
  const folder = mkdtempSync(join(tmpdir(), 'session-tls-'))
  stops.push(() => rmSync(folder, { recursive: true }))
  const { ca, server: files } = makeCertificates(folder)
  const onStream = (stream: Http2Stream): void => {
    stream.sendHeaders([':status', '200'], false)
    stream.sendData(Buffer.alloc(bytes, 'x'), true)
  }
  const options = {
    ALPNProtocols: ['h2'],
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
  }
  const server = tls.createServer(options, (socket) => {
    stops.push(() => socket.destroy())
    const hooks = { onStream, onClose: () => undefined }
    const session = new Http2Session(socket, { role: 'server', ...shared, hooks })
    stops.push(() => session.destroy())
  })
  stops.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, ca: readFileSync(ca.certFile) }
}

test('over TLS, with node as the client', async () => {
  const { port, ca } = await serve(500_000)
  const client = http2.connect(`https://127.0.0.1:${port}`, { ca }).on('error', () => undefined)
  stops.push(() => client.destroy())
  expect((await buffer(client.request({}))).equals(Buffer.alloc(500_000, 'x'))).toBe(true)
})

test('over TLS, with both sides ours, to the close after a drain', async () => {
  const { port, ca } = await serve(10)
  const socket = tls.connect({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] })
  stops.push(() => socket.destroy())
  await once(socket, 'secureConnect')
  const closed = Promise.withResolvers<Error | undefined>()
  const session = new Http2Session(socket, { role: 'client', ...shared, hooks: { onClose: closed.resolve } })
  const diary = new Diary()
  const fields = [':method', 'GET', ':scheme', 'https', ':path', '/', ':authority', 'iris.test']
  diary.stream = session.open(fields, true, diary)
  session.drain()
  expect(session.hasRoom).toBe(false)
  expect(await closed.promise).toBeUndefined()
  expect(diary.lines).toEqual(['head :status 200', 'data xxxxxxxxxx end'])
})
