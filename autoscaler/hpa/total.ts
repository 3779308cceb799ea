import type { Estimate, Scale } from './estimate.ts'
import { INT32_MAX, INT64_MAX, int32Of, wrapInt64 } from './milli.ts'
import { readyPodsOf, type HpaPod } from './pods.ts'
import { isWithin, type Tolerance } from './tolerance.ts'

/**
 * Replicas from one number for the whole: of an object (a queue, an ingress), or of something outside.
 * Reference: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
 */

/**
 * Target: the number itself, which more replicas are expected to lower. 30 waiting at a target of 10 triple the
 * ready pods; from nothing they start 3.
 */
export function valueEstimate(
  value: bigint,
  target: bigint,
  { replicas, tolerance }: Scale,
  pods: readonly HpaPod[],
): Estimate {
  const ratio = Number(value) / Number(target)
  if (replicas === 0) return { ok: true, replicas: int32Of(Math.ceil(ratio)), value }
  if (isWithin(tolerance, ratio)) return { ok: true, replicas, value }
  if (pods.length === 0) {
    return { ok: false, error: 'unable to calculate ready pods: no pods returned by selector' }
  }
  return { ok: true, replicas: int32Of(Math.min(Math.ceil(ratio * readyPodsOf(pods)), INT32_MAX)), value }
}

/**
 * Target: so much of the number for each replica. 25 at a target of 10 are 3 replicas, as many as there may be.
 * @param present replicas that exist: status.replicas
 */
export function shareEstimate(
  value: bigint,
  targetPerReplica: bigint,
  present: number,
  tolerance: Tolerance,
): Estimate {
  const ratio = Number(value) / (Number(targetPerReplica) * present)
  const wanted = Math.ceil(Number(value) / Number(targetPerReplica))
  const share = Math.ceil(Number(value) / present)
  return {
    ok: true,
    replicas: isWithin(tolerance, ratio) ? present : int32Of(wanted),
    averageValue: int64Of(share),
  }
}

/** Of no replicas there is no share: undefined. */
function int64Of(share: number): bigint | undefined {
  if (!Number.isFinite(share)) return undefined
  const whole = BigInt(share)
  return whole > INT64_MAX ? INT64_MAX : whole
}

/** Series of a Value target added up; a sum that does not fit ends at the largest number. */
export function sumOf(values: readonly bigint[]): bigint {
  let sum = 0n
  for (const value of values) {
    if (value > 0n && sum > INT64_MAX - value) return INT64_MAX
    sum = wrapInt64(sum + value)
  }
  return sum
}

/** Series of an AverageValue target added up. Kubernetes takes any negative sum for one that did not fit. */
export function nonNegativeSumOf(values: readonly bigint[]): bigint {
  let sum = 0n
  for (const value of values) {
    sum = wrapInt64(sum + value)
    if (sum < 0n) return INT64_MAX
  }
  return sum
}
