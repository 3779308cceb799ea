import { replicasForRatio, type Estimate, type Scale } from './estimate.ts'
import { wrapInt64 } from './milli.ts'
import { classifyPods, type HpaPod, type PodClasses, type PodTimes, type Sample } from './pods.ts'
import { podRequestsOf } from './requests.ts'

/**
 * Replicas from a metric that each pod has: a share of its request, or an average.
 * Reference: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
 */

export interface PodsSeen {
  readonly pods: readonly HpaPod[]
  readonly samples: ReadonlyMap<string, Sample>
  /** The resource measured; undefined for a metric of the application. */
  readonly resource: string | undefined
  readonly times: PodTimes
  readonly scale: Scale
}

const noPods = 'no pods returned by selector while calculating replica count'
const noSamples = 'did not receive metrics for targeted pods (pods might be unready)'

/** Target: percent of what the pods asked for. 4 pods at 160 % of a target of 80 % become 8. */
export function utilizationEstimate(
  seen: PodsSeen,
  target: {
    readonly resource: string
    readonly container?: string | undefined
    readonly utilization: number
    readonly podLevelResources: boolean
  },
): Estimate {
  const counted = countedOf(seen)
  if (!counted.ok) return counted
  const asked = podRequestsOf(seen.pods, target)
  if (!asked.ok) return asked
  const { requests } = asked
  const first = utilizationOf(counted.samples, requests)
  if (first === undefined) return { ok: false, error: 'no metrics returned matched known pods' }
  // Below a target above 100 % a missing pod is taken to be at the target, else at its whole request.
  const assumedPercent = BigInt(Math.max(100, target.utilization))
  const replicas = replicasForRatio(
    counted.samples,
    first.percent / target.utilization,
    counted.classes,
    seen.scale,
    {
      ratioOf: (samples) => (utilizationOf(samples, requests)?.percent ?? 0) / target.utilization,
      missingBelow: (pod) => wrapInt64((requests.get(pod) ?? 0n) * assumedPercent) / 100n,
    },
  )
  return { ok: true, replicas, utilization: first.percent, averageValue: first.average }
}

/** Target: so much per pod. Every sample counts here, also of pods that nobody listed. */
export function averageEstimate(seen: PodsSeen, targetPerPod: bigint): Estimate {
  const counted = countedOf(seen)
  if (!counted.ok) return counted
  const ratioOf = (samples: ReadonlyMap<string, Sample>): number =>
    Number(averageOf(samples)) / Number(targetPerPod)
  const replicas = replicasForRatio(counted.samples, ratioOf(counted.samples), counted.classes, seen.scale, {
    ratioOf,
    missingBelow: () => targetPerPod,
  })
  return { ok: true, replicas, averageValue: averageOf(counted.samples) }
}

type Counted =
  | { readonly ok: true; readonly samples: Map<string, Sample>; readonly classes: PodClasses }
  | { readonly ok: false; readonly error: string }

/** The samples without those of pods that are leaving or not ready yet. */
function countedOf({ pods, samples, resource, times }: PodsSeen): Counted {
  if (pods.length === 0) return { ok: false, error: noPods }
  const classes = classifyPods(pods, samples, { ...times, resource })
  const counted = new Map(samples)
  for (const pod of [...classes.ignored, ...classes.unready]) counted.delete(pod)
  return counted.size === 0 ? { ok: false, error: noSamples } : { ok: true, samples: counted, classes }
}

/** Of all pods that have both a sample and a request; undefined where nothing was asked for. */
function utilizationOf(
  samples: ReadonlyMap<string, Sample>,
  requests: ReadonlyMap<string, bigint>,
): { readonly percent: number; readonly average: bigint } | undefined {
  let used = 0n
  let asked = 0n
  let count = 0n
  for (const [pod, { value }] of samples) {
    const request = requests.get(pod)
    if (request === undefined) continue
    used = wrapInt64(used + value)
    asked = wrapInt64(asked + request)
    count += 1n
  }
  if (asked === 0n) return undefined
  // Whole percents: 89.9 % of a target of 90 % are 89 / 90.
  const percent = Number(BigInt.asIntN(32, wrapInt64(used * 100n) / asked))
  return { percent, average: used / count }
}

function averageOf(samples: ReadonlyMap<string, Sample>): bigint {
  let total = 0n
  for (const { value } of samples.values()) total = wrapInt64(total + value)
  return total / BigInt(samples.size)
}
