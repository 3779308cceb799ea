import { applyBounds, type Proposal } from './bounds.ts'
import { conclude, type Answer } from './conclude.ts'
import type { Decided, Memory, Observation } from './decide.ts'
import { decideBlind } from './decide-blind.ts'
import { hpaAtZero, hpaTurn } from './hpa-turn.ts'
import { isProving } from './initial-scale.ts'
import { decideLlm, initialLlmMemory, requestsOf } from './llm/index.ts'
import { scaleDownWindowMs, type Policy } from './policy.ts'
import { judgeZero } from './scale-to-zero.ts'

type MetricsPolicy = Extract<Policy, { readonly class: 'hpa' | 'llm' }>

/**
 * The classes `hpa` and `llm`: metrics say how many, and requests whether any at all. A metric of replicas can say
 * nothing of a revision that has none, and one that sticks, or has no answer, must not keep GPUs awake for nobody.
 *
 *     asleep   woken by a request that waits, or by a metric from outside (a queue's length)
 *     awake    at least 1, as the class decides; 0 once it is idle
 */
export function decideByMetrics(policy: MetricsPolicy, observation: Observation, memory: Memory): Decided {
  const { ready, starting } = observation
  const ordered = memory.replicas ?? 0
  const replicas = ordered > 0 ? ordered : ready + starting
  return replicas === 0
    ? decideAsleep(policy, observation, memory)
    : decideAwake(policy, observation, memory, replicas)
}

function decideAsleep(policy: MetricsPolicy, observation: Observation, memory: Memory): Decided {
  const { stable, reachable } = observation
  const { signals = [], ...answer } = answerAtZero(policy, observation)
  const bounded = applyBounds(policy, answer, {
    reachable,
    isProving: isProving(policy, observation, memory),
  })
  if (bounded.replicas > 0) {
    return conclude(policy, observation, { ...memory, idleSinceMs: null }, { ...bounded, signals })
  }
  if (stable === undefined) return decideBlind(policy, observation, memory)
  const { proposal, idleSinceMs } = judgeZero(policy, { ...observation, stable }, memory, bounded)
  return conclude(policy, observation, { ...memory, idleSinceMs }, { ...proposal, signals })
}

function answerAtZero(
  policy: MetricsPolicy,
  observation: Observation,
): Answer & { readonly replicas: number } {
  if (policy.class === 'hpa') return hpaAtZero(policy, observation)
  const { waiting, inFlight = 0 } = observation
  const { capacity } = policy.llm
  const requests = requestsOf({ waiting, inFlight })
  // Without a capacity it is one replica for whoever waits, as for every class.
  if (requests === 0 || capacity === 0) return { replicas: 0, limits: [] }
  const proposal = Math.ceil(requests / capacity)
  const signal = { name: 'requests', unit: 'requests', value: requests, target: capacity, proposal }
  return { replicas: proposal, limits: [], signals: [{ ...signal, binding: true }] }
}

function decideAwake(
  policy: MetricsPolicy,
  observation: Observation,
  before: Memory,
  current: number,
): Decided {
  const { answer, memory } = ask(policy, observation, before, current)
  const { signals = [], conditions } = answer
  const verdict = judgeIdle(policy, observation, memory, { answer, current })
  const remembered = { ...memory, idleSinceMs: verdict.idleSinceMs }
  if (verdict.isIdle) {
    // What metrics said of the old load has no part in how the revision wakes.
    const asleep = { ...remembered, hpa: undefined, llm: undefined }
    const limits = [...answer.limits, 'idle: no requests']
    return conclude(policy, observation, asleep, { replicas: 0, limits, signals, conditions })
  }
  const proposal: Proposal = {
    replicas: answer.replicas ?? current,
    limits: [...answer.limits, ...verdict.limits],
  }
  const { replicas, limits } = applyBounds(policy, proposal, {
    reachable: observation.reachable,
    isProving: isProving(policy, observation, memory),
  })
  const isUnknown = answer.replicas === undefined && replicas === current
  return conclude(policy, observation, remembered, {
    replicas: isUnknown ? undefined : replicas,
    limits,
    signals,
    conditions,
  })
}

/** What the class says, at least 1, and the memory with what it remembers. */
function ask(
  policy: MetricsPolicy,
  observation: Observation,
  memory: Memory,
  replicas: number,
): { readonly answer: Answer; readonly memory: Memory } {
  if (policy.class === 'hpa') {
    const hpa = hpaTurn(policy, observation, memory, replicas)
    return { answer: hpa.answer, memory: { ...memory, hpa } }
  }
  const { nowMs, ready, starting, waiting, inFlight = 0, reachable, readings = {} } = observation
  const minReplicas = Math.max(1, reachable ? policy.minScale : 0)
  const seen = { nowMs, replicas, ready, starting, waiting, inFlight, engines: readings.engines ?? [] }
  const decided = decideLlm({ ...policy.llm, minReplicas }, seen, memory.llm ?? initialLlmMemory)
  return { answer: decided.decision, memory: { ...memory, llm: decided.memory } }
}

interface IdleVerdict {
  readonly isIdle: boolean
  /** Why the last replica stays, where it is the last and nobody asks for it. */
  readonly limits: readonly string[]
  readonly idleSinceMs: number | null
}

/**
 * Whether nobody asks for the revision any more. The last replica goes by the rules that all classes have. Where the
 * class wants more than one, or cannot say, all go together, but only once nobody asked for as long as the class
 * itself looks back: what still holds the number then is a metric of replicas that serve nobody.
 */
function judgeIdle(
  policy: MetricsPolicy,
  observation: Observation,
  memory: Memory,
  { answer, current }: { readonly answer: Answer; readonly current: number },
): IdleVerdict {
  const { stable, reachable, inFlight = 0 } = observation
  const busy: IdleVerdict = { isIdle: false, limits: [], idleSinceMs: null }
  if (stable === undefined || stable > 0 || inFlight > 0 || (reachable && policy.minScale > 0)) return busy
  const isLast = (answer.replicas ?? current) <= 1
  if (answer.keepsAwake !== undefined) {
    return { ...busy, limits: isLast ? [`awake: ${answer.keepsAwake}`] : [] }
  }
  const retentionMs = Math.max(policy.podRetentionMs, scaleDownWindowMs(policy))
  const { proposal, idleSinceMs } = judgeZero(
    isLast ? policy : { ...policy, podRetentionMs: retentionMs },
    { ...observation, stable },
    memory,
    { replicas: 0, limits: [] },
  )
  return {
    isIdle: proposal.replicas === 0,
    limits: isLast ? proposal.limits : [],
    idleSinceMs,
  }
}
