import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../src/core/random.ts'
import { decide, initialMemory, type Memory, type Observation } from './decide.ts'
import { readyPods } from './hpa/fake-pods.ts'
import { hpaPolicyOf, type Reading } from './hpa/index.ts'
import { randomEngine, randomLlmPolicy } from './llm/fake-engines.ts'
import { policyOf, type Policy } from './policy.ts'
import { readRecord, RecordError, recordOf, replay, writeRecord, type DecisionRecord } from './replay.ts'
import { defaultAutoscalerConfig } from './settings.ts'

const CLASSES = ['kpa', 'fixed', 'hpa', 'llm'] as const
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed)
const STEPS = 80

function randomPolicy(random: SeededRandom, kind: (typeof CLASSES)[number]): Policy {
  const min = random.below(3)
  const max = random.below(3) === 0 ? 0 : min + 1 + random.below(8)
  const source = {
    annotations: {
      'autoscaling.knative.dev/min-scale': String(min),
      'autoscaling.knative.dev/max-scale': String(max),
      'autoscaling.knative.dev/window': '20s',
      'autoscaling.knative.dev/scale-down-delay': `${random.below(2) * 10}s`,
    },
    containerConcurrency: random.below(10),
    config: defaultAutoscalerConfig,
  }
  if (kind === 'llm') return policyOf({ ...source, class: kind, llm: randomLlmPolicy(random) })
  if (kind !== 'hpa') return policyOf({ ...source, class: kind })
  const hpa = hpaPolicyOf({
    minReplicas: min,
    maxReplicas: Math.max(1, max),
    metrics: [
      { type: 'Pods', pods: { metric: { name: 'gpu' }, target: { averageValue: '700m' } } },
      { type: 'External', external: { metric: { name: 'queue' }, target: { averageValue: '10' } } },
    ],
    ...(random.below(2) === 0 ? {} : { behavior: { scaleDown: { stabilizationWindowSeconds: 20 } } }),
  })
  return policyOf({ ...source, class: kind, hpa })
}

function randomObservation(random: SeededRandom, nowMs: number, ready: number): Observation {
  const load = random.below(2) === 0 ? 0 : random.next() * 60
  const isBlind = random.below(15) === 0
  const starting = random.below(3)
  const silent: Reading = { kind: 'unavailable', error: 'silent' }
  const gpu: Reading = {
    kind: 'pods',
    values: Array.from({ length: ready }, (_, index) => ({ pod: `p${index}`, value: random.below(1500) })),
  }
  const queue: Reading = { kind: 'external', values: [random.below(2) * random.below(90_000)] }
  return {
    nowMs,
    ready,
    starting,
    unplaced: random.below(8) === 0 ? Math.min(starting, 1) : 0,
    stable: isBlind ? undefined : load,
    panic: isBlind ? undefined : load * random.next() * 2,
    waiting: load > 0 && random.below(3) === 0 ? random.below(20) : 0,
    inFlight: load > 0 ? random.below(20) : 0,
    reachable: random.below(8) > 0,
    readings: {
      pods: readyPods(ready),
      metrics: [random.below(8) === 0 ? silent : gpu, random.below(8) === 0 ? silent : queue],
      engines: Array.from({ length: ready }, (_, index) =>
        randomEngine(random, { index, nowMs, broken: 10 }),
      ),
    },
  }
}

/** Decisions one after another, each carried out. */
function recordsOf(seed: number, kind: (typeof CLASSES)[number]): DecisionRecord[] {
  const random = new SeededRandom(seed)
  const policy = randomPolicy(random, kind)
  let ready = random.below(4)
  let memory: Memory = initialMemory({ nowMs: 0, ready, initialised: random.below(2) === 0 })
  return Array.from({ length: STEPS }, (_, step) => {
    const observation = randomObservation(random, 1_000 + step * 4_000, ready)
    const decided = decide(policy, observation, memory)
    const record = recordOf(policy, observation, memory, decided)
    memory = decided.memory
    // A cluster has its own limits.
    ready = Math.min(decided.decision.replicas ?? ready, 20)
    return record
  })
}

describe.each(CLASSES)('a decision of class %s', (kind) => {
  it.each(SEEDS)('that was written down comes to the same again, in every part (seed %d)', (seed) => {
    for (const record of recordsOf(seed, kind)) {
      const text = writeRecord(record)
      const { decided, isSame } = replay(readRecord(text))
      expect(isSame).toBe(true)
      expect(decided).toEqual(decide(record.policy, record.observation, record.memory))
      // And what it leaves behind can be written down as well.
      expect(writeRecord(readRecord(text))).toBe(text)
    }
  })

  it.each(SEEDS)('keeps the bounds, says what moved it, and at most one signal binds (seed %d)', (seed) => {
    for (const { policy, observation, replicas, memory } of recordsOf(seed, kind)) {
      const { decision } = decide(policy, observation, memory)
      expect(decision.class).toBe(kind)
      expect(decision.signals.filter(({ binding }) => binding).length).toBeLessThanOrEqual(1)
      if (replicas === null) continue
      const noPlace = decision.limits.some((limit) => limit.startsWith('no place'))
      const least = kind === 'fixed' || !observation.reachable || noPlace ? 0 : policy.minScale
      expect(replicas).toBeGreaterThanOrEqual(least)
      const most = kind === 'fixed' || policy.maxScale === 0 ? Infinity : policy.maxScale
      expect(replicas).toBeLessThanOrEqual(most)
    }
  })

  it.each(SEEDS)('never gives up who waits or is served (seed %d)', (seed) => {
    for (const { policy, observation, memory } of recordsOf(seed, kind)) {
      if (kind === 'fixed') continue
      const present = Math.max(observation.ready + observation.starting, memory.replicas ?? 0)
      const waits = { ...observation, waiting: 1 }
      expect(decide(policy, waits, memory).decision.replicas ?? present).toBeGreaterThan(0)
    }
  })
})

describe('a record', () => {
  it('keeps what JSON has no word for', () => {
    const engines = [{ replica: 'p0', atMs: 1, kv: Number.NaN, waiting: Infinity, running: -Infinity }]
    const observation: Observation = {
      nowMs: 1,
      ready: 1,
      starting: 0,
      stable: undefined,
      panic: undefined,
      waiting: 0,
      reachable: true,
      readings: { engines },
    }
    const policy = randomPolicy(new SeededRandom(3), 'llm')
    const memory = initialMemory({ nowMs: 0, ready: 1, initialised: true })
    const text = writeRecord(recordOf(policy, observation, memory, decide(policy, observation, memory)))
    expect(text).toContain('"kv":{"$number":"NaN"}')
    expect(readRecord(text).observation.readings?.engines).toEqual(engines)
  })

  it('of a number that is not the one decided says so', () => {
    const verdicts = recordsOf(1, 'llm').map((record) => replay({ ...record, replicas: 77 }).isSame)
    expect(new Set(verdicts)).toEqual(new Set([false]))
  })

  it.each([
    ['{', /^a recorded decision has to be JSON: /],
    ['[]', /^the record: \[\] is not allowed: an object$/],
    ['{"format":"v0"}', /^format: "v0" is not allowed: pilotlight.dev\/decision\/v1$/],
    [
      '{"format":"pilotlight.dev/decision/v1","policy":{"class":"keda"}}',
      /^policy.class: "keda" is not allowed: kpa, fixed, external, hpa, llm$/,
    ],
    [
      '{"format":"pilotlight.dev/decision/v1","policy":{"class":"hpa"}}',
      /^policy.hpa: nothing is not allowed: an object$/,
    ],
    [
      '{"format":"pilotlight.dev/decision/v1","policy":{"class":"kpa"},"observation":{"nowMs":"1"}}',
      /^observation.nowMs: "1" is not allowed: a number$/,
    ],
  ])('that is none is refused: %s', (text, message) => {
    expect(() => readRecord(text)).toThrow(RecordError)
    expect(() => readRecord(text)).toThrow(message)
  })
})
