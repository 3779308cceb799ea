import type { Milli } from './milli.ts'
import type { HpaPod } from './pods.ts'

/** All that is seen of a revision at one moment. */
export interface HpaObservation {
  readonly nowMs: number
  /** Replicas that are ordered: spec.replicas of the scale. */
  readonly replicas: number
  /** Replicas that exist: status.replicas. */
  readonly present: number
  readonly pods: readonly HpaPod[]
  /** What each metric's source said, in the order of the policy's metrics. */
  readonly readings: readonly Reading[]
  /** Why it is not known which pods belong to it. Nothing can be measured then. */
  readonly selectorProblem?: {
    readonly reason: 'InvalidSelector' | 'AmbiguousSelector'
    readonly error: string
  }
}

/** Amounts are in thousandths of the metric's unit. */
export type Reading =
  /** For Resource and ContainerResource. */
  | { readonly kind: 'resource'; readonly pods: readonly PodUsage[] }
  /** For Pods. */
  | { readonly kind: 'pods'; readonly values: readonly { readonly pod: string; readonly value: Milli }[] }
  /** For Object. */
  | { readonly kind: 'object'; readonly value: Milli }
  /** For External: one value for each series. */
  | { readonly kind: 'external'; readonly values: readonly Milli[] }
  /** The source has no answer, and why. */
  | { readonly kind: 'unavailable'; readonly error: string }

/** One pod's answer of a resource metrics API. */
export interface PodUsage {
  readonly pod: string
  readonly atMs: number
  /** Length of time that the usage is an average of. */
  readonly windowMs: number
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, Milli>> }[]
}
