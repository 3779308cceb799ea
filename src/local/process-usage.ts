import type { Clock } from '../core/clock.ts'
import type { Measured, ResourceUsage, UsageSource } from '../core/measurements.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import { groupUsages, type GroupUsage } from './process-table.ts'

interface Reading {
  readonly pid: number
  readonly atMs: number
  readonly cpuSeconds: number
}

/** What a container is called where a manifest gives no name, as in KServe: a local replica is one. */
const CONTAINER = 'kserve-container'
const FROM = 'process table'

/** CPU and memory of local replicas, from the table of processes. A replica is the group of its first process. */
export class ProcessUsage implements UsageSource {
  readonly #clock: Clock
  readonly #read: (signal: AbortSignal) => Promise<ReadonlyMap<number, GroupUsage>>
  #before: ReadonlyMap<ReplicaName, Reading> = new Map()

  constructor(
    clock: Clock,
    read: (signal: AbortSignal) => Promise<ReadonlyMap<number, GroupUsage>> = groupUsages,
  ) {
    this.#clock = clock
    this.#read = read
  }

  async usage(
    replicas: readonly Replica[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, Measured<ResourceUsage>>> {
    const groups = await this.#read(signal)
    const atMs = this.#clock.now()
    const before = this.#before
    const now = new Map<ReplicaName, Reading>()
    const measured = new Map<ReplicaName, Measured<ResourceUsage>>()
    for (const { name, pid } of replicas) {
      const group = pid === undefined ? undefined : groups.get(pid)
      if (pid === undefined || group === undefined) {
        measured.set(name, {
          absent: 'no process',
          detail: pid === undefined ? 'it has no process' : `process ${pid} is not there`,
        })
        continue
      }
      const reading = { pid, atMs, cpuSeconds: group.cpuSeconds }
      now.set(name, reading)
      measured.set(name, usageBetween(before.get(name), reading, group.memoryBytes))
    }
    this.#before = now
    return measured
  }
}

function usageBetween(
  before: Reading | undefined,
  { pid, atMs, cpuSeconds }: Reading,
  memoryBytes: number,
): Measured<ResourceUsage> {
  const windowMs = atMs - (before?.atMs ?? atMs)
  if (before === undefined || before.pid !== pid || windowMs <= 0) {
    return { absent: 'one reading so far', detail: 'its use of the CPU needs two readings' }
  }
  // Of a process that ended and that nobody waited for, the time is lost.
  const used = Math.max(0, cpuSeconds - before.cpuSeconds)
  const containers = [{ name: CONTAINER, cpuCores: (1_000 * used) / windowMs, memoryBytes }]
  return { value: { windowMs, containers }, atMs, from: FROM }
}
