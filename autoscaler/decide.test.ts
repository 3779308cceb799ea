import { describe, expect, it } from 'vitest'
import { decide, initialMemory, type Decided, type Memory, type Observation } from './decide.ts'
import { policyOf, type Policy } from './policy.ts'
import { defaultAutoscalerConfig } from './settings.ts'

/** One replica takes 10 requests at once and 7 are aimed for. */
const policy = (annotations: Record<string, string> = {}, config = {}): Policy =>
  policyOf({
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`autoscaling.knative.dev/${key}`, value]),
    ),
    containerConcurrency: 10,
    class: 'kpa',
    config: { ...defaultAutoscalerConfig, ...config },
  })

/** A revision with a clock of its own: every step says what is seen, and replicas are ready at the next step. */
class Story {
  readonly #policy: Policy
  #nowMs = 0
  #memory: Memory
  #decided: Decided | undefined

  constructor(chosen: Policy, start: { ready: number; initialised?: boolean }) {
    this.#policy = chosen
    this.#memory = initialMemory({ nowMs: 0, ready: start.ready, initialised: start.initialised ?? true })
  }

  get limits(): readonly string[] {
    return this.#decided?.decision.limits ?? []
  }

  get mode(): string | undefined {
    return this.#decided?.decision.mode
  }

  /** Decides `afterSeconds` later. */
  at(afterSeconds: number, seen: Partial<Observation>): number | undefined {
    this.#nowMs += afterSeconds * 1000
    const observation: Observation = {
      nowMs: this.#nowMs,
      ready: 0,
      starting: 0,
      stable: 0,
      panic: 0,
      waiting: 0,
      reachable: true,
      ...seen,
    }
    this.#decided = decide(this.#policy, observation, this.#memory)
    this.#memory = this.#decided.memory
    return this.#decided.decision.replicas
  }
}

describe('each decision', () => {
  it('shows what both windows ask for, and which of them counts', () => {
    const seen = { nowMs: 2_000, ready: 2, starting: 1, stable: 15, panic: 56, waiting: 0, reachable: true }
    const memory = initialMemory({ nowMs: 0, ready: 2, initialised: true })
    const { decision } = decide(policy({ 'max-scale': '5' }), seen, memory)
    expect(decision).toMatchObject({
      class: 'kpa',
      replicas: 5,
      mode: 'panic',
      limits: ['max scale 5'],
      signals: [
        {
          name: 'stable window',
          unit: 'requests at once',
          value: 15,
          target: 7,
          proposal: 3,
          binding: false,
        },
        { name: 'panic window', unit: 'requests at once', value: 56, target: 7, proposal: 8, binding: true },
      ],
      inputs: { ready: 2, starting: 1, waiting: 0 },
      windowsMs: { stable: 60_000, panic: 6_000 },
    })
    const rare = decide(policy({ metric: 'rps' }), { ...seen, stable: 15, panic: 0 }, memory).decision
    expect(rare.signals).toMatchObject([{ unit: 'requests per second', binding: true }, { binding: false }])
  })

  it('is owed to those who wait, where the windows ask for nothing', () => {
    const seen = { nowMs: 2_000, ready: 0, starting: 0, stable: 0, panic: 0, waiting: 3, reachable: true }
    const memory = initialMemory({ nowMs: 0, ready: 0, initialised: true })
    expect(decide(policy(), seen, memory).decision.signals).toMatchObject([
      { name: 'stable window', binding: false },
      { name: 'panic window', binding: false },
      { name: 'waiting', value: 3, proposal: 1, binding: true },
    ])
  })
})

describe('a burst', () => {
  it('enters panic, holds for a stable window, then halves', () => {
    const story = new Story(policy(), { ready: 1 })
    expect(story.at(2, { ready: 1, stable: 7, panic: 7 })).toBe(1)
    expect(story.at(2, { ready: 1, stable: 10, panic: 56 })).toBe(8)
    expect(story.mode).toBe('panic')
    expect(story.at(2, { ready: 8, stable: 12, panic: 7 })).toBe(8)
    expect(story.limits).toEqual(['scale-down rate 2x: not below 4', 'held by panic'])
    expect(story.at(58, { ready: 8, stable: 7, panic: 7 })).toBe(8)
    expect(story.at(2, { ready: 8, stable: 7, panic: 7 })).toBe(4)
    expect(story.mode).toBe('stable')
    expect(story.at(2, { ready: 4, stable: 7, panic: 7 })).toBe(2)
    expect(story.at(2, { ready: 2, stable: 7, panic: 7 })).toBe(1)
    expect(story.limits).toEqual([])
  })

  it('stays within the bounds, in the order in which they apply', () => {
    const story = new Story(policy({ 'max-scale': '5', 'min-scale': '2' }), { ready: 2 })
    expect(story.at(2, { ready: 2, stable: 700, panic: 700 })).toBe(5)
    expect(story.limits).toEqual(['max scale 5'])
    const small = new Story(policy({ 'min-scale': '2' }), { ready: 1 })
    expect(small.at(2, { ready: 1, stable: 1, panic: 1 })).toBe(2)
    expect(small.limits).toEqual(['min scale 2'])
  })
})

describe('an idle revision', () => {
  it('loses its last replica once the stable window is empty', () => {
    const story = new Story(policy(), { ready: 1 })
    for (let s = 2; s < 60; s += 2) expect(story.at(2, { ready: 1 })).toBe(1)
    expect(story.limits).toEqual(['not idle for the stable window of 60 s'])
    expect(story.at(2, { ready: 1 })).toBe(0)
    expect(story.limits).toEqual([])
  })

  it('is not idle while the stable window remembers a request', () => {
    const story = new Story(policy(), { ready: 1 })
    expect(story.at(120, { ready: 1, stable: 0.000_001 })).toBe(1)
    expect(story.at(2, { ready: 1 })).toBe(0)
  })

  it('keeps its last replica for the pod retention, counted anew after each request', () => {
    const story = new Story(policy({ 'scale-to-zero-pod-retention-period': '5m' }), { ready: 1 })
    expect(story.at(60, { ready: 1 })).toBe(1)
    expect(story.limits).toEqual(['pod retention 300 s'])
    expect(story.at(298, { ready: 1 })).toBe(1)
    expect(story.at(2, { ready: 1, stable: 1, panic: 1 })).toBe(1)
    expect(story.at(60, { ready: 1 })).toBe(1)
    expect(story.at(298, { ready: 1 })).toBe(1)
    expect(story.at(2, { ready: 1 })).toBe(0)
  })

  it('never loses the replica that a request waits for', () => {
    const story = new Story(policy(), { ready: 1 })
    expect(story.at(600, { ready: 1, waiting: 3 })).toBe(1)
    expect(story.limits).toEqual(['3 waiting'])
  })

  it('keeps one replica where scale to zero is disabled', () => {
    const story = new Story(policy({}, { enableScaleToZero: false }), { ready: 1 })
    expect(story.at(600, { ready: 1 })).toBe(1)
    expect(story.limits).toEqual(['scale to zero is disabled'])
  })

  it('is given up at once with all its replicas when nothing leads to it, whatever its minimum', () => {
    const chosen = policy({ 'min-scale': '2', 'scale-to-zero-pod-retention-period': '1h' })
    const story = new Story(chosen, { ready: 4 })
    expect(story.at(62, { ready: 4, reachable: false })).toBe(0)
  })
})

describe('a sleeping revision', () => {
  it('goes on sleeping, with data and without, also under a new controller', () => {
    const story = new Story(policy(), { ready: 0 })
    expect(story.at(2, {})).toBe(0)
    expect(story.at(2, { stable: undefined, panic: undefined })).toBeUndefined()
    expect(story.limits).toEqual(['no data: nothing changes'])
  })

  it('is woken by one waiting request before any report', () => {
    const story = new Story(policy(), { ready: 0 })
    expect(story.at(600, { stable: undefined, panic: undefined, waiting: 1 })).toBe(1)
    expect(story.limits).toEqual(['1 waiting'])
  })

  it('is woken at full strength by what the first second shows', () => {
    const story = new Story(policy(), { ready: 0 })
    expect(story.at(600, { stable: 30, panic: 30, waiting: 30 })).toBe(5)
  })

  it('is woken to its activation scale', () => {
    const story = new Story(policy({ 'activation-scale': '3' }), { ready: 0 })
    expect(story.at(600, { stable: undefined, panic: undefined, waiting: 1 })).toBe(3)
    expect(story.at(2, { starting: 3, stable: 1, panic: 1, waiting: 1 })).toBe(3)
  })

  it('may load for hours while somebody waits', () => {
    const story = new Story(policy(), { ready: 0 })
    for (let s = 0; s < 7_200; s += 60) expect(story.at(60, { starting: 1, waiting: 1 })).toBe(1)
  })

  it('is given up one stable window after it was woken when nobody waits any more', () => {
    const story = new Story(policy(), { ready: 0 })
    expect(story.at(600, { stable: 1, panic: 1, waiting: 1 })).toBe(1)
    expect(story.at(58, { starting: 1 })).toBe(1)
    expect(story.at(2, { starting: 1 })).toBe(0)
  })

  it('has a stable window from the moment it is ready', () => {
    const story = new Story(policy(), { ready: 0 })
    expect(story.at(600, { stable: 1, panic: 1, waiting: 1 })).toBe(1)
    expect(story.at(50, { ready: 1 })).toBe(1)
    expect(story.at(58, { ready: 1 })).toBe(1)
    expect(story.at(2, { ready: 1 })).toBe(0)
  })
})

describe('a new revision', () => {
  it('starts once, and may sleep after it was ready for a stable window', () => {
    const story = new Story(policy(), { ready: 0, initialised: false })
    expect(story.at(2, { stable: undefined, panic: undefined })).toBe(1)
    expect(story.limits).toEqual(['initial scale 1'])
    expect(story.at(300, { starting: 1 })).toBe(1)
    expect(story.limits).toEqual(['initial scale 1: the revision was not ready yet'])
    expect(story.at(2, { ready: 1 })).toBe(1)
    expect(story.at(60, { ready: 1 })).toBe(0)
  })

  it('is given up at the progress deadline when nobody asks for it', () => {
    const story = new Story(policy(), { ready: 0, initialised: false })
    expect(story.at(2, { starting: 1 })).toBe(1)
    expect(story.at(597, { starting: 1 })).toBe(1)
    expect(story.at(1, { starting: 1 })).toBe(0)
  })

  it('has its initial scale ready once before it may shrink', () => {
    const story = new Story(policy({ 'initial-scale': '4' }), { ready: 0, initialised: false })
    expect(story.at(2, { stable: undefined, panic: undefined })).toBe(4)
    expect(story.at(2, { ready: 2, starting: 2, stable: 1, panic: 1 })).toBe(4)
    expect(story.limits).toEqual(['initial scale 4'])
    expect(story.at(2, { ready: 4, stable: 1, panic: 1 })).toBe(2)
  })

  it('starts with nothing where that is allowed', () => {
    const chosen = policy({ 'initial-scale': '0' }, { allowZeroInitialScale: true })
    const story = new Story(chosen, { ready: 0, initialised: false })
    expect(story.at(2, { stable: undefined, panic: undefined })).toBeUndefined()
    expect(story.at(2, {})).toBe(0)
  })
})

describe('without data', () => {
  const blind = { stable: undefined, panic: undefined }

  it('the last number stays', () => {
    const story = new Story(policy({ 'min-scale': '2' }), { ready: 3 })
    expect(story.at(2, { ready: 3, ...blind })).toBeUndefined()
  })

  it('a missing minimum is restored', () => {
    const story = new Story(policy({ 'min-scale': '2' }), { ready: 0 })
    expect(story.at(2, blind)).toBe(2)
    expect(story.limits).toEqual(['min scale 2'])
  })
})

describe('a revision of class external', () => {
  const external: Policy = { ...policy({ 'min-scale': '0' }), class: 'external' }

  it('is started once, and from then on left to somebody else', () => {
    const story = new Story(external, { ready: 0, initialised: false })
    expect(story.at(0, {})).toBe(1)
    expect(story.at(2, { starting: 1 })).toBeUndefined()
    expect(story.at(2, { ready: 1 })).toBeUndefined()
    expect(story.at(2, { ready: 5, stable: 90, panic: 90 })).toBeUndefined()
    expect(story.at(2, { ready: 0, waiting: 3 })).toBeUndefined()
    expect(story.limits).toEqual(['scaled from outside'])
  })

  it('is not started by a controller that began anew', () => {
    const story = new Story(external, { ready: 0, initialised: true })
    expect(story.at(0, { waiting: 3 })).toBeUndefined()
  })

  it('ends when nothing leads to it, and begins again when something does', () => {
    const story = new Story(external, { ready: 2 })
    expect(story.at(0, { ready: 2, reachable: false, inFlight: 1 })).toBeUndefined()
    expect(story.at(2, { ready: 2, reachable: false })).toBe(0)
    expect(story.at(60, { ready: 0, reachable: true })).toBe(1)
  })
})

describe('a revision of class fixed', () => {
  it('has its minimum, whatever is measured, as long as something leads to it', () => {
    const story = new Story({ ...policy({ 'min-scale': '3' }), class: 'fixed' }, { ready: 3 })
    expect(story.at(2, { ready: 3, stable: 700, panic: 700 })).toBe(3)
    expect(story.limits).toEqual(['fixed at 3'])
    expect(story.at(2, { ready: 3, reachable: false })).toBe(0)
  })
})

describe('a cluster that is full', () => {
  it('is asked for no more than it was asked for already', () => {
    const story = new Story(policy(), { ready: 1 })
    expect(story.at(2, { ready: 1, starting: 1, unplaced: 1, stable: 56, panic: 56 })).toBe(2)
    expect(story.limits).toContain('no place for 1: not above 2')
    expect(story.at(2, { ready: 2, stable: 56, panic: 56 })).toBe(8)
  })

  it('may be asked for less', () => {
    const story = new Story(policy(), { ready: 1 })
    expect(story.at(2, { ready: 1, starting: 2, unplaced: 2, stable: 7, panic: 7 })).toBe(1)
  })
})
