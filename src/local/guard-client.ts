import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/telemetry.ts'
import { endGroups, readGroups, writeGroups } from './process-groups.ts'

/** Who is told which process groups have to end with us. Neither method waits, and neither throws. */
export interface Guard {
  add(pid: number): void
  remove(pid: number): void
}

const GRACE_MS = 5_000

/**
 * Our end of the guard process (guard.ts). Writing to its pipe is a system call of the same turn in which the
 * replica is started, so what can escape is a replica whose parent is killed within the microseconds in between;
 * that the guard itself may still be starting does not matter, the pipe keeps what it was told.
 */
export class GuardProcess implements Guard, AsyncDisposable {
  readonly #groupsPath: string
  readonly #log: Log
  readonly #groups = new Set<number>()
  #child: ChildProcess | undefined
  #isStopping = false

  constructor(stateDir: string, log: Log) {
    this.#groupsPath = groupsFile(stateDir)
    this.#log = log
  }

  /** Starts the guard, if it does not run. A few milliseconds: called before the first replica is wanted. */
  start(): void {
    if (this.#child !== undefined || this.#isStopping) return
    mkdirSync(dirname(this.#groupsPath), { recursive: true })
    // Beside this file, whether it runs as source or compiled.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const script = fileURLToPath(new URL(`./guard.${extension}`, import.meta.url))
    const child = spawn(process.execPath, [script, this.#groupsPath, String(GRACE_MS)], {
      // A session of its own: neither Ctrl-C nor a signal to our group reaches it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
    })
    this.#child = child
    child.unref()
    child.stdin?.on('error', () => {})
    const onEnd = (fields: object): void => {
      if (this.#child !== child) return
      this.#child = undefined
      if (this.#isStopping) return
      this.#log.warn(
        fields,
        'the guard against orphaned replicas ended and is started again with the next replica',
      )
    }
    child.once('error', (error) => onEnd({ error }))
    child.once('exit', (exitCode, signal) => onEnd({ exitCode, signal }))
    for (const pid of this.#groups) this.#tell(`add ${pid}`)
  }

  add(pid: number): void {
    this.#groups.add(pid)
    if (this.#child === undefined) this.start()
    else this.#tell(`add ${pid}`)
  }

  remove(pid: number): void {
    this.#groups.delete(pid)
    this.#tell(`remove ${pid}`)
  }

  /** Lets the guard go. Resolves when it has ended what was still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const ended = Promise.withResolvers<void>()
    child.once('exit', () => ended.resolve())
    child.once('error', () => ended.resolve())
    child.stdin?.end()
    await ended.promise
  }

  #tell(line: string): void {
    if (this.#child?.stdin?.writable === true) this.#child.stdin.write(`${line}\n`)
  }
}

/** Ends what a run that was killed together with its guard left behind. Resolves when it is gone. */
export async function endOrphans(stateDir: string, clock: Clock, log: Log): Promise<void> {
  const path = groupsFile(stateDir)
  const groups = readGroups(path, (message) => log.warn({ path }, message))
  if (groups.length === 0) return
  log.info({ groups: groups.length }, 'ending what a previous run may have left behind')
  await endGroups(groups, GRACE_MS, clock)
  writeGroups(path, [])
}

function groupsFile(stateDir: string): string {
  return join(stateDir, 'process-groups.json')
}
