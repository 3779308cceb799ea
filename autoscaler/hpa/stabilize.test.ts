import { describe, expect, it } from 'vitest'
import { hpaPolicyOf } from './policy.ts'
import { stabilize, stabilizeByBehavior } from './stabilize.ts'

describe('without behavior', () => {
  const at = (atMs: number, replicas: number) => ({ atMs, replicas })

  it('the largest recommendation of the window holds, also one exactly as old as it', () => {
    expect(stabilize(at(300_000, 3), [at(0, 8)], 300_000)).toMatchObject({
      replicas: 8,
      reason: 'ScaleDownStabilized',
    })
    expect(stabilize(at(300_001, 3), [at(0, 8)], 300_000)).toMatchObject({ replicas: 3, reason: undefined })
  })

  it('a recommendation takes the place of the last one that is too old', () => {
    expect(stabilize(at(9, 3), [at(0, 8), at(1, 7), at(6, 5)], 5).recommendations).toEqual([
      at(0, 8),
      at(9, 3),
      at(6, 5),
    ])
    expect(stabilize(at(9, 3), [at(6, 5)], 5).recommendations).toEqual([at(6, 5), at(9, 3)])
  })
})

describe('with behavior', () => {
  const { behavior } = hpaPolicyOf({
    maxReplicas: 100,
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 60 },
      scaleDown: { stabilizationWindowSeconds: 300 },
    },
  })
  const result = (recommended: number, current: number, ageMs: number, remembered: number) =>
    stabilizeByBehavior(
      { atMs: 1_000_000, replicas: recommended },
      [{ atMs: 1_000_000 - ageMs, replicas: remembered }],
      current,
      behavior!,
    )

  it.each([
    [9, 5, 59_999, 7, 7, 'ScaleUpStabilized'],
    [9, 5, 60_000, 7, 9, undefined],
    [9, 5, 10_000, 2, 5, 'ScaleUpStabilized'],
    [2, 5, 299_999, 4, 4, 'ScaleDownStabilized'],
    [2, 5, 300_000, 4, 2, undefined],
    [2, 5, 10_000, 9, 5, 'ScaleDownStabilized'],
  ])(
    '%s recommended with %s there, and %s ms ago %s: %s, %s',
    (recommended, current, ageMs, remembered, replicas, reason) => {
      expect(result(recommended, current, ageMs, remembered)).toMatchObject({ replicas, reason })
    },
  )

  it('only what is older than both windows gives up its place', () => {
    expect(result(5, 5, 300_000, 5).recommendations).toHaveLength(2)
    expect(result(5, 5, 300_001, 5).recommendations).toHaveLength(1)
  })
})
