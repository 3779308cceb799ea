import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/core/random.ts'
import { decideLlm, requestsOf } from './decide.ts'
import { initialLlmMemory, type LlmMemory } from './memory.ts'
import type { EngineReading, LlmObservation } from './observation.ts'
import { defaultLlmPolicy, type LlmPolicy } from './policy.ts'
import { randomLlmMemory, randomLlmObservation, randomLlmPolicy } from './fake-engines.ts'

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed)
const STEPS = 100

interface Step {
  readonly random: SeededRandom
  readonly policy: LlmPolicy
  readonly observation: LlmObservation
  readonly memory: LlmMemory
}

function eachStep(seed: number, broken: number, check: (step: Step) => void): void {
  const random = new SeededRandom(seed)
  for (let step = 1; step <= STEPS; step += 1) {
    const nowMs = 1_000_000 + step * 2_000
    const replicas = 1 + random.below(9)
    const observation = randomLlmObservation(random, { nowMs, replicas, broken })
    const memory = randomLlmMemory(random, nowMs)
    check({ random, policy: randomLlmPolicy(random), observation, memory })
  }
}

function replicasOf({ policy, observation, memory }: Omit<Step, 'random'>): number {
  return decideLlm(policy, observation, memory).decision.replicas
}

/** The same, with one load somewhere a little or a lot larger. */
function withMore(observation: LlmObservation, random: SeededRandom): LlmObservation {
  const more = random.below(2) === 0 ? random.next() : random.below(50)
  const engine = random.below(Math.max(1, observation.engines.length))
  const field = (['running', 'waiting', 'kv', 'ttftMs', 'itlMs'] as const)[random.below(5)]!
  if (random.below(4) === 0) return { ...observation, waiting: observation.waiting + more }
  if (random.below(3) === 0) return { ...observation, inFlight: observation.inFlight + more }
  return {
    ...observation,
    engines: observation.engines.map((reading, index) =>
      index === engine ? raised(reading, field, more) : reading,
    ),
  }
}

function raised(
  reading: EngineReading,
  field: 'running' | 'waiting' | 'kv' | 'ttftMs' | 'itlMs',
  more: number,
): EngineReading {
  if ('error' in reading) return reading
  const value = reading[field]
  // What is not usable does not become more of it.
  if (value === undefined || !(value >= 0) || value === Infinity) return reading
  return { ...reading, [field]: field === 'kv' ? Math.max(value, Math.min(1, value + more)) : value + more }
}

describe('whatever engines say', () => {
  it.each(SEEDS)('more load never asks for fewer replicas (seed %d)', (seed) => {
    eachStep(seed, 3, ({ random, ...step }) => {
      const more = { ...step, observation: withMore(step.observation, random) }
      expect(replicasOf(more)).toBeGreaterThanOrEqual(replicasOf(step))
    })
  })

  it.each(SEEDS)('what is in flight and waits has its replicas (seed %d)', (seed) => {
    eachStep(seed, 20, (step) => {
      const { capacity } = step.policy
      if (capacity === 0) return
      const least = Math.ceil(requestsOf(step.observation) / capacity)
      expect(replicasOf(step)).toBeGreaterThanOrEqual(least)
    })
  })

  it.each(SEEDS)('what is missing takes nothing away, and adds nothing either (seed %d)', (seed) => {
    eachStep(seed, 0, ({ random, ...step }) => {
      const { observation } = step
      if (observation.engines.length === 0) return
      const lost = random.below(observation.engines.length)
      const engines = observation.engines.map((reading, index) =>
        index === lost ? { replica: reading.replica, error: 'timed out' } : reading,
      )
      const replicas = replicasOf({ ...step, observation: { ...observation, engines } })
      expect(replicas).toBeGreaterThanOrEqual(observation.replicas)
      expect(replicas).toBeLessThanOrEqual(Math.max(observation.replicas, replicasOf(step)))
    })
  })

  it.each(SEEDS)(
    'the answer is a number of replicas, no step is too large, and it says why (seed %d)',
    (seed) => {
      eachStep(seed, 20, (step) => {
        const { policy, observation, memory } = step
        const { decision } = decideLlm(policy, observation, memory)
        const { replicas, signals, limits } = decision
        const byRequests = signals[0]?.proposal ?? 0
        const most = Math.max(2 * observation.ready, observation.ready + 4, byRequests, policy.minReplicas)
        expect(Number.isInteger(replicas)).toBe(true)
        expect(replicas).toBeGreaterThanOrEqual(Math.max(policy.minReplicas, observation.replicas - 1))
        expect(replicas).toBeLessThanOrEqual(Math.max(most, observation.replicas))
        const asked = Math.max(...signals.map(({ proposal }) => proposal ?? 0))
        expect(signals.filter(({ binding }) => binding)).toHaveLength(asked > 0 ? 1 : 0)
        expect(replicas === Math.max(asked, policy.minReplicas) || limits.length > 0).toBe(true)
        for (const signal of signals) {
          expect(signal.value === undefined ? signal.reason : 'known').toBeTypeOf('string')
          expect(Number.isFinite(signal.value ?? 0)).toBe(true)
        }
      })
    },
  )

  it.each(SEEDS)('the decision changes nothing of what it is given (seed %d)', (seed) => {
    eachStep(seed, 20, ({ policy, observation, memory }) => {
      const before = structuredClone({ policy, observation, memory })
      const decided = decideLlm(policy, observation, memory)
      expect({ policy, observation, memory }).toEqual(before)
      expect(decideLlm(policy, observation, memory)).toEqual(decided)
    })
  })
})

const TICK_MS = 2_000
const START_TICKS = 30
const TICKS = 4_000

/** Engines that share a load which never changes; each replica takes a minute to start. */
function numbersUnder(load: ConstantLoad, policy: LlmPolicy): number[] {
  let memory = initialLlmMemory
  let replicas = load.from
  /** The tick in which each replica is ready: oldest first. */
  let readyAt: readonly number[] = Array.from({ length: load.from }, () => 0)
  return Array.from({ length: TICKS }, (_, tick) => {
    const nowMs = 1_000_000 + tick * TICK_MS
    const ready = readyAt.filter((at) => at <= tick).length
    const each = load.requests / Math.max(1, ready)
    const running = Math.min(each, load.batch)
    const engine = {
      atMs: nowMs,
      running,
      waiting: each - running,
      kv: Math.min(1, load.kv / Math.max(1, ready)),
      ttftMs: 100 + (100 * each) / load.batch,
      itlMs: 10 + running,
    }
    const observation: LlmObservation = {
      nowMs,
      replicas,
      ready,
      starting: replicas - ready,
      waiting: ready === 0 ? load.requests : 0,
      inFlight: ready === 0 ? 0 : load.requests,
      engines: Array.from({ length: ready }, (_engine, index) => ({ ...engine, replica: `p-${index}` })),
    }
    const decided = decideLlm(policy, observation, memory)
    memory = decided.memory
    replicas = decided.decision.replicas
    const added = Array.from({ length: Math.max(0, replicas - readyAt.length) }, () => tick + START_TICKS)
    readyAt = [...readyAt.slice(0, replicas), ...added]
    return replicas
  })
}

interface ConstantLoad {
  readonly requests: number
  /** Requests that an engine works on at once. */
  readonly batch: number
  /** KV caches that the load fills. */
  readonly kv: number
  /** Replicas at the start, all of them ready. */
  readonly from: number
}

describe('a load that never changes', () => {
  it.each(SEEDS)('comes to rest at one number, which it can be carried by (seed %d)', (seed) => {
    const random = new SeededRandom(seed)
    const batch = 4 + random.below(28)
    const load = {
      requests: 1 + random.below(100),
      batch,
      kv: random.next() * 6,
      from: 1 + random.below(12),
    }
    const policy: LlmPolicy = {
      ...defaultLlmPolicy,
      capacity: random.below(2) === 0 ? 0 : batch,
      ttftObjectiveMs: random.below(2) === 0 ? null : 150,
      itlObjectiveMs: random.below(2) === 0 ? null : 10 + batch * 0.7,
    }
    const numbers = numbersUnder(load, policy)
    const last = numbers.at(-1) ?? 0
    // Of two hours one is enough for 12 replicas to leave one by one, and for a latency to ask for 60 in turn.
    expect(new Set(numbers.slice(TICKS / 2))).toEqual(new Set([last]))
    expect(last).toBeGreaterThanOrEqual(Math.ceil(load.kv / policy.kvTarget))
    // It never rises again after it fell; but where nobody says what an engine can take, one queue has to show it.
    const steps = numbers.map((value, index) => Math.sign(value - (numbers[index - 1] ?? load.from)))
    const risesAgain = steps.slice(steps.indexOf(-1)).filter((step) => step > 0).length
    expect(steps.includes(-1) ? risesAgain : 0).toBeLessThanOrEqual(policy.capacity === 0 ? 1 : 0)
  })
})
