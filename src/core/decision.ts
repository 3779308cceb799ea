/** How many replicas a revision should have, and why. Plain data: it is logged, kept and replayed. */
export interface Decision {
  readonly atMs: number
  /** undefined: nothing is known (no data), so nothing is changed. */
  readonly replicas: number | undefined
  readonly mode: 'stable' | 'panic'
  /** Every limit that moved the number, in the order in which it was applied, in words. */
  readonly limits: readonly string[]
  readonly inputs: {
    readonly metric: 'concurrency' | 'rps'
    /** Totals over the revision. */
    readonly stable: number
    readonly panic: number
    /** Ready replicas. */
    readonly ready: number
    /** Per replica, after utilisation. */
    readonly target: number
  }
  /** floor(ready * total - burst capacity - panic), Knative's excess burst capacity. */
  readonly excessBurstCapacity: number
}
