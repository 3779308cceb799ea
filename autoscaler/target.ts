import { find, floatOf, type Annotations } from './annotations.ts'
import { TARGET_MIN, type AutoscalerConfig } from './settings.ts'

/** What one replica carries, in requests in flight or requests per second. */
export interface Target {
  readonly metric: 'concurrency' | 'rps'
  /** What is aimed for: the total times the utilisation, at least 0.01. */
  readonly target: number
  /** What one replica can take. */
  readonly total: number
}

/**
 * containerConcurrency 10 at 70 % aims for 7; an annotation `target: 20` beside it is cut to 10.
 * Reference: pkg/reconciler/autoscaling/resources/target.go.
 */
export function resolveTarget(
  annotations: Annotations,
  containerConcurrency: number,
  config: AutoscalerConfig,
): Target {
  const metric = find(annotations, 'metric')?.value ?? 'concurrency'
  const wanted = floatOf(annotations, 'target')
  const percentage = floatOf(annotations, 'targetUtilizationPercentage')
  const isRps = metric === 'rps'
  const utilization = isRps ? config.targetUtilization : config.containerConcurrencyTargetFraction
  let total =
    wanted ?? (isRps ? config.requestsPerSecondTargetDefault : config.containerConcurrencyTargetDefault)
  if (!isRps && containerConcurrency !== 0) {
    // Aiming above what a replica takes would never be reached.
    if (wanted === undefined) total = containerConcurrency
    else if (metric === 'concurrency') total = Math.min(wanted, containerConcurrency)
  }
  return {
    metric: isRps ? 'rps' : 'concurrency',
    target: Math.max(TARGET_MIN, total * (percentage === undefined ? utilization : percentage / 100)),
    total,
  }
}
