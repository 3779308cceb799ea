import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SystemClock } from '../../../src/core/clock.ts'
import type { ProcessState } from './state.ts'

const clock = new SystemClock()
const TERMINATION_MS = 10_000

/** When the process started, in ticks since boot; undefined when there is no such process, or only its remains. */
function startTicksOf(pid: number): number | undefined {
  try {
    // The name in parentheses may hold anything; what follows the last one is: state, ppid, ..., starttime as 22nd field.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

export function isRunning({ pid, startTicks }: ProcessState): boolean {
  return startTicksOf(pid) === startTicks
}

/** Starts a process that outlives this one; what it writes is added to `log`. */
export async function startDetached(
  argv: readonly string[],
  { log, env = {} }: { readonly log: string; readonly env?: Readonly<Record<string, string>> },
): Promise<ProcessState> {
  const [file, ...args] = argv
  mkdirSync(dirname(log), { recursive: true })
  const output = openSync(log, 'a')
  try {
    const child = spawn(file!, args, {
      detached: true,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...env },
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', () => resolve(child.pid!))
    })
    child.unref()
    const startTicks = startTicksOf(pid)
    if (startTicks === undefined) throw new Error(`${argv.join(' ')} ended at once; see ${log}`)
    return { pid, startTicks }
  } finally {
    closeSync(output)
  }
}

/** Sends the signal if the process is still that process. */
export function signal(recorded: ProcessState, name: NodeJS.Signals): void {
  if (!isRunning(recorded)) return
  try {
    process.kill(recorded.pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Resolves when the process has ended; after `timeoutMs` it is killed. */
export async function ended(recorded: ProcessState, timeoutMs = TERMINATION_MS): Promise<void> {
  const deadlineMs = clock.now() + timeoutMs
  while (isRunning(recorded)) {
    if (clock.now() > deadlineMs) signal(recorded, 'SIGKILL')
    await clock.sleep(10)
  }
}

/** SIGTERM, and SIGKILL if that does not help. */
export async function end(recorded: ProcessState): Promise<void> {
  // A process that is stopped does not see SIGTERM before it goes on.
  signal(recorded, 'SIGTERM')
  signal(recorded, 'SIGCONT')
  await ended(recorded)
}
