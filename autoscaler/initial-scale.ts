import type { Memory, Observation } from './decide.ts'
import type { Policy } from './policy.ts'

/** The replicas that a new revision has to have ready once; 0 = none. */
export function initialFloor({ minScale, initialScale, maxScale }: Policy): number {
  const floor = Math.max(minScale, initialScale)
  return maxScale === 0 ? floor : Math.min(floor, maxScale)
}

/**
 * A new revision within its progress deadline has to show once that its initial scale becomes ready, whether
 * anybody asks for it or not. One that nothing leads to has nobody to show it to.
 */
export function isProving({ progressDeadlineMs }: Policy, observation: Observation, memory: Memory): boolean {
  const isWithinDeadline = observation.nowMs - memory.createdMs < progressDeadlineMs
  return observation.reachable && !memory.initialised && isWithinDeadline
}
