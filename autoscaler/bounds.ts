import type { Policy } from './policy.ts'

/** A number of replicas on its way to a decision, with every limit that moved it so far. */
export interface Proposal {
  readonly replicas: number
  readonly limits: readonly string[]
}

/** Moves the number and says why; the same number leaves no trace. */
export function moveTo(proposal: Proposal, replicas: number, limit: string): Proposal {
  if (replicas === proposal.replicas) return proposal
  return { replicas, limits: [...proposal.limits, limit] }
}

/**
 * min-scale, initial-scale and max-scale. A revision that no request can reach keeps no minimum; the initial
 * scale counts while a new revision has to prove that it starts. max-scale goes before all others.
 * Reference: pkg/reconciler/autoscaling/kpa/scaler.go `applyBounds`.
 */
export function applyBounds(
  policy: Policy,
  proposal: Proposal,
  revision: { readonly reachable: boolean; readonly isProving: boolean },
): Proposal {
  const { minScale, maxScale, initialScale } = policy
  let bounded = proposal
  if (revision.reachable) {
    bounded = moveTo(bounded, Math.max(bounded.replicas, minScale), `min scale ${minScale}`)
    if (initialScale > 1 && revision.isProving) {
      bounded = moveTo(bounded, Math.max(bounded.replicas, initialScale), `initial scale ${initialScale}`)
    }
  }
  if (maxScale === 0) return bounded
  return moveTo(bounded, Math.min(bounded.replicas, maxScale), `max scale ${maxScale}`)
}
