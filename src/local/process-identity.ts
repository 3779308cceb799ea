import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/**
 * When a process began, as the system words it; undefined when there is none, or only its unreaped rest. A pid is
 * used again sooner or later: pid and start time together name one process.
 */
export function startTimeOf(pid: number): string | undefined {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

/** The process groups with a process that runs. Linux only. */
export function liveGroupIds(): ReadonlySet<number> {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  // Field 5 of proc(5) is pgrp.
  return new Set(pids.map((pid) => Number(liveStat(Number(pid))?.[2])))
}

function fromProc(pid: number): string | undefined {
  // Field 22 of proc(5) is starttime, in ticks since boot.
  const ticks = liveStat(pid)?.[19]
  return ticks === undefined ? undefined : `${bootId()}:${ticks}`
}

/** The fields of proc(5) from the 3rd (state) on; undefined when the process has ended, reaped or not. */
function liveStat(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // `pid (name) state ppid ...`: the name may hold spaces and parentheses, the last one ends it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields
  } catch {
    return undefined
  }
}

/** Ticks count from the boot, so without it a process of today could pass for one of last week. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const stdout = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [, state = '', started = ''] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout) ?? []
    return started === '' || state.startsWith('Z') ? undefined : started
  } catch {
    return undefined
  }
}
