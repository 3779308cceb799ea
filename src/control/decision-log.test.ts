import { describe, expect, it } from 'vitest'
import type { Decision, Signal } from '../core/decision.ts'
import { SeededRandom } from '../core/random.ts'
import { DecisionLog } from './decision-log.ts'

function decisionOf(parts: Partial<Decision> = {}, inputs: Partial<Decision['inputs']> = {}): Decision {
  return {
    class: 'kpa',
    atMs: 1_700_000_000_000,
    replicas: 2,
    mode: 'stable',
    limits: [],
    signals: [],
    inputs: {
      metric: 'concurrency',
      stable: 1.25,
      panic: 3.5,
      ready: 2,
      starting: 0,
      waiting: 0,
      target: 7,
      ...inputs,
    },
    windowsMs: { stable: 60_000, panic: 6_000 },
    excessBurstCapacity: -180,
    ...parts,
  }
}

function signal(parts: Partial<Signal> = {}): Signal {
  return { name: 'stable window', unit: 'requests at once', binding: true, ...parts }
}

describe('DecisionLog', () => {
  it('gives back what it was given, whatever is missing in it', () => {
    const log = new DecisionLog()
    const decisions = [
      decisionOf(),
      decisionOf({ replicas: undefined, limits: ['no data: nothing changes'] }),
      decisionOf({ signals: [signal({ value: 1.25, proposal: 1 }), signal({ value: 3.5, target: 7 })] }),
      decisionOf({ class: 'hpa', signals: [signal({ reason: 'p-2: 14 s old', binding: false })] }),
      decisionOf({
        class: 'hpa',
        signals: [signal({ name: 'kv-cache', value: 0.7 }), signal({ value: Number.NaN, proposal: 4 })],
        conditions: [{ type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale' }],
        windowsMs: { stable: 60_000, panic: 6_000, 'scale down': 300_000 },
      }),
      decisionOf({ mode: 'panic', limits: ['max scale 4', 'no place for 1: not above 2'] }),
      decisionOf({ excessBurstCapacity: Number.NEGATIVE_INFINITY }, { stable: 1e12, waiting: 50_000 }),
    ]
    for (const decision of decisions) log.add(decision)
    expect(log.all()).toEqual(decisions)
    expect(log.newest).toBe(decisions.at(-1))
  })

  it('puts a decision that says the same in place of the one before', () => {
    const log = new DecisionLog()
    log.add(decisionOf())
    log.add(decisionOf({ replicas: 3 }))
    const later = decisionOf({ replicas: 3, atMs: 1_700_000_002_000, excessBurstCapacity: 5 })
    log.add(later)
    expect(log.all()).toEqual([decisionOf(), later])
  })

  it.each([
    ['the number', decisionOf({ replicas: 3 })],
    ['an input', decisionOf({}, { waiting: 1 })],
    ['the load', decisionOf({}, { stable: 1.26 })],
    ['a limit', decisionOf({ limits: ['min scale 2'] })],
    ['a signal', decisionOf({ signals: [signal()] })],
    ['the class', decisionOf({ class: 'fixed' })],
    ['a window', decisionOf({ windowsMs: { stable: 60_000, panic: 7_000 } })],
    ['a condition', decisionOf({ conditions: [{ type: 'ScalingActive', status: 'True', reason: 'Valid' }] })],
  ])('keeps both where %s is another', (_what, other) => {
    const log = new DecisionLog()
    log.add(decisionOf())
    log.add(other)
    expect(log.all()).toEqual([decisionOf(), other])
  })

  it('keeps the last thousand', () => {
    const log = new DecisionLog()
    const random = new SeededRandom(7)
    const decisions = Array.from({ length: 3_456 }, (_, index) => {
      const load = Math.floor(random.next() * 1e6) / 1e3
      return decisionOf(
        {
          atMs: 1_700_000_000_000 + 2_000 * index,
          replicas: random.next() < 0.1 ? undefined : index,
          limits: random.next() < 0.2 ? [`waiting ${index}`] : [],
          signals: [signal({ value: load, proposal: index }), signal({ name: 'kv', value: random.next() })],
        },
        { stable: load },
      )
    })
    for (const decision of decisions) log.add(decision)
    expect(log.all()).toEqual(decisions.slice(-1_000))
  })
})
