import { describe, expect, it } from 'vitest'
import { decideHpa, scaleUnknown } from './decide.ts'
import type { DecidedHpa } from './decision.ts'
import { readyPods } from './fake-pods.ts'
import { initialHpaMemory, type HpaMemory } from './memory.ts'
import type { HpaObservation, Reading } from './observation.ts'
import { defaultHpaSettings, hpaPolicyOf, type HpaPolicy } from './policy.ts'
import type { HpaMetricSpec, HpaSpec } from './spec.ts'

const gpu: HpaMetricSpec = {
  type: 'Pods',
  pods: { metric: { name: 'gpu' }, target: { type: 'AverageValue', averageValue: '700m' } },
}
const queue: HpaMetricSpec = {
  type: 'External',
  external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '10' } },
}

function policy(spec: Partial<HpaSpec>): HpaPolicy {
  return hpaPolicyOf({ maxReplicas: 10, metrics: [gpu], ...spec })
}

/** The same utilisation on each pod, in thousandths. */
function each(value: number, count: number): Reading {
  return { kind: 'pods', values: readyPods(count).map(({ name }) => ({ pod: name, value })) }
}

function waiting(units: number): Reading {
  return { kind: 'external', values: [units * 1000] }
}

const silent: Reading = { kind: 'unavailable', error: 'no answer within 2 s' }

/** One revision over time: each order is carried out at once. */
class Story {
  readonly #policy: HpaPolicy
  memory: HpaMemory = initialHpaMemory
  nowMs = 0
  replicas: number
  last: DecidedHpa | undefined

  constructor(chosen: HpaPolicy, replicas: number) {
    this.#policy = chosen
    this.replicas = replicas
  }

  at(afterS: number, ...readings: Reading[]): number | undefined {
    this.nowMs += afterS * 1000
    const observation: HpaObservation = {
      nowMs: this.nowMs,
      replicas: this.replicas,
      present: this.replicas,
      pods: readyPods(this.replicas),
      readings,
    }
    this.last = decideHpa(this.#policy, observation, this.memory)
    this.memory = this.last.memory
    this.replicas = this.last.decision.replicas ?? this.replicas
    return this.last.decision.replicas
  }

  get limits(): readonly string[] | undefined {
    return this.last?.decision.limits
  }

  reason(type: string): string | undefined {
    return this.last?.decision.conditions.find((condition) => condition.type === type)?.reason
  }
}

describe('a revision on GPU utilisation', () => {
  it('grows at once and shrinks after the stabilization window', () => {
    const story = new Story(policy({}), 2)
    expect(story.at(15, each(950, 2))).toBe(3)
    expect(story.limits).toEqual([])
    expect(story.at(15, each(300, 3))).toBe(3)
    expect(story.limits).toEqual(['scale-down stabilization 300 s: not below 3'])
    expect(story.reason('AbleToScale')).toBe('ScaleDownStabilized')
    expect(story.at(285, each(300, 3))).toBe(3)
    expect(story.at(1, each(300, 3))).toBe(2)
    expect(story.reason('AbleToScale')).toBe('SucceededRescale')
  })

  it('says what it measured, what that proposes and what it is aimed at', () => {
    const story = new Story(policy({}), 2)
    story.at(15, each(950, 2))
    expect(story.last?.decision).toMatchObject({
      class: 'hpa',
      atMs: 15_000,
      proposed: 3,
      inputs: {
        replicas: 2,
        present: 2,
        metrics: [
          {
            name: 'pods metric gpu',
            type: 'Pods',
            target: { averageValue: 700 },
            averageValue: 950,
            replicas: 3,
            binding: true,
          },
        ],
      },
    })
  })

  it('is held by the rate, then by the bound', () => {
    const story = new Story(policy({ maxReplicas: 7 }), 1)
    expect(story.at(15, each(7000, 1))).toBe(4)
    expect(story.limits).toEqual(['scale-up rate: not above 4'])
    expect(story.at(15, each(7000, 4))).toBe(7)
    expect(story.limits).toEqual(['max replicas 7'])
    expect(story.reason('ScalingLimited')).toBe('TooManyReplicas')
  })

  it('goes to its bounds without a look at the metrics', () => {
    const story = new Story(policy({ minReplicas: 3 }), 1)
    expect(story.at(15, silent)).toBe(3)
    expect(story.limits).toEqual(['min replicas 3'])
    expect(story.last?.decision.inputs.metrics).toEqual([])
    const large = new Story(policy({}), 12)
    expect(large.at(15, silent)).toBe(10)
    expect(large.limits).toEqual(['max replicas 10'])
  })

  it('waits a window after a restart of the controller', () => {
    const story = new Story(policy({}), 4)
    expect(story.at(0, each(100, 4))).toBe(4)
    expect(story.at(300, each(100, 4))).toBe(4)
    expect(story.at(1, each(100, 4))).toBe(1)
  })
})

describe('several metrics', () => {
  it('go by the largest, and name it', () => {
    const story = new Story(policy({ metrics: [gpu, queue] }), 2)
    expect(story.at(15, each(700, 2), waiting(35))).toBe(4)
    const { metrics } = story.last!.decision.inputs
    expect(metrics.map(({ replicas, binding }) => [replicas, binding])).toEqual([
      [2, false],
      [4, true],
    ])
  })

  it('still grow when one of them is silent', () => {
    const story = new Story(policy({ metrics: [gpu, queue] }), 2)
    expect(story.at(15, silent, waiting(35))).toBe(4)
    expect(story.reason('ScalingActive')).toBe('ValidMetricFound')
    expect(story.last?.decision.error).toMatch(/1 invalid out of 2.*no answer within 2 s/)
    expect(story.last?.decision.inputs.metrics[0]?.error).toMatch(/no answer within 2 s/)
  })

  it('do not shrink when one of them is silent', () => {
    const story = new Story(policy({ metrics: [gpu, queue] }), 5)
    expect(story.at(15, silent, waiting(20))).toBeUndefined()
    expect(story.limits).toEqual(['no metric can be used: nothing changes'])
    expect(story.reason('ScalingActive')).toBe('FailedGetPodsMetric')
    expect(story.memory.recommendations).toEqual([{ atMs: 15_000, replicas: 5 }])
  })

  it('stay when the others ask for what is there', () => {
    const story = new Story(policy({ metrics: [gpu, queue] }), 4)
    expect(story.at(15, silent, waiting(40))).toBe(4)
    expect(story.reason('ScalingActive')).toBe('ValidMetricFound')
  })

  it.each<[string, Reading | undefined]>([
    ['is no number', { kind: 'pods', values: [{ pod: 'p0', value: Number.NaN }] }],
    ['has no samples', { kind: 'pods', values: [] }],
    ['is of another kind', waiting(5)],
    ['was not read', undefined],
  ])('freeze where the only one %s', (_, reading) => {
    const story = new Story(policy({}), 5)
    expect(story.at(15, ...(reading === undefined ? [] : [reading]))).toBeUndefined()
    expect(story.reason('ScalingActive')).toBe('FailedGetPodsMetric')
  })

  it('freeze where it is not known which pods are meant', () => {
    const observation = { nowMs: 0, replicas: 2, present: 2, pods: [], readings: [each(700, 2)] }
    const selectorProblem = { reason: 'AmbiguousSelector', error: 'two have them' } as const
    const { decision } = decideHpa(policy({}), { ...observation, selectorProblem }, initialHpaMemory)
    expect(decision).toMatchObject({ replicas: undefined, error: 'two have them' })
    expect(decision.conditions.at(-1)?.reason).toBe('AmbiguousSelector')
  })
})

describe('zero', () => {
  const sleepy = { minReplicas: 0, metrics: [queue] }

  it('is reached and left by a metric that needs no replica', () => {
    const story = new Story(policy(sleepy), 1)
    expect(story.at(15, waiting(0))).toBe(1)
    expect(story.at(301, waiting(0))).toBe(0)
    expect(story.reason('ScaledToZero')).toBe('ScaledToZero')
    expect(story.at(15, waiting(0))).toBe(0)
    expect(story.at(15, waiting(25))).toBe(3)
    expect(story.reason('ScaledToZero')).toBe('NotScaledToZero')
  })

  it('stays when the metric is silent', () => {
    const story = new Story(policy(sleepy), 1)
    story.at(15, waiting(0))
    expect(story.at(301, waiting(0))).toBe(0)
    expect(story.at(15, silent)).toBeUndefined()
    expect(story.replicas).toBe(0)
  })

  it('that somebody else ordered is left alone', () => {
    const story = new Story(policy(sleepy), 0)
    expect(story.at(15, waiting(25))).toBe(0)
    expect(story.limits).toEqual(['scaling is disabled: somebody else ordered 0'])
    expect(story.reason('ScalingActive')).toBe('ScalingDisabled')
  })

  it('is never left where the gate is off', () => {
    const gated = hpaPolicyOf({ maxReplicas: 10, ...sleepy }, { ...defaultHpaSettings, scaleToZero: false })
    const story = new Story(gated, 1)
    story.at(15, waiting(0))
    expect(story.at(301, waiting(0))).toBe(0)
    expect(story.reason('ScaledToZero')).toBeUndefined()
    expect(story.at(15, waiting(25))).toBe(0)
  })

  it('is left to the minimum, where that was raised while it slept', () => {
    const story = new Story(policy({ ...sleepy, behavior: {} }), 1)
    story.at(15, waiting(0))
    expect(story.at(301, waiting(0))).toBe(0)
    const raised = new Story(policy({ metrics: [queue], minReplicas: 3, behavior: {} }), 0)
    raised.memory = story.memory
    raised.nowMs = story.nowMs
    expect(raised.at(15, waiting(5))).toBe(3)
    expect(raised.limits).toEqual(['min replicas 3'])
    expect(raised.last?.decision.proposed).toBe(1)
  })
})

describe('what the platform says', () => {
  it('to an order it refuses: it was recommended, and nothing was added', () => {
    const story = new Story(policy({ behavior: {} }), 2)
    story.at(15, each(1400, 2))
    const { memory, memoryIfRefused } = story.last!
    expect(memory.scaleUpEvents).toEqual([{ atMs: 15_000, change: 2 }])
    expect(memoryIfRefused.scaleUpEvents).toEqual([])
    expect(memoryIfRefused.recommendations).toEqual(memory.recommendations)
    expect(memoryIfRefused.conditions[0]).toEqual({
      type: 'AbleToScale',
      status: 'False',
      reason: 'FailedUpdateScale',
    })
  })

  it('when it does not say how many there are: nothing is recommended', () => {
    expect(scaleUnknown(initialHpaMemory)).toEqual({
      ...initialHpaMemory,
      conditions: [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale' }],
    })
  })
})
