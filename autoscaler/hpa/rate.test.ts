import { describe, expect, it } from 'vitest'
import { hpaPolicyOf, type HpaBehavior } from './policy.ts'
import { limit, limitByBehavior, withEvent, type Events } from './rate.ts'
import type { HpaBehaviorSpec } from './spec.ts'

function behavior(spec: HpaBehaviorSpec): HpaBehavior {
  const made = hpaPolicyOf({ maxReplicas: 1, behavior: spec }).behavior
  if (made === undefined) throw new Error('the policy has no behavior')
  return made
}

const none: Events = { scaleUpEvents: [], scaleDownEvents: [] }
const bounds = { min: 1, max: 1000 }

describe('without behavior', () => {
  it.each([
    [100, 10, 20, 'ScaleUpLimit'],
    [100, 1, 4, 'ScaleUpLimit'],
    [5000, 900, 1000, 'TooManyReplicas'],
    [0, 10, 1, 'TooFewReplicas'],
    [3, 10, 3, 'DesiredWithinRange'],
  ])('%s wanted with %s there become %s: %s', (desired, current, replicas, reason) => {
    expect(limit(desired, current, bounds)).toEqual({ replicas, reason })
  })
})

describe('with behavior', () => {
  const rate = (desired: number, current: number, spec: HpaBehaviorSpec, events: Events = none) =>
    limitByBehavior(desired, current, bounds, behavior(spec), { ...events, nowMs: 100_000 })

  it('grows by 4 or by 100 % in 15 s, whichever is more, where nothing else is said', () => {
    expect(rate(100, 2, {})).toEqual({ replicas: 6, reason: 'ScaleUpLimit' })
    expect(rate(100, 10, {})).toEqual({ replicas: 20, reason: 'ScaleUpLimit' })
  })

  it('takes the policy that changes most, or least, or none', () => {
    const policies = [
      { type: 'Pods', value: 2, periodSeconds: 60 },
      { type: 'Percent', value: 50, periodSeconds: 60 },
    ]
    const both = (selectPolicy: string) => ({
      scaleUp: { policies, selectPolicy },
      scaleDown: { policies, selectPolicy },
    })
    expect(rate(100, 10, both('Max')).replicas).toBe(15)
    expect(rate(100, 10, both('Min')).replicas).toBe(12)
    expect(rate(100, 10, both('Disabled'))).toEqual({ replicas: 10, reason: 'ScaleUpLimit' })
    expect(rate(1, 10, both('Max'))).toEqual({ replicas: 5, reason: 'ScaleDownLimit' })
    expect(rate(1, 10, both('Min')).replicas).toBe(8)
    expect(rate(1, 10, both('Disabled')).replicas).toBe(10)
  })

  it('counts what was changed within the period, and not what is exactly as old', () => {
    const spec = { scaleUp: { policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] } }
    const event = (atMs: number) => ({ ...none, scaleUpEvents: [{ atMs, change: 3 }] })
    expect(rate(100, 10, spec, event(40_001)).replicas).toBe(11)
    expect(rate(100, 10, spec, event(40_000)).replicas).toBe(14)
    // More was added than is allowed: it stays, and does not shrink.
    expect(rate(100, 10, spec, { ...none, scaleUpEvents: [{ atMs: 90_000, change: 9 }] }).replicas).toBe(10)
  })

  it('computes shares in doubles, as Kubernetes does', () => {
    const percent = (value: number) => [{ type: 'Percent', value, periodSeconds: 15 }]
    expect(rate(100, 25, { scaleUp: { policies: percent(12) } }).replicas).toBe(29)
    expect(
      limitByBehavior(0, 5, { min: 0, max: 9 }, behavior({ scaleDown: { policies: percent(80) } }), {
        ...none,
        nowMs: 0,
      }).replicas,
    ).toBe(0)
  })

  it('adds 32-bit integers, as Kubernetes does', () => {
    const policies = [{ type: 'Pods', value: 2_147_483_647, periodSeconds: 15 }]
    expect(rate(100, 10, { scaleUp: { policies } })).toEqual({ replicas: 10, reason: 'ScaleUpLimit' })
  })

  it('ends at the bounds', () => {
    expect(rate(5000, 900, {})).toEqual({ replicas: 1000, reason: 'TooManyReplicas' })
    expect(rate(0, 900, {})).toEqual({ replicas: 1, reason: 'TooFewReplicas' })
  })
})

describe('events', () => {
  const spec = behavior({ scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } })

  it('are kept as long as a policy may ask for them, and then give up their place', () => {
    const first = withEvent(none, spec, { from: 1, to: 3, atMs: 0 })
    const second = withEvent(first, spec, { from: 3, to: 4, atMs: 60_000 })
    expect(second.scaleUpEvents).toEqual([
      { atMs: 0, change: 2 },
      { atMs: 60_000, change: 1 },
    ])
    const third = withEvent(second, spec, { from: 4, to: 9, atMs: 60_001 })
    expect(third.scaleUpEvents).toEqual([
      { atMs: 60_001, change: 5 },
      { atMs: 60_000, change: 1 },
    ])
    expect(withEvent(third, spec, { from: 9, to: 2, atMs: 60_002 }).scaleDownEvents).toEqual([
      { atMs: 60_002, change: 7 },
    ])
  })

  it('are not kept without behavior, nor where nothing changed', () => {
    expect(withEvent(none, undefined, { from: 1, to: 3, atMs: 0 })).toEqual(none)
    expect(withEvent(none, spec, { from: 3, to: 3, atMs: 0 })).toEqual(none)
  })
})
