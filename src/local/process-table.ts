import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** What all processes of one group have used so far, and use now. */
export interface GroupUsage {
  readonly pids: readonly number[]
  /** Of those that live, and of those that they waited for. */
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

interface ProcessLine {
  readonly pid: number
  readonly group: number
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

/** By the pid of the group's first process. */
export async function groupUsages(signal: AbortSignal): Promise<ReadonlyMap<number, GroupUsage>> {
  const lines = process.platform === 'linux' ? linesOfProc() : await linesOfPs(signal)
  return new Map(
    Map.groupBy(lines, ({ group }) => group)
      .entries()
      .map(([group, members]): [number, GroupUsage] => [
        group,
        {
          pids: members.map(({ pid }) => pid),
          cpuSeconds: members.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
          memoryBytes: members.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
        },
      ]),
  )
}

/** The same on every Linux that people run, but a kernel may be built otherwise. */
let units: { readonly ticksPerSecond: number; readonly pageBytes: number } | undefined

function unitsOf(): NonNullable<typeof units> {
  const ask = (name: string): number => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))
  units ??= { ticksPerSecond: ask('CLK_TCK'), pageBytes: ask('PAGESIZE') }
  return units
}

/** Source: proc(5), /proc/PID/stat. */
function linesOfProc(): readonly ProcessLine[] {
  const { ticksPerSecond, pageBytes } = unitsOf()
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return []
    const fields = statOf(entry)
    if (fields === undefined) return []
    // Field 3 is the first: 5 is pgrp, 14 to 17 utime, stime, cutime, cstime, and 24 the resident pages.
    const numberAt = (field: number): number => Number(fields[field - 3] ?? 0)
    const ticks = numberAt(14) + numberAt(15) + numberAt(16) + numberAt(17)
    return [
      {
        pid: Number(entry),
        group: numberAt(5),
        cpuSeconds: ticks / ticksPerSecond,
        memoryBytes: numberAt(24) * pageBytes,
      },
    ]
  })
}

/** undefined: it has ended meanwhile. */
function statOf(pid: string): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // `pid (name) state ppid ...`: the name may hold spaces and parentheses, the last one ends it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

const run = promisify(execFile)

async function linesOfPs(signal: AbortSignal): Promise<readonly ProcessLine[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,pgid=,rss=,time='], {
    signal,
    maxBuffer: 16 * 1024 * 1024,
  })
  return linesOfPsOutput(stdout)
}

/** `4242 4242 10240 1-02:03:04.50`: kibibytes, then days, hours, minutes and seconds of CPU. */
export function linesOfPsOutput(text: string): readonly ProcessLine[] {
  return text.split('\n').flatMap((line) => {
    const [, pid, group, kibibytes, days = '0', clock = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(?:(\d+)-)?([\d:.]+)\s*$/.exec(line) ?? []
    if (pid === undefined) return []
    const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    return [
      {
        pid: Number(pid),
        group: Number(group),
        cpuSeconds: Number(days) * 86_400 + seconds,
        memoryBytes: Number(kibibytes) * 1_024,
      },
    ]
  })
}
