import { absent, isPresent, type Absent, type Signal } from './signal.ts'

/** One GPU, or one MIG instance of it, as it is used. */
export interface GpuUse {
  /** `GPU-5fd4...`, or the number of the GPU where nothing else is known; of a MIG instance with `/` and its id. */
  readonly gpu: string
  /** 0 to 1. */
  readonly utilization: Signal
  /** 0 to 1. */
  readonly memory: Signal
}

/** The GPUs of one replica. */
export interface ReplicaGpus {
  readonly gpus: readonly GpuUse[]
  /** Mean over its GPUs, 0 to 1. */
  readonly utilization: Signal
  readonly memory: Signal
}

/** Averages. One GPU that says nothing leaves the others; where none has a value, the first reason stands. */
export function averaged(gpus: readonly GpuUse[], none: Absent): ReplicaGpus {
  return {
    gpus,
    utilization: meanOf(
      gpus.map(({ utilization }) => utilization),
      none,
    ),
    memory: meanOf(
      gpus.map(({ memory }) => memory),
      none,
    ),
  }
}

function meanOf(signals: readonly Signal[], none: Absent): Signal {
  const present = signals.filter(isPresent)
  const [first] = present
  if (first === undefined) return signals[0] ?? none
  const sum = present.reduce((total, { value }) => total + value, 0)
  return {
    value: sum / present.length,
    atMs: Math.min(...present.map(({ atMs }) => atMs)),
    from: present.length === 1 ? first.from : `mean of ${first.from} over ${present.length} GPUs`,
  }
}

/** A share of a whole, of which one may be missing, no number, or zero. */
export function ratio(
  part: number | undefined,
  whole: number | undefined,
  { atMs, from }: { readonly atMs: number; readonly from: string },
): Signal {
  if (part === undefined || whole === undefined) return absent('not exported', `${from} is not exported`)
  if (!Number.isFinite(part) || !Number.isFinite(whole)) {
    return absent('not a number', `${from} is ${part} / ${whole}; two numbers are allowed`)
  }
  if (!(whole > 0)) return absent('out of range', `${from} is ${part} / ${whole}; a whole above 0 is allowed`)
  return { value: part / whole, atMs, from }
}
