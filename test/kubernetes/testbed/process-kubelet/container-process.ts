import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../../../src/core/clock.ts'
import { run, type Ended } from '../../../interop/command.ts'
import type { Sandbox } from './sandbox.ts'

export interface Mount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export interface ProcessOptions {
  readonly sandbox: Sandbox
  /** An empty folder to mount the container's root on. */
  readonly scratch: string
  /** As `UID:GID`. */
  readonly user: string
  readonly workingDir: string
  readonly mounts: readonly Mount[]
  readonly env: Readonly<Record<string, string>>
  readonly argv: readonly string[]
  readonly log: string
  readonly clock: Clock
}

export interface Exit {
  /** 0 to 255; 128 plus the signal's number for one that a signal ended. */
  readonly code: number
  readonly signal?: number
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}
const ISOLATE = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--']
const enterScript = fileURLToPath(new URL('enter.sh', import.meta.url))

/** The process that a container is, from its first instruction on. It is number 1 of its own processes, as in any container. */
export class ContainerProcess {
  readonly exit: Promise<Exit>
  readonly #options: ProcessOptions
  readonly #pid: number
  #hasEnded = false

  private constructor(options: ProcessOptions, pid: number, exit: Promise<Exit>) {
    this.#options = options
    this.#pid = pid
    this.exit = exit
    exit.then(
      () => (this.#hasEnded = true),
      () => undefined,
    )
  }

  /** Resolves when the command runs; rejects when it cannot be started. */
  static async start(options: ProcessOptions): Promise<ContainerProcess> {
    mkdirSync(options.scratch, { recursive: true })
    mkdirSync(dirname(options.log), { recursive: true })
    const mounts = options.mounts.flatMap(({ source, target, readOnly }) => [
      readOnly ? 'ro' : 'rw',
      source,
      target,
    ])
    const [file, ...enter] = options.sandbox.enter
    const output = openSync(options.log, 'a')
    const child = spawn(
      file!,
      [
        ...enter,
        ...ISOLATE,
        'sh',
        enterScript,
        options.scratch,
        options.user,
        options.workingDir,
        ...mounts,
        '--',
        ...assignments(options.env),
        ...options.argv,
      ],
      { stdio: ['ignore', output, output, 'pipe'] },
    )
    closeSync(output)
    const exit = exitOf(child)
    // The script says one word. unshare(1), its parent, holds the pipe too, so its end would say nothing.
    const words = child.stdio[3]
    const hasBegun = await Promise.race([
      new Promise<boolean>((resolve) => words?.once('data', () => resolve(true))),
      exit.then(() => false),
    ])
    words?.destroy()
    if (!hasBegun) {
      const lines = readFileSync(options.log, 'utf8').trimEnd().split('\n').slice(-3).join(' ')
      throw new Error(`the container could not be started: ${lines}`)
    }
    // unshare(1) waits for its only child, which is the container.
    const pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim())
    return new ContainerProcess(options, pid, exit)
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#hasEnded) return
    try {
      process.kill(this.#pid, name)
    } catch (error) {
      // It has just ended, and its exit is on the way.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  /** Runs another command inside the container, as probes and hooks do. */
  exec(command: readonly string[], timeoutMs: number): Promise<Ended> {
    const { user, workingDir, env } = this.#options
    const enter = ['--target', String(this.#pid), '--mount', '--uts', '--net', '--pid', '--root', '--']
    const become = ['chroot', `--userspec=${user}`, '/', 'env', '-i', '-C', workingDir]
    return run('nsenter', [...enter, ...become, ...assignments(env), ...command], { timeoutMs })
  }
}

function assignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`)
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, name) => {
      const number = SIGNAL_NUMBERS[name ?? '']
      if (code !== null) resolve({ code })
      else resolve({ code: 128 + (number ?? 0), ...(number === undefined ? {} : { signal: number }) })
    })
  })
}
