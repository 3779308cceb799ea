const SECOND_NS = 1e9

/**
 * Length of the panic window: a percentage of the stable window in whole seconds, halves up, at least one.
 * 60 s at 10 % is 6 s; 15 s at 70 % is 10.5 s, so 11 s. Reference: pkg/reconciler/autoscaling/resources/metric.go.
 */
export function panicWindowMs(stableWindowMs: number, percentage: number): number {
  // In whole nanoseconds, so that a product just below a half is not lifted over it.
  const exactNs = Math.trunc((stableWindowMs * 1e6 * percentage) / 100)
  return Math.max(1, Math.round(exactNs / SECOND_NS)) * 1000
}
