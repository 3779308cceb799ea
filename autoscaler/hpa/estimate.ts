import { int32Of } from './milli.ts'
import type { PodClasses, Sample } from './pods.ts'
import { isWithin, type Tolerance } from './tolerance.ts'

/** What one metric proposes, and the usage it was made of; or why it cannot say. */
export type Estimate =
  | {
      readonly ok: true
      readonly replicas: number
      /** In thousandths. undefined where it is no number: a share of nothing. */
      readonly value?: bigint | undefined
      readonly averageValue?: bigint | undefined
      /** Percent of the request, without its fraction. */
      readonly utilization?: number
    }
  | { readonly ok: false; readonly error: string }

export interface Scale {
  /** spec.replicas: what was ordered. */
  readonly replicas: number
  readonly tolerance: Tolerance
}

/** How to form a ratio of usage to target from samples, and what to put for pods that have none. */
export interface Filling {
  readonly ratioOf: (samples: ReadonlyMap<string, Sample>) => number
  /** For a missing pod when the others are below the target: enough for it to speak against scaling down. */
  readonly missingBelow: (pod: string) => bigint
}

/**
 * Replicas for a ratio of usage to target, from samples of ready pods (those of ignored and unready pods are
 * gone already). Pods that say nothing are given the benefit of the doubt: in scaling down they are taken to be
 * busy, in scaling up to be idle, and where that turns the direction nothing is done.
 *
 *     4 ready at twice the target, 1 missing  ->  8 shares over 5 pods: 1.6 x 5 = 8
 *     4 ready at half of it, 1 missing        ->  2 shares + 1 over 5 pods: 0.6 x 5 = 3
 *
 * Reference: kubernetes pkg/controller/podautoscaler/replica_calculator.go `GetResourceReplicas`.
 */
export function replicasForRatio(
  samples: Map<string, Sample>,
  ratio: number,
  { ready, missing, unready }: PodClasses,
  { replicas, tolerance }: Scale,
  { ratioOf, missingBelow }: Filling,
): number {
  const growsBesideUnready = unready.length > 0 && ratio > 1
  if (missing.length === 0 && !growsBesideUnready) {
    return isWithin(tolerance, ratio) ? replicas : int32Of(Math.ceil(ratio * ready))
  }
  const filled = new Map(samples)
  const fill = (pod: string, value: bigint): unknown => filled.set(pod, { value, atMs: 0, windowMs: 0 })
  if (ratio < 1) for (const pod of missing) fill(pod, missingBelow(pod))
  if (ratio > 1) for (const pod of missing) fill(pod, 0n)
  if (growsBesideUnready) for (const pod of unready) fill(pod, 0n)

  const newRatio = ratioOf(filled)
  const isTurned = (ratio < 1 && newRatio > 1) || (ratio > 1 && newRatio < 1)
  if (isWithin(tolerance, newRatio) || isTurned) return replicas
  const proposed = int32Of(Math.ceil(newRatio * filled.size))
  const isAgainst = (newRatio < 1 && proposed > replicas) || (newRatio > 1 && proposed < replicas)
  return isAgainst ? replicas : proposed
}
