import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../src/core/random.ts'
import { decide, initialMemory, type Memory, type Observation } from './decide.ts'
import { policyOf, type Policy } from './policy.ts'
import { defaultAutoscalerConfig } from './settings.ts'

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed)

function randomPolicy(random: Random): Policy {
  const min = random.below(4)
  const annotations = {
    'autoscaling.knative.dev/min-scale': String(min),
    'autoscaling.knative.dev/max-scale': String(random.below(3) === 0 ? 0 : min + 1 + random.below(20)),
    'autoscaling.knative.dev/initial-scale': String(1 + random.below(4)),
    'autoscaling.knative.dev/activation-scale': random.below(2) === 0 ? '0' : String(2 + random.below(4)),
    'autoscaling.knative.dev/scale-down-delay': `${random.below(3) * 20}s`,
    'autoscaling.knative.dev/window': `${6 + random.below(60)}s`,
  }
  const config = { ...defaultAutoscalerConfig, enableScaleToZero: random.below(4) > 0 }
  return policyOf({ annotations, containerConcurrency: random.below(12), class: 'kpa', config })
}

function randomObservation(random: Random, nowMs: number): Observation {
  const isBlind = random.below(12) === 0
  const load = random.below(3) === 0 ? 0 : random.next() * 300
  return {
    nowMs,
    ready: random.below(30),
    starting: random.below(3),
    stable: isBlind ? undefined : load,
    panic: isBlind ? undefined : load * random.next() * 2,
    waiting: random.below(3) === 0 ? random.below(50) : 0,
    reachable: random.below(6) > 0,
  }
}

/** Runs 200 decisions and hands each to `check`. */
function walk(
  seed: number,
  check: (step: { policy: Policy; observation: Observation; memory: Memory }) => void,
): void {
  const random = new SeededRandom(seed)
  const policy = randomPolicy(random)
  let memory = initialMemory({ nowMs: 0, ready: random.below(5), initialised: random.below(2) === 0 })
  for (let step = 1; step <= 200; step += 1) {
    const observation = randomObservation(random, step * 2_000)
    check({ policy, observation, memory })
    memory = decide(policy, observation, memory).memory
  }
}

describe('whatever is seen', () => {
  it.each(SEEDS)('bounds are never crossed (seed %d)', (seed) => {
    walk(seed, ({ policy, observation, memory }) => {
      const { replicas } = decide(policy, observation, memory).decision
      if (replicas === undefined) return
      const floor = observation.reachable ? policy.minScale : 0
      expect(Number.isInteger(replicas)).toBe(true)
      expect(replicas).toBeGreaterThanOrEqual(floor)
      expect(replicas).toBeLessThanOrEqual(policy.maxScale === 0 ? Infinity : policy.maxScale)
    })
  })

  it.each(SEEDS)('a request that waits keeps or wakes a replica (seed %d)', (seed) => {
    walk(seed, ({ policy, observation, memory }) => {
      const { replicas } = decide(policy, { ...observation, waiting: 1 }, memory).decision
      const present = Math.max(observation.ready + observation.starting, memory.replicas ?? 0)
      expect(replicas ?? present).toBeGreaterThan(0)
    })
  })

  it.each(SEEDS)('a decision is a function of plain data, which it does not change (seed %d)', (seed) => {
    walk(seed, (step) => {
      const recorded = JSON.stringify(step)
      const decided = decide(step.policy, step.observation, step.memory)
      expect(JSON.stringify(step)).toBe(recorded)
      const replay: typeof step = JSON.parse(recorded)
      expect(JSON.stringify(decide(replay.policy, replay.observation, replay.memory))).toBe(
        JSON.stringify(decided),
      )
    })
  })

  it.each(SEEDS)('more load never asks for fewer replicas (seed %d)', (seed) => {
    walk(seed, ({ policy, observation, memory }) => {
      const { stable, panic } = observation
      if (stable === undefined || panic === undefined) return
      const more = { ...observation, stable: stable * 1.5 + 1, panic: panic * 1.5 + 1 }
      const before = decide(policy, observation, memory).decision.replicas ?? 0
      expect(decide(policy, more, memory).decision.replicas).toBeGreaterThanOrEqual(before)
    })
  })
})
