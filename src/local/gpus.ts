import { execFile } from 'node:child_process'
import type { Config } from '../core/config.ts'
import type { ReplicaTemplate } from '../core/revision.ts'
import { ReplicaFailure } from './replica-failure.ts'

export const GPU_RESOURCE = 'nvidia.com/gpu'

/** The ids of GPUs given to one replica; given back when disposed. */
export interface GpuLease extends Disposable {
  readonly ids: readonly string[]
}

interface Waiting {
  readonly count: number
  readonly granted: PromiseWithResolvers<GpuLease>
}

/**
 * Which GPU belongs to which replica. Oldest first: a replica that needs two is not overtaken for ever by those
 * that need one. One that needs more than this machine has is set aside and holds up nobody.
 */
export class GpuLedger {
  readonly #total: number
  #free: string[]
  #waiting: Waiting[] = []

  constructor(ids: readonly string[]) {
    this.#total = ids.length
    this.#free = [...ids]
  }

  /** Whether this machine's GPUs are handed out at all. */
  get isManaged(): boolean {
    return this.#total > 0
  }

  /** The GPUs in this turn, or undefined when one has to wait. */
  tryTake(count: number): GpuLease | undefined {
    if (count > 0 && (this.#waiting.length > 0 || count > this.#free.length)) return undefined
    return this.#grant(count)
  }

  /** The GPUs as soon as there are enough; rejects with the signal's reason when it is aborted. */
  async take(count: number, signal: AbortSignal): Promise<GpuLease> {
    signal.throwIfAborted()
    const waiting: Waiting = { count, granted: Promise.withResolvers() }
    if (count <= this.#total) this.#waiting.push(waiting)
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      waiting.granted.reject(signal.reason)
      // The one that left may have been in front of one that fits.
      this.#serve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#serve()
      return await waiting.granted.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** `needs 2 nvidia.com/gpu, 1 of 4 is free`. */
  shortage(count: number): string {
    const free = this.#free.length
    const reason = `needs ${count} ${GPU_RESOURCE}, ${free} of ${this.#total} ${free === 1 ? 'is' : 'are'} free`
    if (this.#total === 0) return `${reason}: this machine has no GPU, or local.gpus names none`
    return count > this.#total ? `${reason}: more than this machine has` : reason
  }

  #grant(count: number): GpuLease {
    const ids = this.#free.splice(0, count)
    let isHeld = true
    const giveBack = (): void => {
      if (!isHeld) return
      isHeld = false
      this.#free.push(...ids)
      this.#serve()
    }
    return { ids, [Symbol.dispose]: giveBack }
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.count > this.#free.length) return
      this.#waiting.shift()
      first.granted.resolve(this.#grant(first.count))
    }
  }
}

/**
 * How many GPUs a template asks for; its limit counts before its request, as on Kubernetes.
 * @throws ReplicaFailure naming the field and the value, when it is not a whole number.
 */
export function gpuCount(template: Pick<ReplicaTemplate, 'limits' | 'requests'>): number {
  const field = template.limits[GPU_RESOURCE] === undefined ? 'requests' : 'limits'
  const value = template[field][GPU_RESOURCE] ?? '0'
  if (/^\d{1,6}$/.test(value)) return Number(value)
  const reason = `resources.${field}["${GPU_RESOURCE}"]: "${value}" is not allowed; it has to be a whole number of GPUs`
  throw new ReplicaFailure('Unschedulable', reason, { canRetry: false })
}

const NVIDIA_SMI_TIMEOUT_MS = 2_000

/** The GPU ids of `local.gpus`; `auto` asks nvidia-smi, and a machine without it has none. */
export function detectGpus(config: Config, command = 'nvidia-smi'): Promise<readonly string[]> {
  const { gpus } = config.local
  if (gpus !== 'auto') return Promise.resolve(gpus)
  const args = ['--query-gpu=index', '--format=csv,noheader']
  return new Promise((resolve) => {
    execFile(command, args, { timeout: NVIDIA_SMI_TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      const ids = stdout.split('\n').map((line) => line.trim())
      resolve(error === null ? ids.filter((id) => id !== '') : [])
    })
  })
}
