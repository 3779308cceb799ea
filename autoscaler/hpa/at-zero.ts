import { inputOf, type HpaMetricInput } from './decision.ts'
import type { HpaObservation } from './observation.ts'
import type { HpaPolicy } from './policy.ts'
import { propose } from './propose.ts'

/**
 * What the metrics that are there without any replica (Object and External) propose for a revision that has none,
 * for whoever decides about zero outside of `decideHpa`. The observation is one of 0 replicas.
 */
export function proposeAtZero(policy: HpaPolicy, observation: HpaObservation): readonly HpaMetricInput[] {
  const proposals = policy.metrics.flatMap((metric, index) =>
    metric.type === 'Object' || metric.type === 'External'
      ? [{ metric, proposal: propose(policy, metric, observation.readings[index], observation) }]
      : [],
  )
  const most = Math.max(0, ...proposals.map(({ proposal }) => (proposal.ok ? proposal.replicas : 0)))
  const binding = proposals.find(({ proposal }) => proposal.ok && proposal.replicas === most && most > 0)
  return proposals.map((each) => inputOf(each.metric, each.proposal, each === binding))
}
