import { describe, expect, it } from 'vitest'
import { decideLlm } from './decide.ts'
import type { LlmDecision } from './decision.ts'
import { initialLlmMemory, type LlmMemory } from './memory.ts'
import type { EngineReading, LlmObservation } from './observation.ts'
import { defaultLlmPolicy, type LlmPolicy } from './policy.ts'

const NOW_MS = 1_000_000
type Engine = Partial<Extract<EngineReading, { readonly atMs: number }>>

function enginesOf(engines: readonly Engine[], nowMs = NOW_MS): readonly EngineReading[] {
  return engines.map((engine, index) => ({ replica: `p-${index}`, atMs: nowMs, ...engine }))
}

/** As many replicas as engines, all ready, unless the test says otherwise. */
function seenOf(engines: readonly Engine[], over: Partial<LlmObservation> = {}): LlmObservation {
  return {
    nowMs: NOW_MS,
    replicas: engines.length,
    ready: engines.length,
    starting: 0,
    waiting: 0,
    inFlight: 0,
    engines: enginesOf(engines, over.nowMs),
    ...over,
  }
}

function decisionOf(
  engines: readonly Engine[],
  over: Partial<LlmObservation> = {},
  policy: Partial<LlmPolicy> = {},
): LlmDecision {
  return decideLlm({ ...defaultLlmPolicy, ...policy }, seenOf(engines, over), initialLlmMemory).decision
}

function bindingOf({ signals }: LlmDecision): string | undefined {
  return signals.find(({ binding }) => binding)?.name
}

const calm = { running: 1, waiting: 0, kv: 0.1 }
const ready: LlmMemory = {
  calmMs: defaultLlmPolicy.scaleDownDelayMs,
  calmAtMs: NOW_MS,
  batch: null,
}

describe('saturation', () => {
  it.each([
    ['the queue', { waiting: 12, kv: 0.4 }, 'waiting', 3],
    ['the KV cache', { waiting: 0, kv: 1 }, 'kv cache', 2],
    ['the batch', { waiting: 0, kv: 0.2, running: 33 }, 'running', 4],
  ])('of a replica is what it has least left of: %s', (_what, engine, binding, replicas) => {
    const decision = decisionOf([engine], {}, { capacity: 10 })
    expect(decision.replicas).toBe(replicas)
    expect(bindingOf(decision)).toBe(binding)
  })

  it('is summed over the replicas: a mean over the target would leave 2 where 4 are needed', () => {
    expect(decisionOf([{ waiting: 20 }, { waiting: 20 }], {}, { waitingTarget: 10 }).replicas).toBe(4)
  })

  it('takes of each replica its own side', () => {
    const decision = decisionOf([
      { waiting: 7, kv: 0 },
      { waiting: 0, kv: 0.96 },
    ])
    expect(decision.replicas).toBe(3)
    expect(decision.signals.slice(1, 5)).toMatchObject([
      { name: 'waiting', value: 7, target: 5, proposal: 2, binding: false },
      { name: 'kv cache', value: 0.96, target: 0.8, proposal: 2, binding: false },
      { name: 'running', reason: 'no engine reports it' },
      { name: 'saturation', value: 2.6, proposal: 3, binding: true },
    ])
  })

  it('does not order again what is on its way', () => {
    const full = [{ waiting: 10 }, { waiting: 10 }]
    expect(decisionOf(full).replicas).toBe(4)
    expect(decisionOf(full, { replicas: 4, starting: 2 })).toMatchObject({ replicas: 4, limits: [] })
  })

  it('grows by the ready ones, so that a queue which grows during a start does not multiply it', () => {
    const decision = decisionOf([{ waiting: 500 }], { replicas: 5, starting: 4 })
    expect(decision).toMatchObject({
      replicas: 5,
      limits: ['scale-up rate: not above 5 with 1 ready'],
    })
  })

  it('is full where the sum of the parts is', () => {
    // In doubles 0.7 / 0.8 ten times over is a little more than 8.75, and 0.56 / 0.8 more than 0.7.
    expect(decisionOf(Array.from({ length: 10 }, () => ({ kv: 0.56 }))).signals[4]?.value).toBe(7)
  })
})

describe('requests', () => {
  it('that gateways hold and run are needed in full, whatever engines say', () => {
    const decision = decisionOf([calm], { waiting: 90, inFlight: 10 }, { capacity: 10 })
    expect(decision).toMatchObject({ replicas: 10, limits: [] })
    expect(bindingOf(decision)).toBe('requests')
  })

  it('take the capacity that an engine names, and without one ask for a single replica', () => {
    expect(decisionOf([{ ...calm, capacity: 4 }], { inFlight: 20 }).replicas).toBe(5)
    expect(decisionOf([calm], { inFlight: 20 }).replicas).toBe(1)
  })

  it('are all there is before the first replica is ready', () => {
    const waking = { replicas: 1, ready: 0, starting: 1, waiting: 25 }
    expect(decisionOf([], waking, { capacity: 10 }).replicas).toBe(3)
    expect(decisionOf([], waking).replicas).toBe(1)
  })

  it('that left take back, one by one, orders whose start never comes', () => {
    const policy = { ...defaultLlmPolicy, capacity: 10 }
    const seen = seenOf([], { replicas: 5, ready: 0, starting: 5, waiting: 8 })
    expect(decideLlm(policy, seen, initialLlmMemory).decision.replicas).toBe(5)
    expect(decideLlm(policy, seen, ready).decision.replicas).toBe(4)
    const unknown = decideLlm(defaultLlmPolicy, seen, ready).decision
    expect(unknown).toMatchObject({
      replicas: 5,
      limits: ['nothing is taken away while values are missing: no replica is ready'],
    })
  })
})

describe('before a replica goes', () => {
  it('the others have to hold its share: 4 at 0.6 would be 3 at 0.8', () => {
    const four = (kv: number): readonly Engine[] => Array.from({ length: 4 }, () => ({ ...calm, kv }))
    const after = (kv: number): LlmDecision => decideLlm(defaultLlmPolicy, seenOf(four(kv)), ready).decision
    expect(after(0.48)).toMatchObject({ replicas: 3, limits: [] })
    expect(after(0.1)).toMatchObject({ replicas: 3, limits: ['one replica at a time'] })
    expect(after(0.49)).toMatchObject({
      replicas: 4,
      limits: ['one replica less would be fuller than 80 %'],
    })
  })

  it('that has to be so for the whole delay, and then one goes a minute', () => {
    const story = (engines: (minute: number) => readonly Engine[]): number[] => {
      let memory = initialLlmMemory
      let replicas = 4
      return Array.from({ length: 9 }, (_, minute) => {
        const nowMs = NOW_MS + minute * 60_000
        const seen = seenOf(engines(minute).slice(0, replicas), { nowMs })
        const decided = decideLlm(defaultLlmPolicy, seen, memory)
        memory = decided.memory
        replicas = decided.decision.replicas
        return replicas
      })
    }
    const idle = [calm, calm, calm, calm]
    expect(story(() => idle)).toEqual([4, 4, 4, 4, 4, 3, 2, 1, 1])
    const busy = Array.from({ length: 4 }, () => ({ ...calm, kv: 0.7 }))
    expect(story((minute) => (minute === 3 ? busy : idle))).toEqual([4, 4, 4, 4, 4, 4, 4, 4, 4])
    // A gap in what is known neither counts towards the delay nor begins it anew.
    const gap = [calm, calm, calm, {}]
    expect(story((minute) => (minute === 3 ? gap : idle))).toEqual([4, 4, 4, 4, 4, 4, 4, 3, 2])
  })

  it('a load that queued on fewer replicas is remembered, where nobody says what an engine can take', () => {
    const queueing = decideLlm(defaultLlmPolicy, seenOf([{ running: 19, waiting: 18 }]), initialLlmMemory)
    expect(queueing).toMatchObject({ decision: { replicas: 4 }, memory: { batch: 19 } })
    const spread = (count: number): LlmObservation =>
      seenOf(Array.from({ length: count }, () => ({ running: 37 / count, waiting: 0, kv: 0.1 })))
    const memory = { ...ready, batch: queueing.memory.batch }
    expect(decideLlm(defaultLlmPolicy, spread(4), memory).decision.replicas).toBe(3)
    expect(decideLlm(defaultLlmPolicy, spread(3), memory).decision.replicas).toBe(3)
    // Shorter requests, of which an engine takes more at once.
    const more = decideLlm(defaultLlmPolicy, seenOf([{ ...calm, running: 40 }, calm]), memory).memory
    expect(more.batch).toBe(40)
  })

  it('the minimum stays', () => {
    const policy = { ...defaultLlmPolicy, minReplicas: 2 }
    expect(decideLlm(policy, seenOf([calm, calm]), ready).decision).toMatchObject({ replicas: 2, limits: [] })
    expect(decideLlm(policy, seenOf([calm]), ready).decision).toMatchObject({
      replicas: 2,
      limits: ['min replicas 2'],
    })
  })
})

describe('an objective', () => {
  const policy = { ttftObjectiveMs: 500, itlObjectiveMs: 50 }

  it('asks for one more where every replica is above it', () => {
    const slow = { running: 4, waiting: 0, kv: 0.2, ttftMs: 900, itlMs: 20 }
    const decision = decisionOf([slow, slow], {}, policy)
    expect(decision.replicas).toBe(3)
    expect(bindingOf(decision)).toBe('time to first token')
    expect(decisionOf([slow, { ...slow, ttftMs: 300 }], {}, policy).replicas).toBe(2)
    expect(decisionOf([slow, { ...slow, running: 0 }], {}, policy).replicas).toBe(2)
    expect(decisionOf([slow, slow], { ready: 3, replicas: 3 }, policy).replicas).toBe(3)
  })

  it('does not ask again while that one starts', () => {
    const slow = { running: 4, waiting: 0, kv: 0.2, itlMs: 90 }
    expect(decisionOf([slow], {}, policy).replicas).toBe(2)
    expect(decisionOf([slow], { replicas: 2, starting: 1 }, policy).replicas).toBe(2)
  })

  it('never asks for more replicas than there are requests', () => {
    const lonely = { running: 1, waiting: 0, kv: 0.2, ttftMs: 9_000 }
    expect(decisionOf([lonely], {}, policy).replicas).toBe(1)
    expect(decisionOf([lonely], { inFlight: 1, waiting: 1 }, policy).replicas).toBe(2)
  })

  it('keeps a replica whose share would bring the others near it', () => {
    const after = (ttftMs: number): LlmDecision => {
      const engine = { ...calm, ttftMs, itlMs: 5 }
      return decideLlm({ ...defaultLlmPolicy, ...policy }, seenOf([engine, engine, engine]), ready).decision
    }
    expect(after(266).replicas).toBe(2)
    expect(after(267)).toMatchObject({
      replicas: 3,
      limits: ['time to first token: one replica less would come too near 500 ms'],
    })
  })

  it('is no obstacle where the engine does not measure it, or is idle', () => {
    const idle = { running: 0, waiting: 0, kv: 0, ttftMs: 900 }
    const decide = (engines: readonly Engine[]): LlmDecision =>
      decideLlm({ ...defaultLlmPolicy, ...policy }, seenOf(engines), ready).decision
    expect(decide([calm, calm]).replicas).toBe(1)
    expect(decide([idle, { ...calm, ttftMs: 100, itlMs: 9 }]).replicas).toBe(1)
    expect(decide([idle, idle]).signals.at(-2)).toMatchObject({ reason: 'every engine is idle' })
  })
})

describe('what is missing', () => {
  const full = { running: 9, waiting: 10, kv: 0.9 }

  it.each<[string, readonly EngineReading[]]>([
    ['1 of 2 ready replicas: no reading', []],
    ['p-1: connect ECONNREFUSED', [{ replica: 'p-1', error: 'connect ECONNREFUSED' }]],
    ['p-1: late, older than 15 s', [{ replica: 'p-1', ...calm, atMs: NOW_MS - 15_001 }]],
    ['p-1: from the future', [{ replica: 'p-1', ...calm, atMs: NOW_MS + 15_001 }]],
    ['p-1: not known how old', [{ replica: 'p-1', ...calm, atMs: Number.NaN }]],
    ['p-1: kv is not reported', [{ replica: 'p-1', atMs: NOW_MS, running: 1, waiting: 0 }]],
    ['p-1: kv is not a number', [{ replica: 'p-1', ...calm, atMs: NOW_MS, kv: Number.NaN }]],
    ['p-1: kv is above 1', [{ replica: 'p-1', ...calm, atMs: NOW_MS, kv: 83 }]],
    ['p-1: waiting is negative', [{ replica: 'p-1', ...calm, atMs: NOW_MS, waiting: -1 }]],
    ['p-1: waiting is not a number', [{ replica: 'p-1', ...calm, atMs: NOW_MS, waiting: Infinity }]],
  ])('has a name, takes nothing away and asks for nothing: %s', (reason, second) => {
    const [first] = enginesOf([calm])
    const [busy] = enginesOf([full])
    const over = (engine: EngineReading | undefined): Partial<LlmObservation> => ({
      ready: 2,
      replicas: 2,
      engines: [...(engine === undefined ? [] : [engine]), ...second],
    })
    const quiet = decideLlm(defaultLlmPolicy, seenOf([], over(first)), ready)
    expect(quiet.decision).toMatchObject({
      replicas: 2,
      limits: [`nothing is taken away while values are missing: ${reason}`],
    })
    expect(quiet.memory).toEqual({ ...ready, calmAtMs: null })
    // The one that can be heard is worth two replicas, and one of them is there.
    const grown = decideLlm({ ...defaultLlmPolicy, waitingTarget: 3 }, seenOf([], over(busy)), ready)
    expect(grown.decision.replicas).toBe(4)
  })

  it('in every engine means an engine that does not have it, if it has anything else', () => {
    const tgi = { running: 3, waiting: 1 }
    const decide = (engines: readonly Engine[]): LlmDecision =>
      decideLlm({ ...defaultLlmPolicy, capacity: 32 }, seenOf(engines), ready).decision
    expect(decide([tgi, tgi]).replicas).toBe(1)
    expect(decide([{}, {}])).toMatchObject({
      replicas: 2,
      limits: ['nothing is taken away while values are missing: p-0: reports no load; p-1: reports no load'],
    })
  })

  it('says at most three in full', () => {
    const { limits } = decisionOf(Array.from({ length: 9 }, () => ({ atMs: 0 })))
    expect(limits[0]).toMatch(/^nothing .*: p-0: late.*; p-1: .*; p-2: .*; and 6 more$/)
  })

  it('takes zero for what it is', () => {
    const zero = { running: 0, waiting: 0, kv: 0 }
    expect(decideLlm(defaultLlmPolicy, seenOf([zero, zero]), ready).decision.replicas).toBe(1)
    expect(decisionOf([zero]).replicas).toBe(1)
    expect(decisionOf([], { replicas: 0, ready: 0 }).replicas).toBe(1)
  })

  it('counts a replica that is named twice once', () => {
    const engines = [...enginesOf([full]), ...enginesOf([calm])]
    expect(decisionOf([], { ready: 1, replicas: 1, engines }).replicas).toBe(1)
  })

  it('is nothing in the numbers of gateways either', () => {
    expect(decisionOf([calm], { waiting: Number.NaN, inFlight: -5 }, { capacity: 1 }).replicas).toBe(1)
  })
})
