import type { Decision } from '../../src/core/decision.ts'
import type { Condition } from './conditions.ts'
import { milliOf, type Milli } from './milli.ts'
import type { HpaMemory } from './memory.ts'
import type { HpaMetric, HpaTarget } from './policy.ts'
import type { Proposal } from './propose.ts'

/**
 * A decision of class `hpa`. Of `Decision` it keeps when, how many (undefined: nothing is known, so nothing
 * changes) and the limits; the windows of the KPA it does not have, and each metric has its own inputs instead.
 */
export interface HpaDecision extends Pick<Decision, 'atMs' | 'replicas' | 'limits'> {
  readonly class: 'hpa'
  readonly inputs: {
    /** Ordered, and existing. */
    readonly replicas: number
    readonly present: number
    /** In the order of the policy; empty where the metrics did not come to be read. */
    readonly metrics: readonly HpaMetricInput[]
  }
  /** What the metrics ask for, before any limit; undefined: unusable, or not read. */
  readonly proposed: number | undefined
  readonly conditions: readonly Condition[]
  /** What failed, also where the rest was enough to decide. */
  readonly error: string | undefined
}

/** One metric of a decision. Amounts are in thousandths. */
export interface HpaMetricInput {
  readonly name: string
  readonly type: HpaMetric['type']
  readonly target: HpaTarget
  readonly value?: Milli
  readonly averageValue?: Milli
  /** Percent. */
  readonly utilization?: number
  /** What it proposes on its own; undefined where it failed. */
  readonly replicas: number | undefined
  /** Its proposal is the one that counts. */
  readonly binding: boolean
  readonly error?: string
}

export interface DecidedHpa {
  readonly decision: HpaDecision
  /** As it is once the platform has accepted the number. */
  readonly memory: HpaMemory
  /** As it is where the platform refused the number: it was recommended, and nothing was added or removed. */
  readonly memoryIfRefused: HpaMemory
}

export function inputOf(metric: HpaMetric, proposal: Proposal, binding: boolean): HpaMetricInput {
  const { name } = proposal
  const target = metric.type === 'Invalid' ? {} : metric.target
  const head = { name, type: metric.type, target }
  if (!proposal.ok) return { ...head, replicas: undefined, binding: false, error: proposal.error }
  const { replicas, value, averageValue, utilization } = proposal
  return {
    ...head,
    ...(value === undefined ? {} : { value: milliOf(value) }),
    ...(averageValue === undefined ? {} : { averageValue: milliOf(averageValue) }),
    ...(utilization === undefined ? {} : { utilization }),
    replicas,
    binding,
  }
}
