import { spawn, type ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Guard } from './guard-client.ts'
import type { Launch } from './launch.ts'
import { LineSplitter } from './line-splitter.ts'
import { signalGroup } from './process-groups.ts'
import { codeOf, messageOf, ReplicaFailure } from './replica-failure.ts'

/** How a process ended. `error`: it never began. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: unknown
}

const TAIL_LINES = 5
const TAIL_CHARS = 600
const LAST_OUTPUT_MS = 100

/** The process of one replica, at the head of a process group of its own: what it starts, ends with it. */
export class ReplicaProcess {
  readonly launch: Launch
  readonly pid: number | undefined
  /** Resolves in the turn in which the process is known to have ended; never rejects. */
  readonly exited: Promise<Exit>
  readonly #clock: Clock
  readonly #outputClosed: Promise<void>
  /** The last lines of stderr, for the reason of a failure. */
  readonly #tail: string[] = []
  #exit: Exit | undefined
  #isTerminating = false

  /**
   * Starts the process in this turn.
   * @param onLine gets each line of its output, without the line end.
   */
  constructor(launch: Launch, tools: { clock: Clock; guard: Guard }, onLine: (line: string) => void) {
    this.launch = launch
    this.#clock = tools.clock
    const exited = Promise.withResolvers<Exit>()
    const closed = Promise.withResolvers<void>()
    this.exited = exited.promise
    this.#outputClosed = closed.promise

    let child: ChildProcess
    const end = (exit: Exit): void => {
      this.#exit = exit
      if (this.pid !== undefined) {
        // What it started and left behind goes with it, as in a container whose first process ends.
        signalGroup(this.pid, 'SIGKILL')
        tools.guard.remove(this.pid)
      }
      exited.resolve(exit)
    }
    try {
      child = spawn(launch.file, launch.args, {
        cwd: launch.cwd,
        env: launch.env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    } catch (error) {
      this.pid = undefined
      end({ code: null, signal: null, error })
      closed.resolve()
      return
    }
    this.pid = child.pid
    // In this turn: from here on the process ends even if we are killed.
    if (child.pid !== undefined) tools.guard.add(child.pid)
    child.once('error', (error) => {
      if (this.pid === undefined) {
        end({ code: null, signal: null, error })
        closed.resolve()
      }
    })
    child.once('exit', (code, signal) => end({ code, signal }))
    child.once('close', () => closed.resolve())
    eachLine(child.stdout, onLine)
    eachLine(child.stderr, (line) => {
      this.#tail.push(line)
      if (this.#tail.length > TAIL_LINES) this.#tail.shift()
      onLine(line)
    })
  }

  /** SIGTERM to the group now, SIGKILL to what is left of it after `graceMs`. */
  terminate(graceMs: number): void {
    if (this.#exit !== undefined || this.pid === undefined || this.#isTerminating) return
    this.#isTerminating = true
    const { pid } = this
    signalGroup(pid, 'SIGTERM')
    const timer = this.#clock.after(graceMs, () => {
      if (this.#exit === undefined) signalGroup(pid, 'SIGKILL')
    })
    void this.exited.then(() => timer.cancel())
  }

  /** Until its output is read to the end; a process outside of the group may hold it open, so not for long. */
  async lastOutput(): Promise<void> {
    const given = Promise.withResolvers<void>()
    using _timer = this.#clock.after(LAST_OUTPUT_MS, () => given.resolve())
    await Promise.race([this.#outputClosed, given.promise])
  }

  /** Why it ended, with the last lines that it wrote to stderr. */
  failure(exit: Exit): ReplicaFailure {
    if (exit.error !== undefined) return startFailure(this.launch, exit.error)
    const how = exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`
    const said = this.#tail.join('\n').trim().slice(-TAIL_CHARS)
    const reason = said === '' ? `ended with ${how}, nothing on stderr` : `ended with ${how}: ${said}`
    return new ReplicaFailure('Exited', reason, exit.code === null ? {} : { exitCode: exit.code })
  }
}

function eachLine(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return
  const lines = new LineSplitter(onLine)
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => lines.push(text))
  stream.on('end', () => lines.end())
  // A broken pipe says no more than that the process is gone, which `exit` says better.
  stream.on('error', () => lines.end())
}

function startFailure(launch: Launch, error: unknown): ReplicaFailure {
  // The system says ENOENT for the folder and for the command alike.
  if (!statSync(launch.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    return new ReplicaFailure('CommandNotFound', `workingDir ${launch.cwd}: no such folder`)
  }
  const code = codeOf(error)
  if (code === 'ENOENT') {
    const where = launch.file.includes('/') ? `in ${launch.cwd}` : 'on the PATH'
    return new ReplicaFailure('CommandNotFound', `command "${launch.file}" was not found ${where}`)
  }
  if (code === 'EACCES') {
    return new ReplicaFailure('CommandNotFound', `command "${launch.file}" may not be executed (chmod +x?)`)
  }
  return new ReplicaFailure('Exited', `command "${launch.file}" could not be started: ${messageOf(error)}`)
}
