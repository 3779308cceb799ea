import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../../src/core/random.ts'
import { decideHpa } from './decide.ts'
import type { DecidedHpa } from './decision.ts'
import { readyPods } from './fake-pods.ts'
import { initialHpaMemory, type HpaMemory } from './memory.ts'
import type { HpaObservation, Reading } from './observation.ts'
import { hpaPolicyOf, type HpaPolicy } from './policy.ts'
import type { HpaScalingRulesSpec } from './spec.ts'

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed)
const STEPS = 60

function randomRules(random: Random): HpaScalingRulesSpec {
  return {
    stabilizationWindowSeconds: random.below(3) * 60,
    selectPolicy: ['Max', 'Min', 'Disabled'][random.below(3)],
    policies: [
      { type: 'Pods', value: 1 + random.below(5), periodSeconds: 1 + random.below(90) },
      { type: 'Percent', value: 1 + random.below(150), periodSeconds: 1 + random.below(90) },
    ],
  }
}

function randomPolicy(random: Random): HpaPolicy {
  const minReplicas = random.below(4)
  return hpaPolicyOf({
    minReplicas,
    maxReplicas: minReplicas + 1 + random.below(20),
    metrics: [
      { type: 'Pods', pods: { metric: { name: 'gpu' }, target: { averageValue: '700m' } } },
      { type: 'External', external: { metric: { name: 'q' }, target: { averageValue: '10' } } },
    ],
    ...(random.below(2) === 0
      ? {}
      : { behavior: { scaleUp: randomRules(random), scaleDown: randomRules(random) } }),
  })
}

function randomObservation(random: Random, nowMs: number, replicas: number): HpaObservation {
  const pods = readyPods(replicas)
  const heard = pods.filter(() => random.below(8) > 0)
  const silent: Reading = { kind: 'unavailable', error: 'silent' }
  const gpu: Reading = {
    kind: 'pods',
    values: heard.map(({ name }) => ({ pod: name, value: random.below(1001) })),
  }
  const queue: Reading = { kind: 'external', values: [random.below(3) === 0 ? 0 : random.below(300_000)] }
  return {
    nowMs,
    replicas,
    present: random.below(6) === 0 ? random.below(replicas + 1) : replicas,
    pods,
    readings: [random.below(8) === 0 ? silent : gpu, random.below(8) === 0 ? silent : queue],
  }
}

interface Taken {
  readonly policy: HpaPolicy
  readonly observation: HpaObservation
  readonly memory: HpaMemory
  readonly decided: DecidedHpa
}

/** Decisions one after another, each carried out, with a size that others change now and then. */
function walk(seed: number): Taken[] {
  const random = new SeededRandom(seed)
  const policy = randomPolicy(random)
  const taken: Taken[] = []
  let memory = initialHpaMemory
  let replicas = random.below(12)
  for (let step = 0; step < STEPS; step += 1) {
    if (random.below(15) === 0) replicas = random.below(25)
    const observation = randomObservation(random, step * 15_000, replicas)
    const decided = decideHpa(policy, observation, memory)
    taken.push({ policy, observation, memory, decided })
    memory = decided.memory
    replicas = decided.decision.replicas ?? replicas
  }
  return taken
}

function copyOf<T>(value: T): T {
  return structuredClone(value)
}

describe('any decision', () => {
  it.each(SEEDS)('of seed %s stays within the bounds, and says what moved it', (seed) => {
    for (const { policy, observation, decided } of walk(seed)) {
      const { replicas, proposed, limits } = decided.decision
      if (replicas === undefined) continue
      const isDisabled = observation.replicas === 0 && replicas === 0
      expect(Number.isSafeInteger(replicas)).toBe(true)
      expect(replicas).toBeLessThanOrEqual(policy.maxReplicas)
      expect(replicas).toBeGreaterThanOrEqual(isDisabled ? 0 : policy.minReplicas)
      const isMoved = proposed !== undefined && replicas !== proposed
      expect(isMoved && limits.length === 0).toBe(false)
    }
  })

  it.each(SEEDS)(
    'of seed %s is the same again, also from what was written down, and changes nothing',
    (seed) => {
      for (const { policy, observation, memory, decided } of walk(seed)) {
        const before = copyOf({ observation, memory })
        expect(decideHpa(policy, observation, memory)).toEqual(decided)
        expect({ observation, memory }).toEqual(before)
        const written: [HpaPolicy, HpaObservation, HpaMemory] = JSON.parse(
          JSON.stringify([policy, observation, memory]),
        )
        expect(decideHpa(...written)).toEqual(decided)
        expect(JSON.parse(JSON.stringify(decided.decision))).toMatchObject({ class: 'hpa' })
      }
    },
  )

  it.each(SEEDS)('of seed %s leaves a memory that does not grow with time', (seed) => {
    const last = walk(seed).at(-1)?.decided.memory
    // Five minutes of recommendations, one each 15 s, and the one before them.
    expect(last?.recommendations?.length).toBeLessThanOrEqual(22)
    expect(last?.scaleUpEvents.length).toBeLessThanOrEqual(8)
    expect(last?.scaleDownEvents.length).toBeLessThanOrEqual(8)
  })
})
