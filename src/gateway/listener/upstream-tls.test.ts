import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { makeCertificates, type Certificates } from '../../../test/support/certificates.ts'
import { readConfig } from '../../core/config.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { silentLog } from '../../core/telemetry.ts'
import { UpstreamTls } from './upstream-tls.ts'

let dir: string
let made: Certificates
let named: ReturnType<Certificates['issue']>
let cleanUp = new AsyncDisposableStack()

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'upstream-tls-'))
  made = makeCertificates(join(dir, 'made'))
  named = made.issue('named', { names: 'DNS:replica.example.com' })
})

afterAll(() => rm(dir, { recursive: true }))

afterEach(async () => {
  await cleanUp.disposeAsync()
  cleanUp = new AsyncDisposableStack()
})

async function replica(files: { certFile: string; keyFile: string }): Promise<number> {
  const server: Server = createServer({
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
  })
  server.on('secureConnection', (socket: TLSSocket) =>
    socket.on('error', () => {}).end(`asked for ${String(socket.servername)}`),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp.defer(() => void server.close())
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}

function upstream(upstreamTls: object, clock = new ManualClock()): UpstreamTls {
  const tls = new UpstreamTls(readConfig({ gateway: { upstreamTls } }).gateway.upstreamTls, {
    clock,
    log: silentLog,
  })
  cleanUp.defer(() => tls.close())
  return tls
}

/** What the replica says, or the code of why it is not believed. */
async function saidBy(port: number, tls: UpstreamTls, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ host, port, ...tls.optionsFor(host) })
  try {
    await once(socket, 'secureConnect')
    const [chunk]: unknown[] = await once(socket, 'data')
    return String(chunk)
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
  }
}

it('believes a replica of its CA, by name or by address', async () => {
  const port = await replica(made.server)
  const tls = upstream({ caFile: made.ca.certFile })
  expect(await saidBy(port, tls)).toBe('asked for false')
  expect(await saidBy(port, tls, 'localhost')).toBe('asked for localhost')
})

it('does not believe another CA or another name, unless it is told not to look', async () => {
  const port = await replica(named)
  const caFile = made.ca.certFile
  expect(await saidBy(port, upstream({}))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  expect(await saidBy(port, upstream({ caFile }))).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  const serverName = 'replica.example.com'
  expect(await saidBy(port, upstream({ caFile, serverName }))).toBe(`asked for ${serverName}`)
  expect(await saidBy(port, upstream({ verify: false }))).toBe('asked for false')
})

it('reads a changed CA', async () => {
  const port = await replica(made.server)
  const caFile = join(dir, 'ca.crt')
  copyFileSync(makeCertificates(join(dir, 'others')).ca.certFile, caFile)
  const clock = new ManualClock()
  const tls = upstream({ caFile }, clock)
  expect(await saidBy(port, tls)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  copyFileSync(made.ca.certFile, caFile)
  while ((await saidBy(port, tls)) !== 'asked for false') await clock.advance(1_000)
})

it('names the field and the file that cannot be used', () => {
  const caFile = join(dir, 'missing.crt')
  expect(() => upstream({ caFile })).toThrow(`gateway.upstreamTls.caFile: cannot read ${caFile}: `)
  expect(() => upstream({ caFile: named.keyFile })).toThrow(
    `gateway.upstreamTls.caFile: ${named.keyFile} holds no certificate`,
  )
})
