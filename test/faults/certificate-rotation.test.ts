import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import { listening } from '../support/gateway-harness.ts'
import { HOST, startWorld, type World } from './world.ts'

const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0).toReversed()) end()
})

/** The name on the certificate that a new connection is shown. */
async function shownTo(world: World, ca: Buffer): Promise<string> {
  const socket = connectTls({ port: world.tlsPort, host: '127.0.0.1', servername: 'localhost', ca })
  await once(socket, 'secureConnect')
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return String(CN)
}

/** Lets time pass until a new connection is shown this certificate. */
async function untilShown(world: World, ca: Buffer, name: string): Promise<void> {
  for (let seconds = 0; seconds < 120; seconds++) {
    if ((await shownTo(world, ca)) === name) return
    await world.clock.advance(1_000)
  }
  throw new Error(`after two minutes the certificate of ${name} is still not shown`)
}

it('changes its certificate under load: no connection is dropped, no request fails', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'pilotlight-rotation-'))
  ends.push(() => rmSync(dir, { recursive: true, force: true }))
  const certificates = makeCertificates(dir)
  const files = { certFile: join(dir, 'live.crt'), keyFile: join(dir, 'live.key') }
  const put = (from: { certFile: string; keyFile: string }): void => {
    copyFileSync(from.certFile, files.certFile)
    copyFileSync(from.keyFile, files.keyFile)
  }
  put(certificates.issue('first'))
  const ca = readFileSync(certificates.ca.certFile)

  const world = await startWorld({
    replicas: 0,
    config: {
      keepAliveTimeoutMs: 3_600_000,
      tls: { port: 0, ...files, clientCertificates: 'none', minVersion: 'TLSv1.2' },
    },
  })
  const replica = createServer((request, response) => {
    if (request.url === '/stream') response.write('data: 0\n\n')
    else request.pipe(response)
  })
  world.ready(await listening(replica))
  ends.push(() => {
    replica.closeAllConnections()
    replica.close()
  })

  // Half of the load keeps its connections, half makes a new one for each request.
  const kept = new TlsAgent({ keepAlive: true, maxSockets: 4, ca, servername: 'localhost' })
  const fresh = new TlsAgent({ keepAlive: false, ca, servername: 'localhost', maxCachedSessions: 0 })
  ends.push(() => kept.destroy())
  const keptSockets = new Set<TLSSocket>()
  const answers: number[] = []
  const over = new AbortController()
  const askOnce = async (agent: Agent, path: string): Promise<void> => {
    const request = httpsRequest({
      port: world.tlsPort,
      host: '127.0.0.1',
      path,
      method: 'POST',
      agent,
      headers: { host: HOST },
    })
    if (agent === kept) request.on('socket', (socket: TLSSocket) => keptSockets.add(socket))
    request.end('x'.repeat(10_000))
    const [response] = await once(request, 'response')
    expect(await text(response)).toHaveLength(10_000)
    answers.push(response.statusCode)
  }
  const load = Promise.all(
    [kept, kept, kept, kept, fresh, fresh].map(async (agent) => {
      while (!over.signal.aborted) await askOnce(agent, '/echo')
    }),
  )
  const stream = httpsRequest({
    port: world.tlsPort,
    host: '127.0.0.1',
    path: '/stream',
    ca,
    servername: 'localhost',
    agent: false,
    headers: { host: HOST },
  }).end()
  const [streaming] = await once(stream, 'response')

  await untilShown(world, ca, 'first')
  put(certificates.issue('second'))
  await untilShown(world, ca, 'second')

  // A certificate without its key yet, and then one that is none: what was there before stays.
  const third = certificates.issue('third')
  copyFileSync(third.certFile, files.certFile)
  await world.clock.advance(60_000)
  expect(await shownTo(world, ca)).toBe('second')
  copyFileSync(third.keyFile, files.keyFile)
  await untilShown(world, ca, 'third')
  writeFileSync(files.certFile, 'not a certificate')
  await world.clock.advance(60_000)
  expect(await shownTo(world, ca)).toBe('third')

  const before = answers.length
  while (answers.length < before + 100) await new Promise((resolve) => setImmediate(resolve))
  over.abort()
  await load
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(keptSockets.size).toBe(4)
  for (const socket of keptSockets) expect(socket.getPeerCertificate().subject.CN).toBe('first')
  expect(streaming.readableEnded).toBe(false)
  stream.destroy()
  kept.destroy()
  await world.idle()
  expect(world.refusedConnections).toEqual([])
}, 30_000)
