import { once } from 'node:events'
import { readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  makeCertificates,
  type CertificateFiles,
  type Certificates,
} from '../../../test/support/certificates.ts'
import { readConfig } from '../../core/config.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { silentMetrics, type Log } from '../../core/telemetry.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { ServerCertificates } from './certificates.ts'
import { Listener } from './listener.ts'
import { LOOK_MS } from './watched-files.ts'

let root: string
let made: Certificates
let one: CertificateFiles
let two: CertificateFiles
/** Of this test alone. */
let dir: string
let cleanUp = new AsyncDisposableStack()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'certificates-'))
  made = makeCertificates(join(root, 'made'))
  one = made.issue('one')
  two = made.issue('two')
})

afterAll(() => rm(root, { recursive: true }))

beforeEach(async () => {
  dir = await mkdtemp(join(root, 'test-'))
})

afterEach(async () => {
  await cleanUp.disposeAsync()
  cleanUp = new AsyncDisposableStack()
})

function copy(from: string, to: string): void {
  writeFileSync(to, readFileSync(from))
}

function put(files: CertificateFiles, to: CertificateFiles): void {
  copy(files.certFile, to.certFile)
  copy(files.keyFile, to.keyFile)
}

/** A gateway's TLS port over these files, and what it logged. */
async function serving(tls: object) {
  // The certificates are valid from now on, by the time of the machine.
  const clock = new ManualClock(Number(process.hrtime.bigint() / 1_000_000n))
  const warnings: object[] = []
  const log: Log = {
    debug() {},
    info() {},
    warn: (fields, sentence) => void (sentence.startsWith('changed') && warnings.push(fields)),
    error() {},
  }
  const listener = new Listener({
    config: readConfig({ gateway: { port: 0, headTimeoutMs: 0, tls: { port: 0, ...tls } } }).gateway,
    clock,
    wheel: new TimerWheel(clock),
    log,
    metrics: silentMetrics,
    onHttp1: (socket, first) => {
      socket.write(first)
      socket.on('data', (chunk: Buffer) => socket.write(chunk))
    },
    onHttp2: (socket) => void socket.destroy(),
  })
  cleanUp.defer(() => listener.close())
  const { tlsPort = 0 } = await listener.listen()
  return { clock, warnings, tlsPort }
}

function trusting(port: number): ConnectionOptions {
  return { host: '127.0.0.1', port, servername: 'localhost', ca: readFileSync(made.ca.certFile) }
}

async function connected(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...trusting(port), ...options })
  cleanUp.defer(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** Who answers a new connection, by the name in its certificate. */
async function shownBy(port: number): Promise<unknown> {
  const socket = await connected(port)
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}

async function echoOf(socket: TLSSocket, text: string): Promise<string> {
  socket.write(text)
  const [chunk]: unknown[] = await once(socket, 'data')
  return String(chunk)
}

/** Lets time pass until `isTrue`: files are read between its steps. */
async function passUntil(clock: ManualClock, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await clock.advance(1_000)
}

describe('a certificate that changes', () => {
  it('is shown to new connections, and old ones go on', async () => {
    const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') }
    put(one, files)
    const { clock, tlsPort, warnings } = await serving(files)
    const old = await connected(tlsPort)
    expect([old.getPeerCertificate().subject.CN, await echoOf(old, 'a')]).toEqual(['one', 'a'])
    put(two, files)
    expect(await shownBy(tlsPort)).toBe('one')
    await passUntil(clock, async () => (await shownBy(tlsPort)) === 'two')
    expect(await echoOf(old, 'b')).toBe('b')
    expect(warnings).toEqual([])
  })

  it('is seen where Kubernetes swaps a symlink of the folder above', async () => {
    const mount = join(dir, 'mount')
    await mkdir(mount)
    for (const [version, files] of Object.entries({ v1: one, v2: two })) {
      await mkdir(join(mount, `..${version}`))
      put(files, {
        certFile: join(mount, `..${version}`, 'tls.crt'),
        keyFile: join(mount, `..${version}`, 'tls.key'),
      })
    }
    symlinkSync('..v1', join(mount, '..data'))
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(mount, name))
    const { clock, tlsPort } = await serving({
      certFile: join(mount, 'tls.crt'),
      keyFile: join(mount, 'tls.key'),
    })
    expect(await shownBy(tlsPort)).toBe('one')
    symlinkSync('..v2', join(mount, '..data_tmp'))
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    await passUntil(clock, async () => (await shownBy(tlsPort)) === 'two')
  })

  it('is not taken before its key is there, nor cut off, nor gone', async () => {
    const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') }
    put(one, files)
    const { clock, tlsPort, warnings } = await serving(files)
    const step = async (change: () => void | Promise<void>, reason: string): Promise<void> => {
      const before = warnings.length
      await change()
      await passUntil(clock, () => warnings.length > before)
      expect(warnings.at(-1)).toEqual({ reason: expect.stringContaining(reason) })
      expect(await shownBy(tlsPort)).toBe('one')
    }
    const { certFile, keyFile } = files
    await step(
      () => copy(two.certFile, certFile),
      `${keyFile} is not the key of the certificate in ${certFile}`,
    )
    await step(
      () => writeFileSync(certFile, readFileSync(two.certFile).subarray(0, 300)),
      'ends in the middle of a',
    )
    await step(() => writeFileSync(certFile, ''), `gateway.tls.certFile: ${certFile} holds no certificate`)
    await step(() => rm(keyFile), `gateway.tls.keyFile: cannot read ${keyFile}: ENOENT`)
    // It says so once each, however often it looks.
    await clock.advance(10 * LOOK_MS)
    expect(warnings).toHaveLength(4)
    put(two, files)
    await passUntil(clock, async () => (await shownBy(tlsPort)) === 'two')
    expect(warnings).toHaveLength(4)
  })

  it('brings the CA of clients with it, also for those that were here before', async () => {
    const others = makeCertificates(join(dir, 'others'), 'Another CA')
    const clientCaFile = join(dir, 'clients.crt')
    copy(made.ca.certFile, clientCaFile)
    const { clock, tlsPort } = await serving({ ...made.server, clientCaFile })
    const identity = ({ certFile, keyFile }: CertificateFiles): ConnectionOptions => ({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
    })
    const isServed = (options: ConnectionOptions): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ ...trusting(tlsPort), ...options })
        cleanUp.defer(() => void socket.destroy())
        socket.on('error', () => {})
        socket.on('close', () => resolve(false))
        socket.on('data', () => resolve(true))
        socket.write('x')
      })
    const first = await connected(tlsPort, identity(made.client))
    let session: Buffer | undefined
    first.on('session', (ticket: Buffer) => (session = ticket))
    expect(await echoOf(first, 'x')).toBe('x')
    if (session === undefined) throw new Error('no session ticket came')
    const resumed = { ...identity(made.client), session }
    const again = await connected(tlsPort, resumed)
    expect([again.isSessionReused(), await echoOf(again, 'x')]).toEqual([true, 'x'])
    expect(await isServed(identity(others.client))).toBe(false)
    copy(others.ca.certFile, clientCaFile)
    await passUntil(clock, () => isServed(identity(others.client)))
    expect(await isServed(identity(made.client))).toBe(false)
    // Not with what was remembered of the handshake before either.
    expect(await isServed(resumed)).toBe(false)
    expect(await echoOf(first, 'y')).toBe('y')
  })
})

describe('files that cannot be used', () => {
  const load = (tls: object): string => {
    const config = readConfig({ gateway: { tls } }).gateway.tls
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    if (config === undefined) throw new Error('no TLS')
    try {
      return String(
        new ServerCertificates(config, { clock: new ManualClock(), log: silent }).context.minVersion,
      )
    } catch (error) {
      return String(error)
    }
  }

  it('are named with their field and what is wrong', () => {
    const other = (text: string): string => {
      const path = join(dir, 'other.pem')
      writeFileSync(path, text)
      return path
    }
    const { certFile, keyFile } = one
    const missing = join(dir, 'missing.pem')
    expect(load({ certFile, keyFile })).toBe('TLSv1.2')
    expect(load({ certFile: missing, keyFile })).toContain(
      `ConfigError: gateway.tls.certFile: cannot read ${missing}: `,
    )
    expect(load({ certFile: dir, keyFile })).toContain(
      `ConfigError: gateway.tls.certFile: cannot read ${dir}: `,
    )
    expect(load({ certFile: keyFile, keyFile })).toContain(
      `gateway.tls.certFile: ${keyFile} holds no certificate`,
    )
    expect(load({ certFile, keyFile: certFile })).toContain(
      `gateway.tls.keyFile: ${certFile} holds no private key`,
    )
    expect(load({ certFile, keyFile: two.keyFile })).toContain(
      `gateway.tls.keyFile: ${two.keyFile} is not the key of the certificate in ${certFile}`,
    )
    const encrypted = other(
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    )
    expect(load({ certFile, keyFile: encrypted })).toContain('has a passphrase')
    expect(load({ certFile, keyFile, clientCaFile: keyFile })).toContain(
      `gateway.tls.clientCaFile: ${keyFile} holds no certificate`,
    )
    const broken = other('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(load({ certFile: broken, keyFile })).toContain(
      `gateway.tls.certFile: certificate 1 in ${broken} cannot be read`,
    )
    const chain = other(`${readFileSync(certFile, 'utf8')}${readFileSync(made.ca.certFile, 'utf8')}`)
    expect(load({ certFile: chain, keyFile })).toBe('TLSv1.2')
  })
})
