import type { Signal } from '../../src/core/decision.ts'
import { moveTo, type Proposal } from '../bounds.ts'
import { roundToMicro } from '../window.ts'
import type { DecidedLlm } from './decision.ts'
import { latencyOf, type LatencyVerdict } from './latency.ts'
import type { LlmMemory } from './memory.ts'
import type { LlmObservation } from './observation.ts'
import type { LlmPolicy } from './policy.ts'
import { hear, inWords, type Hearing } from './readings.ts'
import { batchSeen, capacityOf, saturationOf } from './saturation.ts'

/**
 * How many replicas a language model's revision should have, on what its engines say: a function of its arguments.
 * At least one: zero is decided by requests and idle time, and by no gauge that no replica is there to report.
 *
 * Growing looks at what is there, and what is missing asks for nothing. The load is measured on ready replicas and
 * answered with a number of replicas, so those that are starting count as ordered: 3 ready at 1.5 each are 5,
 * whether none or two are on their way.
 *
 * Shrinking is one replica at a time, once the others were able to hold its share for the whole delay: 4 at 0.6
 * would be 3 at 0.8. Where anything is missing, nobody can say so, and nobody goes.
 */
export function decideLlm(policy: LlmPolicy, observation: LlmObservation, memory: LlmMemory): DecidedLlm {
  const { nowMs, replicas: current } = observation
  const hearing = hear(policy, observation)
  const seen = look(policy, observation, { hearing, memory })
  const wanted = wantedOf(policy, observation, seen)
  const batch = batchSeen(hearing, memory.batch)
  const conclude = (
    { replicas, limits }: Proposal,
    { calmMs = 0, calmAtMs = null }: Partial<LlmMemory> = {},
  ): DecidedLlm => ({
    decision: { class: 'llm', atMs: nowMs, replicas, limits, signals: withBinding(seen.signals) },
    memory: { calmMs, calmAtMs, batch },
  })
  if (wanted.replicas >= current) return conclude(wanted)

  const stay = (limit: string): Proposal => moveTo(wanted, current, limit)
  if (seen.missing.length > 0) {
    const limit = `nothing is taken away while values are missing: ${inWords(seen.missing)}`
    return conclude(stay(limit), { calmMs: memory.calmMs })
  }
  const obstacle = consolidationObstacle(policy, current, seen)
  if (obstacle !== undefined) return conclude(stay(obstacle))

  const { scaleDownDelayMs, scaleDownPeriodMs } = policy
  const sinceMs = memory.calmAtMs === null ? 0 : Math.max(0, nowMs - memory.calmAtMs)
  const calmMs = Math.min(memory.calmMs + sinceMs, scaleDownDelayMs)
  if (calmMs < scaleDownDelayMs) {
    return conclude(stay(`scale-down delay ${scaleDownDelayMs / 1000} s`), { calmMs, calmAtMs: nowMs })
  }
  const nextMs = Math.max(0, scaleDownDelayMs - scaleDownPeriodMs)
  return conclude(moveTo(wanted, current - 1, 'one replica at a time'), { calmMs: nextMs, calmAtMs: nowMs })
}

/** What this observation tells before anything is decided. */
interface Seen {
  /** In replicas: what engines carry, or what requests fill; the larger. */
  readonly load: number
  /** What gateways have in flight and waiting needs as many. */
  readonly byRequests: number
  readonly byEngines: number
  readonly latencies: readonly LatencyVerdict[]
  readonly signals: readonly Signal[]
  readonly missing: readonly string[]
}

function look(
  policy: LlmPolicy,
  observation: LlmObservation,
  { hearing, memory }: { readonly hearing: Hearing; readonly memory: LlmMemory },
): Seen {
  const saturation = saturationOf(policy, hearing)
  const requests = requestsOf(observation)
  const everywhere = Math.max(requests, requestsIn(hearing))
  const capacity = capacityOf(policy, hearing)
  const filled = capacity > 0 ? roundToMicro(requests / capacity) : 0
  const byRequests = Math.max(requests > 0 ? 1 : 0, Math.ceil(filled))
  const latencies = latenciesOf(policy, observation, { hearing, requests: everywhere })
  const signals: Signal[] = [
    {
      name: 'requests',
      unit: 'requests',
      value: requests,
      ...(capacity > 0 ? { target: capacity } : { reason: 'the capacity of a replica is not known' }),
      proposal: byRequests,
      binding: false,
    },
    ...saturation.signals,
    ...latencies.map(({ signal }) => signal),
  ]
  // Before the first replica is ready requests are all that can be known, and with a capacity they are enough.
  const isDark = observation.ready === 0 && requests > 0 && capacity === 0
  return {
    load: Math.max(
      saturation.load,
      filled,
      capacity === 0 && memory.batch !== null ? roundToMicro(everywhere / memory.batch) : 0,
    ),
    byRequests,
    byEngines: Math.max(Math.ceil(saturation.load), ...latencies.map(({ signal }) => signal.proposal ?? 0)),
    latencies,
    signals,
    missing: [
      ...(isDark ? ['no replica is ready'] : []),
      ...saturation.missing,
      ...latencies.flatMap(({ missing }) => missing),
    ],
  }
}

/** Requests of the revision, wherever they are. A number that is none counts as nothing. */
export function requestsOf({
  waiting,
  inFlight,
}: {
  readonly waiting: number
  readonly inFlight: number
}): number {
  return amountOf(waiting) + amountOf(inFlight)
}

function amountOf(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}

/** Requests that engines work on or queue. */
function requestsIn({ heard }: Hearing): number {
  return heard.reduce((sum, { running = 0, waiting = 0 }) => sum + amountOf(running) + amountOf(waiting), 0)
}

function latenciesOf(
  policy: LlmPolicy,
  { replicas, ready }: LlmObservation,
  { hearing, requests }: { readonly hearing: Hearing; readonly requests: number },
): readonly LatencyVerdict[] {
  const { ttftObjectiveMs, itlObjectiveMs, consolidationBound: bound } = policy
  const ask = (name: string, field: 'ttftMs' | 'itlMs', objectiveMs: number | null): LatencyVerdict[] =>
    objectiveMs === null
      ? []
      : [latencyOf(hearing, { name, field, objectiveMs, bound, replicas, ready, requests })]
  return [
    ...ask('time to first token', 'ttftMs', ttftObjectiveMs),
    ...ask('time between tokens', 'itlMs', itlObjectiveMs),
  ]
}

/**
 * What is asked for now. Engines may double the ready replicas or add some, for a queue that grows while replicas
 * start is no reason to order them again; what gateways hold and run is needed in full.
 */
function wantedOf(
  { scaleUp, minReplicas }: LlmPolicy,
  { ready, replicas: current }: LlmObservation,
  { byEngines, byRequests }: Seen,
): Proposal {
  const pace = Math.max(Math.ceil(scaleUp.factor * ready), ready + scaleUp.replicas)
  const most = Math.max(pace, byRequests)
  const asked = Math.max(byEngines, byRequests)
  const limit = `scale-up rate: not above ${most} with ${ready} ready`
  const needed = moveTo({ replicas: asked, limits: [] }, Math.min(asked, most), limit)
  const least = Math.max(1, minReplicas)
  // Down to the minimum is not worth a word unless it adds replicas.
  if (needed.replicas < least && least <= current) return { replicas: least, limits: [] }
  return moveTo(needed, Math.max(needed.replicas, least), `min replicas ${least}`)
}

/** Why one replica less would not be enough; undefined: it would. */
function consolidationObstacle(
  { consolidationBound: bound }: LlmPolicy,
  current: number,
  { load, latencies }: Seen,
): string | undefined {
  if (load > roundToMicro(bound * (current - 1))) {
    return `one replica less would be fuller than ${Math.round(bound * 100)} %`
  }
  return latencies.find(({ holds }) => holds !== undefined)?.holds
}

/** The first of those that ask for most counts. */
function withBinding(signals: readonly Signal[]): readonly Signal[] {
  const most = Math.max(...signals.map(({ proposal }) => proposal ?? 0))
  const index = most > 0 ? signals.findIndex(({ proposal }) => proposal === most) : -1
  return index === -1 ? signals : signals.with(index, { ...signals[index]!, binding: true })
}
