import { describe, expect, it } from 'vitest'
import { ManualClock } from '../src/core/manual-clock.ts'
import { PassiveHealth, type Probe } from './passive-health.ts'
import type { Slot } from './slot.ts'

function slot(name: string): Slot {
  const address = { host: '127.0.0.1', port: 9_000 }
  const [inFlight, room] = [0, Number.POSITIVE_INFINITY]
  return { replica: `ml/${name}`, address, index: -1, inFlight, room, released: false, ejected: false }
}

/** Health on its own clock, with the instants at which a replica was probed and came back. */
function open(probe: Probe | undefined = () => Promise.resolve(true)): {
  health: PassiveHealth
  clock: ManualClock
  probedAt: number[]
  backAt: number[]
} {
  const clock = new ManualClock(0)
  const probedAt: number[] = []
  const backAt: number[] = []
  const counted: Probe = (address, signal) => {
    probedAt.push(clock.now())
    return probe(address, signal)
  }
  const health = new PassiveHealth({ clock, probe: counted, onBack: () => backAt.push(clock.now()) })
  return { health, clock, probedAt, backAt }
}

describe('PassiveHealth', () => {
  it('takes a replica out for a second and brings it back when its probe says yes', async () => {
    const { health, clock, probedAt, backAt } = open()
    const a = slot('a')
    health.failed(a)
    expect(a.ejected).toBe(true)
    await clock.advance(999)
    expect([a.ejected, probedAt]).toEqual([true, []])
    await clock.advance(1)
    expect([a.ejected, probedAt, backAt]).toEqual([false, [1_000], [1_000]])
  })

  it('waits twice as long after each probe that says no, up to a minute', async () => {
    const { health, clock, probedAt, backAt } = open(() => Promise.resolve(false))
    health.failed(slot('a'))
    await clock.advance(250_000)
    // 1, then 2, 4, 8, 16, 32, 60, 60, 60 s later.
    expect(probedAt.map((ms) => ms / 1000)).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243])
    expect(backAt).toEqual([])
  })

  it('takes a probe that fails for a no', async () => {
    const { health, clock, probedAt } = open(() => Promise.reject(new Error('connection refused')))
    const a = slot('a')
    health.failed(a)
    await clock.advance(3_000)
    expect([probedAt, a.ejected]).toEqual([[1_000, 3_000], true])
  })

  it('remembers the failures of one that came back until an answer went well', async () => {
    const { health, clock, backAt } = open()
    const a = slot('a')
    health.failed(a)
    await clock.advance(1_000)
    health.failed(a)
    await clock.advance(2_000)
    expect(backAt).toEqual([1_000, 3_000])
    health.answered(a)
    health.failed(a)
    await clock.advance(1_000)
    expect(backAt).toEqual([1_000, 3_000, 4_000])
  })

  it('counts requests that fail together once', async () => {
    const { health, clock, backAt } = open()
    const a = slot('a')
    for (let nth = 0; nth < 5; nth++) health.failed(a)
    await clock.advance(1_000)
    expect(backAt).toEqual([1_000])
  })

  it('brings a replica back at once that answered a request while it was out', async () => {
    const { health, clock, probedAt, backAt } = open()
    const a = slot('a')
    health.failed(a)
    await clock.advance(400)
    health.answered(a)
    expect([a.ejected, backAt]).toEqual([false, [400]])
    await clock.advance(10_000)
    expect(probedAt).toEqual([])
    expect(clock.nextDueMs()).toBeUndefined()
  })

  it('does not listen to a probe whose replica answered or left meanwhile', async () => {
    const probe = Promise.withResolvers<boolean>()
    const signals: AbortSignal[] = []
    const { health, clock, backAt } = open((_address, signal) => {
      signals.push(signal)
      return probe.promise
    })
    const a = slot('a')
    const b = slot('b')
    health.failed(a)
    health.failed(b)
    await clock.advance(1_000)
    health.retain((each) => each === a)
    health.answered(a)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    probe.resolve(false)
    await clock.advance(60_000)
    expect([a.ejected, b.ejected, backAt]).toEqual([false, false, [1_000]])
    expect(clock.nextDueMs()).toBeUndefined()
  })

  it('brings a replica back unasked where there is no probe', async () => {
    const clock = new ManualClock(0)
    const health = new PassiveHealth({ clock, onBack() {} })
    const a = slot('a')
    health.failed(a)
    await clock.advance(1_000)
    expect(a.ejected).toBe(false)
  })
})
