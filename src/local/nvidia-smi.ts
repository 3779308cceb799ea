import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Clock } from '../core/clock.ts'
import type { GpuSource, GpuUsage } from '../core/measurements.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import {
  gpusOfSmi,
  processesOfSmi,
  smiGpuArguments,
  smiProcessArguments,
  smiReplica,
} from '../signals/index.ts'
import { groupUsages } from './process-table.ts'
import { codeOf } from './replica-failure.ts'

/** It is not looked for again before. */
const MISSING_MS = 60_000

export interface NvidiaSmiOptions {
  readonly clock: Clock
  /** Default `nvidia-smi`, found on PATH. */
  readonly command?: string
}

const run = promisify(execFile)

/** GPUs of local replicas, as `nvidia-smi` shows them: those on which processes of the replica run. */
export class NvidiaSmi implements GpuSource {
  readonly #clock: Clock
  readonly #command: string
  #missingSinceMs = -Infinity

  constructor({ clock, command = 'nvidia-smi' }: NvidiaSmiOptions) {
    this.#clock = clock
    this.#command = command
  }

  async gpus(replicas: readonly Replica[], signal: AbortSignal): Promise<ReadonlyMap<ReplicaName, GpuUsage>> {
    if (this.#clock.now() - this.#missingSinceMs < MISSING_MS) return this.#none(replicas)
    try {
      const gpusText = await this.#ask(smiGpuArguments, signal)
      const processesText = await this.#ask(smiProcessArguments, signal)
      const groups = await groupUsages(signal)
      const { gpus } = gpusOfSmi(gpusText, this.#clock.now())
      const { processes } = processesOfSmi(processesText)
      return new Map(
        replicas.map(({ name, pid }) => {
          const pids = new Set(groups.get(pid ?? 0)?.pids ?? [])
          const { utilization, memory } = smiReplica({ gpus, processes }, pids)
          return [name, { utilization, memory }]
        }),
      )
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        this.#missingSinceMs = this.#clock.now()
        return this.#none(replicas)
      }
      throw error
    }
  }

  #none(replicas: readonly Replica[]): ReadonlyMap<ReplicaName, GpuUsage> {
    const none = { absent: 'no nvidia-smi', detail: `${this.#command} is not installed` }
    return new Map(replicas.map(({ name }) => [name, { utilization: none, memory: none }]))
  }

  async #ask(args: readonly string[], signal: AbortSignal): Promise<string> {
    const { stdout } = await run(this.#command, args, { signal, maxBuffer: 4 * 1024 * 1024 })
    return stdout
  }
}
