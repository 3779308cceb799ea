import { moveTo, type Proposal } from './bounds.ts'
import type { Observation, Memory } from './decide.ts'
import { isProving } from './initial-scale.ts'
import type { Policy } from './policy.ts'

/** A proposal of 0 made final, and since when the revision counts as idle (null: it does not). */
export interface ZeroVerdict {
  readonly proposal: Proposal
  readonly idleSinceMs: number | null
}

/**
 * Whether the last replica may leave. It stays while one of these holds, in this order:
 *
 * 1. a request waits
 * 2. `enable-scale-to-zero` is false
 * 3. the revision is new and had not its initial scale ready yet, within the progress deadline: a new revision
 *    proves once that it starts
 * 4. it is up (woken, or ready) for less than the stable window, or had demand within it: whoever starts a
 *    replica for ten minutes gets one stable window of it, and a restarted controller first watches for one
 * 5. it is idle for less than the pod retention
 *
 * A revision that sleeps already is not woken by 4 or 5.
 *
 * A woken revision whose clients all left is thus given up after one idle stable window, though it may not be
 * ready yet: a GPU that loads a model for nobody is what this system exists to avoid. As long as one request
 * waits it is never given up, however long it loads; the request's own deadline ends that.
 *
 * Knative's `scale-to-zero-grace-period` has no part: it bounds how long its network takes to move the activator
 * into the path, and here the gateway never leaves the path.
 */
export function judgeZero(
  policy: Policy,
  observation: Observation & { readonly stable: number },
  memory: Memory,
  proposal: Proposal,
): ZeroVerdict {
  const { nowMs, ready, starting, waiting, reachable } = observation
  const stay = (limit: string, idleSinceMs: number | null = null): ZeroVerdict => ({
    proposal: moveTo(proposal, 1, limit),
    idleSinceMs,
  })
  if (waiting > 0) return { proposal: wakeFor(policy, waiting, proposal), idleSinceMs: null }
  if (!policy.scaleToZero) return stay('scale to zero is disabled')
  if (policy.initialScale > 0 && isProving(policy, observation, memory)) {
    return stay('initial scale 1: the revision was not ready yet')
  }
  const isUp = ready + starting > 0 || (memory.replicas ?? 0) > 0
  if (!isUp) return { proposal, idleSinceMs: null }
  const isIdle = observation.stable === 0 && nowMs - memory.upSinceMs >= policy.stableWindowMs
  if (!isIdle) return stay(`not idle for the stable window of ${policy.stableWindowMs / 1000} s`)
  const idleSinceMs = memory.idleSinceMs ?? nowMs
  // An unreachable revision has nobody to be kept warm for.
  const retentionMs = reachable ? policy.podRetentionMs : 0
  if (nowMs - idleSinceMs < retentionMs) return stay(`pod retention ${retentionMs / 1000} s`, idleSinceMs)
  return { proposal, idleSinceMs }
}

/** Enough for whoever waits: one replica, or the smallest number that is not zero. */
export function wakeFor(
  { activationScale, maxScale }: Policy,
  waiting: number,
  proposal: Proposal,
): Proposal {
  const wanted = Math.max(1, activationScale)
  return moveTo(proposal, maxScale === 0 ? wanted : Math.min(wanted, maxScale), waitingLimit(waiting))
}

/** The limit that says that requests woke it. */
export function waitingLimit(waiting: number): string {
  return `${waiting} waiting`
}
