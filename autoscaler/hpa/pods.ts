import type { Milli } from './milli.ts'

/** What counts about one pod. Times are on the clock of the observation. */
export interface HpaPod {
  readonly name: string
  /** `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`. */
  readonly phase: string
  /** It is being deleted: metadata.deletionTimestamp is set. */
  readonly deleted?: boolean
  /** When the kubelet took it; null: not yet. */
  readonly startMs: number | null
  /** Its Ready condition; null: it has none. */
  readonly ready: { readonly status: 'True' | 'False' | 'Unknown'; readonly transitionMs: number } | null
  /** Only requests are looked at, so without resource metrics these may be left out. */
  readonly containers?: readonly ContainerRequests[]
  readonly initContainers?: readonly InitContainerRequests[]
  /** spec.resources.requests of the pod as a whole. */
  readonly podRequests?: Readonly<Record<string, Milli>>
}

export interface ContainerRequests {
  readonly name: string
  /** By the name of the resource: `cpu`, `memory`. */
  readonly requests?: Readonly<Record<string, Milli>>
}

export interface InitContainerRequests extends ContainerRequests {
  /** A sidecar: restartPolicy Always. */
  readonly restartAlways?: boolean
}

/** One pod's measured amount. */
export interface Sample {
  readonly value: bigint
  readonly atMs: number
  /** Length of time that the sample is an average of. */
  readonly windowMs: number
}

export interface PodTimes {
  readonly nowMs: number
  /** How long a pod counts as starting, when its CPU says little about load. */
  readonly cpuInitializationPeriodMs: number
  /** Within this time after its start a pod that is not ready is held for one that never was. */
  readonly initialReadinessDelayMs: number
}

export interface PodClasses {
  /** Pods whose sample counts. */
  readonly ready: number
  readonly unready: readonly string[]
  readonly missing: readonly string[]
  readonly ignored: readonly string[]
}

/**
 * Sorts pods by what their samples are worth; the first that fits:
 *
 *     ignored   on its way out, or failed
 *     unready   pending; for cpu also: starting, or not ready and never was
 *     missing   without a sample
 *     ready     the rest, whatever its Ready condition says
 *
 * Reference: kubernetes pkg/controller/podautoscaler/replica_calculator.go `groupPods`.
 */
export function classifyPods(
  pods: readonly HpaPod[],
  samples: ReadonlyMap<string, Sample>,
  times: PodTimes & { readonly resource: string | undefined },
): PodClasses {
  const unready = new Set<string>()
  const missing = new Set<string>()
  const ignored = new Set<string>()
  let ready = 0
  for (const pod of pods) {
    const sample = samples.get(pod.name)
    if (pod.deleted === true || pod.phase === 'Failed') ignored.add(pod.name)
    else if (pod.phase === 'Pending') unready.add(pod.name)
    else if (sample === undefined) missing.add(pod.name)
    else if (times.resource === 'cpu' && isStarting(pod, sample, times)) unready.add(pod.name)
    else ready += 1
  }
  return { ready, unready: [...unready], missing: [...missing], ignored: [...ignored] }
}

/** Whether the CPU of a pod is still that of its start: a server that loads a model burns all it may. */
function isStarting({ startMs, ready }: HpaPod, sample: Sample, times: PodTimes): boolean {
  if (ready === null || startMs === null) return true
  const isUnready = ready.status === 'False'
  if (startMs + times.cpuInitializationPeriodMs > times.nowMs) {
    // A sample has to be wholly of the time after the last change.
    return isUnready || sample.atMs < ready.transitionMs + sample.windowMs
  }
  return isUnready && startMs + times.initialReadinessDelayMs > ready.transitionMs
}

/** Pods that can answer: a metric of the whole (Object, External) is shared by these. Deleted ones count too. */
export function readyPodsOf(pods: readonly HpaPod[]): number {
  return pods.filter(({ phase, ready }) => phase === 'Running' && ready?.status === 'True').length
}
