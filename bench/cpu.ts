import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Of /proc/PID/stat; the same on every Linux that people run. */
const TICKS_PER_SECOND = 100

/** CPU time of all threads of a process so far, user and system, in microseconds; steps of 10 ms. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold blanks. What follows begins with field 3; 14 is utime, 15 stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error(`process ${pid} has no resident memory: it has ended`)
  return Number(kilobytes) * 1024
}

export interface Cores {
  /** What is measured runs here, alone. */
  readonly measured: number
  /** Load generators, upstreams and the benchmark itself. */
  readonly load: number
}

/** @throws Error on a machine with one core: the load would take the time that is measured. */
export function pickCores(): Cores {
  const [, list = ''] = /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  // `0-1,4` is 0, 1 and 4.
  const cores = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  const [measured, load] = cores
  if (measured === undefined || load === undefined)
    throw new Error(`two cores are needed, this process may use ${cores.length}`)
  return { measured, load }
}

/** Moves this process, with all its threads, to one core. */
export function moveTo(core: number, taskset: string): void {
  spawnSync(taskset, ['-a', '-c', '-p', String(core), String(process.pid)], { stdio: 'ignore' })
}

/** `AMD EPYC, 2 cores, 24 GB, Linux 6.18, Node 26.10.0`. */
export function machine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? process.arch
  const cores = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor\s*:/gm)?.length ?? 1
  const kilobytes = Number(/^MemTotal:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').slice(0, 2).join('.')
  return `${model}, ${cores} cores, ${Math.round(kilobytes / 2 ** 20)} GB, Linux ${release}, Node ${process.versions.node}`
}
