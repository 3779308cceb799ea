import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Numbers } from './child.ts'
import type { Tools } from './tools.ts'

const START_PATIENCE_MS = 15_000

const numbers = z.record(z.string(), z.number())

/** A process that was started here, on a core of its own choice. */
export class Child implements AsyncDisposable {
  readonly pid: number
  readonly #process: ChildProcess

  constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error(`${child.spawnfile} could not be started`)
    this.pid = child.pid
    this.#process = child
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Asks a process of ours, one question at a time; it answers in numbers (child.ts). */
  async ask(question: object): Promise<Numbers> {
    this.#process.send(question)
    return await this.next()
  }

  /** What a process of ours says next. */
  async next(): Promise<Numbers> {
    const over = new AbortController()
    const { signal } = over
    try {
      const [message]: unknown[] = await Promise.race([
        once(this.#process, 'message', { signal }),
        once(this.#process, 'exit', { signal }).then(() => {
          throw new Error(`${this.#process.spawnargs.join(' ')} ended before it answered`)
        }),
      ])
      return numbers.parse(message)
    } finally {
      over.abort()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }
}

/** Everything that a benchmark starts: it ends with the benchmark, whichever way that ends. */
export class Processes implements AsyncDisposable {
  readonly #tools: Tools
  readonly #living = new Set<number>()
  readonly #children = new Set<Child>()
  /** For configurations, bodies and logs. */
  readonly folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'))

  constructor(tools: Tools) {
    this.#tools = tools
    process.on('exit', () => {
      for (const pid of this.#living) end(pid)
      rmSync(this.folder, { recursive: true, force: true })
    })
    // An exit by signal would skip what runs at exit.
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const)
      process.on(signal, () => process.exit(code))
  }

  /** Starts a program on one core. What it says on standard error is seen. */
  start(core: number, command: readonly string[], stdio: 'quiet' | 'ipc' = 'quiet'): Child {
    const pinned = ['--pdeathsig', 'KILL', this.#tools('taskset'), '-c', String(core), ...command]
    const child = spawn(this.#tools('setpriv'), pinned, {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit', ...(stdio === 'ipc' ? (['ipc'] as const) : [])],
    })
    const started = new Child(child)
    this.#living.add(started.pid)
    this.#children.add(started)
    child.once('exit', () => {
      this.#living.delete(started.pid)
      this.#children.delete(started)
    })
    return started
  }

  /**
   * Starts a script of this folder, with its options as JSON, and waits for what it says first.
   * @param script `upstreams/upload-sink.ts`.
   */
  async startScript(
    core: number,
    script: string,
    options: object,
    flags: readonly string[] = [],
  ): Promise<{ readonly child: Child; readonly ready: Numbers }> {
    const path = fileURLToPath(new URL(script, import.meta.url))
    const child = this.start(core, [process.execPath, ...flags, path, JSON.stringify(options)], 'ipc')
    return { child, ready: await child.next() }
  }

  /** Ends all that is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map((child) => child[Symbol.asyncDispose]()))
  }

  /** Runs a program to its end and gives its standard output. */
  async run(core: number, command: readonly string[]): Promise<string> {
    const pinned = ['--pdeathsig', 'KILL', this.#tools('taskset'), '-c', String(core), ...command]
    const child = spawn(this.#tools('setpriv'), pinned, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { pid } = child
    if (pid === undefined) throw new Error(`${command[0]} could not be started`)
    this.#living.add(pid)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const [code]: unknown[] = await once(child, 'close')
    this.#living.delete(pid)
    if (code !== 0) throw new Error(`${command.join(' ')}: exit code ${String(code)}\n${text}`)
    return text
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended in this very moment.
  }
}

/** Resolves once somebody listens on the port. */
export async function listening(port: number, child: Child): Promise<void> {
  const untilMs = performance.now() + START_PATIENCE_MS
  while (!(await accepts(port))) {
    if (child.hasEnded) throw new Error(`process ${child.pid} ended before it listened on port ${port}`)
    if (performance.now() > untilMs) throw new Error(`nobody listens on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
