import { moveTo, type Proposal } from './bounds.ts'
import { conclude } from './conclude.ts'
import type { Decided, Memory, Observation } from './decide.ts'
import { initialFloor, isProving } from './initial-scale.ts'
import type { Policy } from './policy.ts'
import { wakeFor } from './scale-to-zero.ts'

/**
 * Without data the last number stays, except where it is known to be too small: a request waits, a new
 * revision has to start once, or the minimum is not there.
 */
export function decideBlind(policy: Policy, observation: Observation, memory: Memory): Decided {
  const { ready, starting, waiting, reachable } = observation
  const present = Math.max(ready + starting, memory.replicas ?? 0)
  let proposal: Proposal = { replicas: present, limits: [] }
  if (waiting > 0 && present === 0) proposal = wakeFor(policy, waiting, proposal)
  if (reachable) {
    const floor = isProving(policy, observation, memory) ? initialFloor(policy) : policy.minScale
    const name = floor > policy.minScale ? 'initial scale' : 'min scale'
    proposal = moveTo(proposal, Math.max(proposal.replicas, floor), `${name} ${floor}`)
  }
  if (proposal.replicas > present) return conclude(policy, observation, memory, proposal)
  return conclude(policy, observation, memory, { replicas: undefined, limits: ['no data: nothing changes'] })
}
