import type { Answer } from './conclude.ts'
import type { Memory, Observation } from './decide.ts'
import {
  decideHpa,
  initialHpaMemory,
  proposeAtZero,
  type HpaDecision,
  type HpaMemory,
  type HpaMetricInput,
  type HpaObservation,
  type HpaPolicy,
} from './hpa/index.ts'
import type { Policy } from './policy.ts'
import { hpaSignal } from './signals.ts'

/** Kubernetes' controller reconciles so often, and its windows and rates are meant for it. */
export const HPA_PERIOD_MS = 15_000

/** The HPA's last turn: until the next its answer holds. Plain data. */
export interface HpaTurn {
  readonly atMs: number
  readonly memory: HpaMemory
  readonly answer: Answer
}

type PolicyOfHpa = Extract<Policy, { readonly class: 'hpa' }>

/**
 * What the HPA says of a revision that is up: at least 1, as zero is decided above it. Its bounds are those of the
 * revision, so that a minimum which a canary changes counts here, too.
 * @param replicas that were ordered last.
 */
export function hpaTurn(
  policy: PolicyOfHpa,
  observation: Observation,
  memory: Memory,
  replicas: number,
): HpaTurn {
  const { nowMs } = observation
  const last = memory.hpa
  const sinceMs = nowMs - (last?.atMs ?? -Infinity)
  if (last !== undefined && sinceMs >= 0 && sinceMs < HPA_PERIOD_MS) return last
  const { hpa, maxScale, minScale } = policy
  const maxReplicas = maxScale === 0 ? hpa.maxReplicas : Math.min(maxScale, hpa.maxReplicas)
  const least = Math.max(1, observation.reachable ? minScale : 0)
  const bounded = { ...hpa, maxReplicas, minReplicas: Math.min(least, maxReplicas) }
  const decided = decideHpa(
    bounded,
    hpaObservationOf(hpa, observation, replicas),
    last?.memory ?? initialHpaMemory,
  )
  return { atMs: nowMs, memory: decided.memory, answer: answerOf(hpa, decided.decision) }
}

/** What wakes a sleeping revision besides requests: metrics that are there without any replica. */
export function hpaAtZero(
  { hpa }: PolicyOfHpa,
  observation: Observation,
): Answer & { readonly replicas: number } {
  const inputs = proposeAtZero(hpa, hpaObservationOf(hpa, observation, 0))
  return {
    replicas: Math.max(0, ...inputs.map(({ replicas = 0 }) => replicas)),
    limits: [],
    signals: inputs.map(hpaSignal),
  }
}

function hpaObservationOf(
  { metrics }: HpaPolicy,
  { nowMs, ready, starting, readings = {} }: Observation,
  replicas: number,
): HpaObservation {
  const unread = { kind: 'unavailable', error: 'no source reads it' } as const
  return {
    nowMs,
    replicas,
    present: ready + starting,
    pods: readings.pods ?? [],
    readings: metrics.map((_, index) => readings.metrics?.[index] ?? unread),
  }
}

function answerOf({ metrics }: HpaPolicy, decision: HpaDecision): Answer {
  const { replicas, limits, inputs, conditions } = decision
  const keepsAwake = awakeBy(metrics.filter(isOutside).length, inputs.metrics)
  return {
    replicas,
    limits,
    signals: inputs.metrics.map(hpaSignal),
    conditions,
    ...(keepsAwake === undefined ? {} : { keepsAwake }),
  }
}

/** A metric from outside is there without replicas: what it asks for, or might ask for, is a reason to stay. */
function awakeBy(outside: number, inputs: readonly HpaMetricInput[]): string | undefined {
  const read = inputs.filter(isOutside)
  if (read.length < outside) return 'metrics from outside were not read'
  const asking = read.find(({ replicas }) => replicas === undefined || replicas > 0)
  return asking === undefined
    ? undefined
    : `${asking.name} ${asking.replicas === undefined ? 'has no answer' : 'asks for it'}`
}

function isOutside({ type }: { readonly type: HpaMetricInput['type'] }): boolean {
  return type === 'Object' || type === 'External'
}
