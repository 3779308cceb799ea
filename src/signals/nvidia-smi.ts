import { averaged, ratio, type GpuUse, type ReplicaGpus } from './gpu.ts'
import { absent, shareOf, type Signal } from './signal.ts'

/** How nvidia-smi is asked for what `gpusOfSmi` reads. */
export const smiGpuArguments = [
  '--query-gpu=index,uuid,utilization.gpu,memory.used,memory.total',
  '--format=csv,noheader,nounits',
] as const

/** How nvidia-smi is asked for what `processesOfSmi` reads. */
export const smiProcessArguments = [
  '--query-compute-apps=gpu_uuid,pid,used_memory',
  '--format=csv,noheader,nounits',
] as const

export interface SmiGpu extends GpuUse {
  readonly index: number
  /** MiB; undefined where the driver does not say. */
  readonly totalMiB: number | undefined
}

/** One process on one GPU. */
export interface SmiProcess {
  readonly gpu: string
  readonly pid: number
  /** MiB; undefined where the driver does not say, as in a container or under WSL. */
  readonly usedMiB: number | undefined
}

export interface SmiProblem {
  /** From 1. */
  readonly line: number
  readonly problem: string
}

const LINES_MAX = 10_000

/** GPUs as nvidia-smi prints them, one a line: `0, GPU-5fd4f087, 37, 40337, 81559`. A line that is broken is named. */
export function gpusOfSmi(
  text: string,
  atMs: number,
): { readonly gpus: readonly SmiGpu[]; readonly problems: readonly SmiProblem[] } {
  const gpus: SmiGpu[] = []
  const problems = eachLine(text, 5, ([index = '', gpu = '', busy = '', used = '', total = '']) => {
    if (!/^\d{1,4}$/.test(index)) return `the index is ${JSON.stringify(index)}; a whole number is allowed`
    if (gpu === '') return 'the uuid is empty'
    const memory = ratio(amount(used), amount(total), { atMs, from: 'nvidia-smi memory.used' })
    gpus.push({
      index: Number(index),
      gpu,
      utilization: busyOf(busy, atMs),
      memory: shareOf(memory),
      totalMiB: amount(total),
    })
    return undefined
  })
  return { gpus, problems }
}

/** Processes as nvidia-smi prints them, one a line for each GPU that it uses: `GPU-5fd4f087, 4242, 40320`. */
export function processesOfSmi(text: string): {
  readonly processes: readonly SmiProcess[]
  readonly problems: readonly SmiProblem[]
} {
  const processes: SmiProcess[] = []
  const problems = eachLine(text, 3, ([gpu = '', pid = '', used = '']) => {
    if (!/^\d{1,10}$/.test(pid)) return `the pid is ${JSON.stringify(pid)}; a whole number is allowed`
    if (gpu === '') return 'the uuid of the GPU is empty'
    processes.push({ gpu, pid: Number(pid), usedMiB: amount(used) })
    return undefined
  })
  return { processes, problems }
}

/**
 * The GPUs on which a replica's processes run.
 * @param pids of the replica and all that it started: the one that uses the GPU is seldom the first
 */
export function smiReplica(
  { gpus, processes }: { readonly gpus: readonly SmiGpu[]; readonly processes: readonly SmiProcess[] },
  pids: ReadonlySet<number>,
): ReplicaGpus & {
  /** Of the memory of these GPUs, what its own processes use; 0 to 1. */ readonly ownMemory: Signal
} {
  const own = processes.filter(({ pid }) => pids.has(pid))
  const names = new Set(own.map(({ gpu }) => gpu))
  const used = gpus.filter(({ gpu }) => names.has(gpu))
  const none = absent('not exported', 'nvidia-smi shows none of its processes on a GPU')
  return { ...averaged(used, none), ownMemory: used.length === 0 ? none : ownMemoryOf(own, used) }
}

function ownMemoryOf(own: readonly SmiProcess[], gpus: readonly SmiGpu[]): Signal {
  const [first] = gpus
  const atMs = first !== undefined && 'atMs' in first.memory ? first.memory.atMs : 0
  const sum = (amounts: readonly (number | undefined)[]): number | undefined =>
    amounts.reduce<number | undefined>(
      (total, each) => (total === undefined || each === undefined ? undefined : total + each),
      0,
    )
  const used = sum(own.map(({ usedMiB }) => usedMiB))
  const total = sum(gpus.map(({ totalMiB }) => totalMiB))
  return shareOf(ratio(used, total, { atMs, from: 'nvidia-smi used_memory' }))
}

function busyOf(field: string, atMs: number): Signal {
  const value = amount(field)
  if (value !== undefined) return shareOf({ value: value / 100, atMs, from: 'nvidia-smi utilization.gpu' })
  return absent('not exported', `nvidia-smi utilization.gpu is ${field}; with MIG it is not measured`)
}

/** A number; what stands in brackets (`[N/A]`, `[Not Supported]`, `[Unknown Error]`) is none. */
function amount(field: string): number | undefined {
  return /^\d{1,12}(?:\.\d+)?$/.test(field) ? Number(field) : undefined
}

function eachLine(
  text: string,
  fields: number,
  take: (row: readonly string[]) => string | undefined,
): SmiProblem[] {
  const problems: SmiProblem[] = []
  for (const [at, line] of text.split('\n', LINES_MAX).entries()) {
    if (line.trim() === '' || /^No (?:devices|running)/.test(line)) continue
    const row = line.split(',').map((field) => field.trim())
    const found = JSON.stringify(line.slice(0, 80))
    const problem =
      row.length === fields
        ? take(row)
        : `${found} has ${row.length} fields; ${fields} are allowed, with commas`
    if (problem !== undefined) problems.push({ line: at + 1, problem })
  }
  return problems
}
