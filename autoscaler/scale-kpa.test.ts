import { describe, expect, it } from 'vitest'
import {
  initialKpaMemory,
  scaleKpa,
  type KpaMemory,
  type KpaObservation,
  type KpaSettings,
} from './scale-kpa.ts'

const settings: KpaSettings = {
  metric: 'concurrency',
  target: 7,
  total: 10,
  stableWindowMs: 60_000,
  panicThreshold: 2,
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  targetBurstCapacity: 211,
  scaleDownDelayMs: 0,
  activationScale: 0,
}

const seen = (observation: Partial<KpaObservation>): KpaObservation => ({
  nowMs: 0,
  ready: 1,
  stable: 0,
  panic: 0,
  reachable: true,
  ...observation,
})

const calm: KpaMemory = initialKpaMemory(0, 0)

describe("Knative's scale decision", () => {
  it('panics when the panic window wants twice what is ready', () => {
    const result = scaleKpa(settings, seen({ ready: 4, stable: 20, panic: 60 }), calm)
    expect(result).toMatchObject({ replicas: 9, limits: [] })
    expect(result.memory).toMatchObject({ panicSinceMs: 0, maxPanicReplicas: 9 })
  })

  it('starts in panic when more than one replica runs already', () => {
    const result = scaleKpa(settings, seen({ nowMs: 2_000, ready: 8 }), initialKpaMemory(8, 0))
    expect(result).toMatchObject({
      replicas: 8,
      limits: ['scale-down rate 2x: not below 4', 'held by panic'],
    })
  })

  it('leaves panic after more than a stable window, never exactly at its end', () => {
    const inPanic: KpaMemory = { panicSinceMs: 0, maxPanicReplicas: 9, delay: [] }
    expect(scaleKpa(settings, seen({ nowMs: 60_000, ready: 9 }), inPanic).replicas).toBe(9)
    const after = scaleKpa(settings, seen({ nowMs: 60_001, ready: 9 }), inPanic)
    expect(after).toMatchObject({ replicas: 4, memory: { panicSinceMs: null, maxPanicReplicas: 0 } })
  })

  it('names the rate that cut it', () => {
    const cut = scaleKpa(
      { ...settings, maxScaleUpRate: 1.5 },
      seen({ ready: 3, stable: 700, panic: 700 }),
      calm,
    )
    expect(cut).toMatchObject({ replicas: 5, limits: ['scale-up rate 1.5x: not above 5'] })
  })

  it('lifts a demand to the activation scale, and leaves no demand at nothing', () => {
    const few = { ...settings, activationScale: 3 }
    expect(scaleKpa(few, seen({ stable: 1, panic: 1 }), calm)).toMatchObject({
      replicas: 3,
      limits: ['activation scale 3'],
    })
    expect(scaleKpa(few, seen({}), calm)).toMatchObject({ replicas: 0, limits: [] })
  })

  it('keeps the most that was wanted within the scale-down delay, and follows a changed delay', () => {
    const slow = { ...settings, maxScaleDownRate: 1000, scaleDownDelayMs: 300_000 }
    const busy = scaleKpa(slow, seen({ ready: 7, stable: 49, panic: 49 }), calm)
    const quiet = seen({ nowMs: 30_000, ready: 7 })
    expect(scaleKpa(slow, quiet, busy.memory)).toMatchObject({
      replicas: 7,
      limits: ['scale-down delay: 7 was wanted within 300 s'],
    })
    expect(scaleKpa({ ...slow, scaleDownDelayMs: 20_000 }, quiet, busy.memory).replicas).toBe(0)
    expect(scaleKpa(slow, { ...quiet, reachable: false }, busy.memory).replicas).toBe(0)
  })

  it('says how much room is left beyond the burst', () => {
    const excess = (targetBurstCapacity: number): number =>
      scaleKpa({ ...settings, targetBurstCapacity }, seen({ ready: 3, panic: 5.5 }), calm).excessBurstCapacity
    expect([excess(20), excess(0), excess(-1)]).toEqual([4, 0, -1])
  })
})
