import { spawn, type ChildProcess } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { SystemClock } from '../../src/core/clock.ts'

const clock = new SystemClock()
const READY_WITHIN_MS = 60_000

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('a TCP server has a port')
  return address.port
}

/** A program that listens on a port; ended when disposed. */
export class Peer implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #output: string[] = []
  readonly #exit: Promise<unknown>

  private constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#process = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output.push(chunk)
        if (this.#output.length > 100) this.#output.shift()
      })
    }
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', resolve)
      this.#process.once('error', resolve)
    })
  }

  /** Resolves when something listens on every port. */
  static async start(
    file: string,
    args: readonly string[],
    { ports, env = {} }: { ports: readonly number[]; env?: Readonly<Record<string, string>> },
  ): Promise<Peer> {
    const peer = new Peer(file, args, env)
    const untilMs = clock.now() + READY_WITHIN_MS
    for (const port of ports) {
      while (!(await isListening(port))) {
        if (peer.#process.exitCode === null && clock.now() < untilMs) {
          await clock.sleep(50)
          continue
        }
        await peer[Symbol.asyncDispose]()
        throw new Error(`${file} does not listen on port ${port}:\n${peer.#output.join('').slice(-2_000)}`)
      }
    }
    return peer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGTERM')
    using _impatience = clock.after(5_000, () => this.#process.kill('SIGKILL'))
    await this.#exit
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return isOpen
}
