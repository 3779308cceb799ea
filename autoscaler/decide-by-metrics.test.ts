import { describe, expect, it } from 'vitest'
import { decide, initialMemory, type Decided, type Memory, type Observation } from './decide.ts'
import { readyPods } from './hpa/fake-pods.ts'
import { hpaPolicyOf, type HpaMetricSpec, type Reading } from './hpa/index.ts'
import { llmPolicyOf, type EngineReading } from './llm/index.ts'
import { policyOf, type Policy } from './policy.ts'
import { defaultAutoscalerConfig } from './settings.ts'

const common = { containerConcurrency: 0, config: defaultAutoscalerConfig }
const gpu: HpaMetricSpec = { type: 'Pods', pods: { metric: { name: 'gpu' }, target: { averageValue: '70' } } }
const queue: HpaMetricSpec = {
  type: 'External',
  external: { metric: { name: 'queue' }, target: { averageValue: '10' } },
}

function hpa(minReplicas: number, metrics: HpaMetricSpec[] = [gpu], maxReplicas = 10): Policy {
  const spec = hpaPolicyOf({ minReplicas, maxReplicas, metrics })
  return policyOf({ ...common, annotations: {}, class: 'hpa', hpa: spec })
}

function llm(annotations: Record<string, string> = {}, capacity = 10): Policy {
  const own = llmPolicyOf(annotations, { containerConcurrency: capacity })
  return policyOf({ ...common, annotations, class: 'llm', llm: own })
}

const unavailable: Reading = { kind: 'unavailable', error: 'connection refused' }
/** Each of `count` replicas at so many percent. */
const gpus = (count: number, percent: number): Reading => ({
  kind: 'pods',
  values: Array.from({ length: count }, (_, index) => ({ pod: `p${index}`, value: percent * 1000 })),
})
const length = (items: number): Reading => ({ kind: 'external', values: [items * 1000] })

/** A revision with a clock of its own, whose orders are ready at the next step. */
class Story {
  readonly #policy: Policy
  #nowMs = 1_000_000
  #replicas: number
  #memory: Memory
  #decided: Decided | undefined

  constructor(policy: Policy, start: { readonly ready: number }) {
    this.#policy = policy
    this.#replicas = start.ready
    this.#memory = initialMemory({ nowMs: this.#nowMs, ready: start.ready, initialised: true })
  }

  get decision(): Decided['decision'] | undefined {
    return this.#decided?.decision
  }

  /** Decides `afterSeconds` later, on these readings of all its replicas. */
  at(
    afterSeconds: number,
    seen: Partial<Observation> & { readonly metrics?: readonly Reading[] } = {},
  ): number | undefined {
    this.#nowMs += afterSeconds * 1000
    const { metrics, ...over } = seen
    const observation: Observation = {
      nowMs: this.#nowMs,
      ready: this.#replicas,
      starting: 0,
      stable: 0,
      panic: 0,
      waiting: 0,
      reachable: true,
      ...(metrics === undefined ? {} : { readings: { pods: readyPods(this.#replicas), metrics } }),
      ...over,
    }
    this.#decided = decide(this.#policy, observation, this.#memory)
    this.#memory = this.#decided.memory
    const { replicas } = this.#decided.decision
    this.#replicas = replicas ?? this.#replicas
    return replicas
  }

  engines(count: number, engine: Partial<EngineReading>): readonly EngineReading[] {
    const atMs = this.#nowMs
    return Array.from({ length: count }, (_, index) => ({ replica: `p${index}`, atMs, ...engine }))
  }
}

describe('class hpa', () => {
  it('scales on its metric every 15 s, and between its turns the number stays', () => {
    const story = new Story(hpa(1), { ready: 2 })
    expect(story.at(2, { stable: 5, metrics: [gpus(2, 105)] })).toBe(3)
    expect(story.decision).toMatchObject({
      class: 'hpa',
      mode: 'stable',
      signals: [
        { name: 'pods metric gpu', unit: 'per replica', value: 105, target: 70, proposal: 3, binding: true },
      ],
      windowsMs: { 'scale down': 300_000 },
    })
    expect(story.decision?.conditions).toContainEqual({
      type: 'ScalingActive',
      status: 'True',
      reason: 'ValidMetricFound',
    })
    expect(story.at(2, { stable: 5, metrics: [gpus(3, 140)] })).toBe(3)
    expect(story.at(13, { stable: 5, metrics: [gpus(3, 140)] })).toBe(6)
  })

  it('keeps its number where no source is connected, or none has an answer', () => {
    const story = new Story(hpa(1), { ready: 2 })
    expect(story.at(2, { stable: 5 })).toBeUndefined()
    expect(story.decision?.signals).toMatchObject([
      { name: 'pods metric gpu', binding: false, reason: expect.stringContaining('no source reads it') },
    ])
    expect(story.at(20, { stable: 5, metrics: [unavailable] })).toBeUndefined()
    expect(story.decision?.limits).toEqual(['no metric can be used: nothing changes'])
  })

  it('has the bounds of its revision: a canary keeps its min-scale, and max-scale goes first', () => {
    const annotations = { 'autoscaling.knative.dev/min-scale': '3', 'autoscaling.knative.dev/max-scale': '2' }
    const spec = hpaPolicyOf({ minReplicas: 1, maxReplicas: 10, metrics: [gpu] })
    const story = new Story(policyOf({ ...common, annotations, class: 'hpa', hpa: spec }), { ready: 1 })
    expect(story.at(2, { stable: 1, metrics: [gpus(1, 70)] })).toBe(2)
    expect(story.at(20, { stable: 1, metrics: [gpus(2, 70)] })).toBe(2)
  })

  it('sleeps when nobody asks for it, whatever the last replica shows, and wakes for a request', () => {
    const story = new Story(hpa(0), { ready: 1 })
    expect(story.at(10, { metrics: [gpus(1, 70)] })).toBe(1)
    expect(story.decision?.limits).toEqual(['not idle for the stable window of 60 s'])
    expect(story.at(60, { metrics: [gpus(1, 70)] })).toBe(0)
    expect(story.decision?.limits).toEqual(['idle: no requests'])
    expect(story.at(10)).toBe(0)
    expect(story.at(2, { waiting: 4, stable: 1, panic: 1 })).toBe(1)
    expect(story.decision?.signals).toEqual([
      { name: 'waiting', unit: 'requests', value: 4, proposal: 1, binding: true },
    ])
  })

  it('sleeps from several once nobody asked for as long as it looks back, and remembers nothing of them', () => {
    const story = new Story(hpa(0), { ready: 4 })
    const stuck = (): { readonly metrics: readonly Reading[] } => ({ metrics: [gpus(4, 70)] })
    expect(story.at(2, { ...stuck(), stable: 9 })).toBe(4)
    expect(story.at(60, stuck())).toBe(4)
    expect(story.at(299, stuck())).toBe(4)
    expect(story.at(1, stuck())).toBe(0)
    expect(story.at(2, { waiting: 1 })).toBe(1)
    expect(story.at(2, { stable: 1, metrics: [gpus(1, 70)] })).toBe(1)
  })

  it('never sleeps while one request is on a replica, or gateways are not heard', () => {
    const story = new Story(hpa(0), { ready: 1 })
    const metrics = [gpus(1, 0)]
    expect(story.at(120, { metrics, inFlight: 1 })).toBe(1)
    expect(story.at(20, { metrics, stable: undefined, panic: undefined })).toBe(1)
    expect(story.at(20, { metrics, waiting: 1 })).toBe(1)
    expect(story.at(20, { metrics })).toBe(0)
  })

  it('stays awake for a metric from outside, which may wake it, and freezes where that has no answer', () => {
    const story = new Story(hpa(0, [gpu, queue]), { ready: 1 })
    expect(story.at(120, { metrics: [gpus(1, 0), length(3)] })).toBe(1)
    expect(story.decision?.limits).toContain('awake: external metric queue asks for it')
    expect(story.at(20, { metrics: [gpus(1, 0), unavailable] })).toBeUndefined()
    expect(story.decision?.limits).toContain('awake: external metric queue has no answer')
    expect(story.at(20, { metrics: [gpus(1, 0), length(0)] })).toBe(0)
    expect(story.at(20, { metrics: [unavailable, unavailable] })).toBe(0)
    expect(story.at(2, { metrics: [unavailable, length(25)] })).toBe(3)
    expect(story.decision?.signals).toMatchObject([
      { name: 'external metric queue', proposal: 3, binding: true },
    ])
  })
})

describe('class llm', () => {
  it('scales on what engines say', () => {
    const story = new Story(llm(), { ready: 2 })
    const readings = { engines: story.engines(2, { running: 9, waiting: 10, kv: 0.3 }) }
    expect(story.at(2, { stable: 38, inFlight: 38, readings })).toBe(4)
    expect(story.decision).toMatchObject({ class: 'llm', windowsMs: { 'scale down': 300_000 }, limits: [] })
    expect(story.decision?.signals.find(({ binding }) => binding)).toMatchObject({
      name: 'requests',
      proposal: 4,
    })
  })

  it('keeps its number where no source is connected, but has room for every request', () => {
    const story = new Story(llm(), { ready: 3 })
    expect(story.at(2, { stable: 5, inFlight: 5 })).toBe(3)
    expect(story.decision?.limits).toEqual([
      'nothing is taken away while values are missing: 3 of 3 ready replicas: no reading',
    ])
    expect(story.at(2, { stable: 45, inFlight: 40, waiting: 5 })).toBe(5)
  })

  it('wakes with a replica for every request that waits', () => {
    const story = new Story(llm(), { ready: 0 })
    expect(story.at(2)).toBe(0)
    expect(story.at(2, { waiting: 25, stable: 25 })).toBe(3)
    const unlimited = new Story(llm({}, 0), { ready: 0 })
    expect(unlimited.at(2, { waiting: 25, stable: 25 })).toBe(1)
  })

  it('sleeps when idle: the last by the stable window, several by the scale-down delay', () => {
    const last = new Story(llm(), { ready: 1 })
    expect(last.at(59)).toBe(1)
    expect(last.at(1)).toBe(0)
    const several = new Story(llm(), { ready: 3 })
    expect(several.at(60)).toBe(3)
    expect(several.at(299)).toBe(3)
    expect(several.at(1)).toBe(0)
  })

  it('keeps its minimum, of which an unreachable revision has none', () => {
    const annotations = { 'autoscaling.knative.dev/min-scale': '2' }
    const story = new Story(llm(annotations), { ready: 2 })
    expect(story.at(600)).toBe(2)
    expect(story.at(600, { reachable: false })).toBe(0)
  })

  it('orders no more where there is no place, and takes max-scale for the last word', () => {
    const story = new Story(llm({ 'autoscaling.knative.dev/max-scale': '4' }), { ready: 1 })
    expect(story.at(2, { waiting: 90, unplaced: 1, ready: 0, starting: 1 })).toBe(1)
    expect(story.decision?.limits).toEqual(['max scale 4', 'no place for 1: not above 1'])
    expect(story.at(2, { waiting: 90, ready: 0, starting: 1 })).toBe(4)
  })
})
