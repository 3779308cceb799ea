import { keep, type Recommendation } from './memory.ts'
import type { HpaBehavior } from './policy.ts'

/**
 * What was recommended a while ago holds against going back and forth.
 * Reference: kubernetes pkg/controller/podautoscaler/horizontal.go `stabilizeRecommendation`,
 * `stabilizeRecommendationWithBehaviors`.
 */

export interface Stabilized {
  readonly replicas: number
  /** Of the condition AbleToScale; undefined where the recommendation was left as it is. */
  readonly reason: 'ScaleUpStabilized' | 'ScaleDownStabilized' | undefined
  readonly recommendations: readonly Recommendation[]
}

/** Without `behavior`: the largest of the window. One that is exactly as old as the window counts. */
export function stabilize(
  recommended: Recommendation,
  recommendations: readonly Recommendation[],
  windowMs: number,
): Stabilized {
  const isOld = ({ atMs }: Recommendation): boolean => atMs < recommended.atMs - windowMs
  const replicas = recommendations.reduce(
    (highest, each) => (isOld(each) ? highest : Math.max(highest, each.replicas)),
    recommended.replicas,
  )
  return {
    replicas,
    reason: replicas === recommended.replicas ? undefined : 'ScaleDownStabilized',
    recommendations: keep(recommendations, recommended, isOld),
  }
}

/**
 * With `behavior`: the current size, raised only to what was recommended all through the up window, lowered only
 * to what was enough all through the down window. One that is exactly as old as its window does not count.
 *
 *     current 5, recommended 9, within the up window 7    ->  7
 *     current 5, recommended 2, within the down window 4  ->  4
 */
export function stabilizeByBehavior(
  recommended: Recommendation,
  recommendations: readonly Recommendation[],
  current: number,
  { scaleUp, scaleDown }: HpaBehavior,
): Stabilized {
  const upSinceMs = recommended.atMs - scaleUp.stabilizationWindowMs
  const downSinceMs = recommended.atMs - scaleDown.stabilizationWindowMs
  let lowest = recommended.replicas
  let highest = recommended.replicas
  for (const { atMs, replicas } of recommendations) {
    if (atMs > upSinceMs) lowest = Math.min(lowest, replicas)
    if (atMs > downSinceMs) highest = Math.max(highest, replicas)
  }
  const replicas = Math.min(Math.max(current, lowest), highest)
  const reason = recommended.replicas >= current ? 'ScaleUpStabilized' : 'ScaleDownStabilized'
  return {
    replicas,
    reason: replicas === recommended.replicas ? undefined : reason,
    recommendations: keep(recommendations, recommended, ({ atMs }) => atMs < upSinceMs && atMs < downSinceMs),
  }
}
