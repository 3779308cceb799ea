import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CertificateFiles } from './certificates.ts'

const ATTEMPTS = 5

export interface RedisServerOptions {
  /** Speaks TLS instead, with this certificate. */
  readonly tls?: CertificateFiles
  readonly password?: string
  /** Where it listens; default 127.0.0.1. */
  readonly host?: string
}

/** A real Redis of its own on a free port, which keeps nothing. */
export class RedisServer implements AsyncDisposable {
  readonly #options: RedisServerOptions
  readonly #dir: string
  readonly #port: number
  readonly #host: string
  #child: ChildProcess | undefined

  /** @throws Error if `redis-server` is not installed. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const dir = await mkdtemp(join(tmpdir(), 'pilotlight-redis-'))
    for (let attempt = 1; ; attempt += 1) {
      const server = new RedisServer(options, dir, await freePort())
      try {
        await server.start()
        return server
      } catch (error) {
        // Somebody else may have got the port in between.
        if (attempt < ATTEMPTS && !isMissing(error)) continue
        await rm(dir, { recursive: true, force: true })
        if (!isMissing(error)) throw error
        throw new Error('redis-server: not found; apt-get install redis-server', { cause: error })
      }
    }
  }

  private constructor(options: RedisServerOptions, dir: string, port: number) {
    this.#options = options
    this.#dir = dir
    this.#port = port
    this.#host = options.host ?? '127.0.0.1'
  }

  get url(): string {
    const user = this.#options.password === undefined ? '' : `:${this.#options.password}@`
    return `${this.#options.tls === undefined ? 'redis' : 'rediss'}://${user}${this.#host}:${this.#port}`
  }

  /** Begins on the same port, empty; resolves when it takes connections. */
  async start(): Promise<void> {
    const { tls, password } = this.#options
    const port = String(this.#port)
    const listening = tls === undefined ? ['--port', port] : tlsArguments(port, tls)
    const fixed = [
      '--bind',
      this.#host,
      '--protected-mode',
      'no',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      this.#dir,
    ]
    const secret = password === undefined ? [] : ['--requirepass', password]
    const child = spawn('redis-server', [...fixed, ...listening, ...secret], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#child = child
    await once(child, 'spawn')
    for await (const line of createInterface(child.stdout)) {
      if (!line.includes('Ready to accept connections')) continue
      child.stdout.resume()
      return
    }
    throw new Error(`redis-server ended before it took connections on port ${port}`)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** It dies, and its connections with it. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** It stays connected, and says nothing until `thaw`. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#dir, { recursive: true, force: true })
  }
}

function tlsArguments(port: string, { certFile, keyFile }: CertificateFiles): string[] {
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile]
  return ['--port', '0', '--tls-port', port, '--tls-auth-clients', 'no', ...files]
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  server.close()
  await once(server, 'close')
  if (bound === null || typeof bound === 'string') throw new Error('no port was given')
  return bound.port
}
