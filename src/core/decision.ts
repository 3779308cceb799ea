/** How many replicas a revision should have, and why. Plain data: it is logged, kept and shown. */
export interface Decision {
  readonly class: ScalingClass
  readonly atMs: number
  /** undefined: nothing is known (no data), so nothing is changed. */
  readonly replicas: number | undefined
  /** `panic`: the KPA holds what a burst asked for. Other classes have no panic. */
  readonly mode: 'stable' | 'panic'
  /** Every limit that moved the number, in the order in which it was applied, in words. */
  readonly limits: readonly string[]
  /** What was measured, and what each asks for on its own. The one whose number counts is `binding`. */
  readonly signals: readonly Signal[]
  /** What every class sees, as gateways and cluster report it. */
  readonly inputs: {
    readonly metric: 'concurrency' | 'rps'
    /** Totals over the revision. */
    readonly stable: number
    readonly panic: number
    /** Ready replicas. */
    readonly ready: number
    /** Replicas that exist and are not ready yet. */
    readonly starting: number
    /** Requests held because no replica has room. */
    readonly waiting: number
    /** Per replica, after utilisation; what the KPA aims at. */
    readonly target: number
  }
  /** How far back was looked, in ms, by name: `stable`, `panic`, and `scale down` where shrinking waits. */
  readonly windowsMs: Readonly<Record<string, number>>
  /** Of class `hpa`: Kubernetes' conditions. */
  readonly conditions?: readonly DecisionCondition[]
  /** floor(ready * total - burst capacity - panic), Knative's excess burst capacity. */
  readonly excessBurstCapacity: number
}

/**
 * Who decides: `kpa` on what gateways report, `hpa` on metrics as Kubernetes' HPA does, `llm` on what engines say
 * of their queues and caches; `fixed` is as many as the manifest says; with `external` it is not for us to say.
 */
export type ScalingClass = 'kpa' | 'fixed' | 'external' | 'hpa' | 'llm'

/** One thing that was measured, and what it asks for. */
export interface Signal {
  /** `panic window`, `kv cache`, `external metric queue_length`. */
  readonly name: string
  /** Of value and target; empty where there is none. */
  readonly unit: string
  /** Over the whole revision, unless the unit says otherwise; undefined: `reason` says why. */
  readonly value?: number
  /** What one replica is meant to have of it, unless the unit says otherwise. */
  readonly target?: number
  /** Replicas that it asks for on its own, before any limit; undefined: it asks for nothing. */
  readonly proposal?: number
  /** Its proposal is the one that counts; at most one of a decision. */
  readonly binding: boolean
  /** What is missing, and why: `p-2: 14 s old`. */
  readonly reason?: string
}

export interface DecisionCondition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
}
