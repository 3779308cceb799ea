import { describe, expect, it } from 'vitest'
import { readyPods } from './fake-pods.ts'
import { INT64_MAX } from './milli.ts'
import { nonNegativeSumOf, shareEstimate, sumOf, valueEstimate } from './total.ts'

const tolerance = { down: 0.1, up: 0.1 }

describe('a value', () => {
  it('multiplies the ready pods', () => {
    const pods = [...readyPods(3), ...readyPods(2, { ready: { status: 'False', transitionMs: 0 } })]
    const scale = { replicas: 5, tolerance }
    expect(valueEstimate(30n, 10n, scale, pods)).toMatchObject({ replicas: 9, value: 30n })
    expect(valueEstimate(11n, 10n, scale, pods)).toMatchObject({ replicas: 5 })
  })

  it('starts as many as the ratio says where there are none, without a tolerance', () => {
    const scale = { replicas: 0, tolerance }
    expect(valueEstimate(1n, 10n, scale, [])).toMatchObject({ replicas: 1 })
    expect(valueEstimate(25n, 10n, scale, [])).toMatchObject({ replicas: 3 })
    expect(valueEstimate(0n, 10n, scale, [])).toMatchObject({ replicas: 0 })
  })

  it('cannot multiply pods that nobody lists', () => {
    expect(valueEstimate(30n, 10n, { replicas: 5, tolerance }, [])).toMatchObject({ ok: false })
  })
})

describe('a share per replica', () => {
  it.each([
    [25n, 2, 3, 13n],
    [21n, 2, 2, 11n],
    [19n, 2, 2, 10n],
    [0n, 2, 0, 0n],
  ])('of %s over %s replicas at a target of 10 makes %s', (value, present, replicas, averageValue) => {
    expect(shareEstimate(value, 10n, present, tolerance)).toEqual({ ok: true, replicas, averageValue })
  })

  it('of no replicas is nothing, and yet they are started', () => {
    expect(shareEstimate(25n, 10n, 0, tolerance)).toEqual({ ok: true, replicas: 3, averageValue: undefined })
    expect(shareEstimate(0n, 10n, 0, tolerance)).toEqual({ ok: true, replicas: 0, averageValue: undefined })
  })
})

describe('series from outside', () => {
  it('add up as far as they fit', () => {
    expect(sumOf([1n, 2n, -5n])).toBe(-2n)
    expect(sumOf([INT64_MAX, 1n, -7n])).toBe(INT64_MAX)
    expect(nonNegativeSumOf([1n, 2n])).toBe(3n)
    expect(nonNegativeSumOf([1n, -2n, 5n])).toBe(INT64_MAX)
  })
})
