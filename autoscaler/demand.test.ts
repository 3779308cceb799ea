import { describe, expect, it } from 'vitest'
import type { Report } from '../src/core/report.ts'
import { Demand } from './demand.ts'

const START_MS = 1_700_000_040_000

const settings = {
  metric: 'concurrency',
  aggregation: 'linear',
  stableWindowMs: 60_000,
  panicWindowMs: 6_000,
} as const

const report = (s: number, concurrency: number, other: Partial<Report> = {}): Report => ({
  gateway: 'a',
  revision: 'ns/iris-00001',
  atMs: START_MS + s * 1000,
  concurrency,
  requests: concurrency,
  waiting: 0,
  inFlight: 0,
  ...other,
})

const busy = { silentIsIdle: false }
const idle = { silentIsIdle: true }

describe('the demand for a revision', () => {
  it('is unknown before the first report', () => {
    expect(new Demand(settings).observe(START_MS, busy)).toBeUndefined()
  })

  it('adds up what several gateways see in one second', () => {
    const demand = new Demand(settings)
    demand.record(report(0, 3))
    demand.record(report(0.4, 4, { gateway: 'b' }))
    expect(demand.observe(START_MS + 500, busy)).toEqual({ stable: 7, panic: 7 })
  })

  it('counts a gateway once in each second, though its timer is early and late', () => {
    const demand = new Demand(settings)
    for (const s of [0.02, 0.99, 2.01, 3.0, 3.99, 5.02]) demand.record(report(s, 5))
    expect(demand.observe(START_MS + 5_100, busy)).toEqual({ stable: 5, panic: 5 })
  })

  it('weighs two reports of one second by the time that each speaks for', () => {
    const demand = new Demand(settings)
    demand.record(report(0, 0))
    demand.record(report(1, 8))
    demand.record(report(1.25, 3))
    demand.record(report(2, 7))
    demand.record(report(3, 7))
    // Second 1: 8 for 1,000 ms and 3 for 250 ms are 7.
    expect(demand.observe(START_MS + 3_000, busy)).toEqual({ stable: 5.25, panic: 5.25 })
  })

  it('wakes at full strength and does not count the waking request twice', () => {
    const demand = new Demand(settings)
    demand.record(report(0.3, 1))
    expect(demand.observe(START_MS + 300, busy)).toEqual({ stable: 1, panic: 1 })
    demand.record(report(0.9, 1))
    expect(demand.observe(START_MS + 900, busy)).toEqual({ stable: 1, panic: 1 })
  })

  it('does not count the waking request again in the next second', () => {
    const demand = new Demand({ ...settings, metric: 'rps' })
    demand.record(report(0.7, 1, { requests: 1 }))
    demand.record(report(1.2, 1, { requests: 3 }))
    demand.record(report(2.2, 1, { requests: 3 }))
    expect(demand.observe(START_MS + 2_200, busy)?.stable).toBe(2)
  })

  it('falls to zero when gateways fall silent, and forgets when the data is old', () => {
    const demand = new Demand(settings)
    for (let s = 0; s < 60; s += 1) demand.record(report(s, 6))
    // At 64 s the seconds 60 to 62 are known to be quiet; 63 and 64 may still be reported. 1 of 4 known is busy.
    expect(demand.observe(START_MS + 64_000, idle)).toEqual({ stable: 5.689_655, panic: 1.5 })
    expect(demand.observe(START_MS + 121_000, idle)).toEqual({ stable: 0, panic: 0 })
    expect(demand.observe(START_MS + 182_000, busy)).toBeUndefined()
  })

  it('holds its value while no gateway is heard', () => {
    const demand = new Demand(settings)
    for (let s = 0; s < 60; s += 1) demand.record(report(s, 6))
    expect(demand.observe(START_MS + 64_000, busy)).toEqual({ stable: 6, panic: 6 })
  })

  it('drops a report that is older than what the gateway said before', () => {
    const demand = new Demand(settings)
    demand.record(report(5, 2))
    demand.record(report(4, 100))
    expect(demand.observe(START_MS + 5_000, busy)?.stable).toBe(2)
  })

  it('says what is held now, and nothing of gateways that are gone', () => {
    const demand = new Demand(settings)
    demand.record(report(0, 3, { waiting: 2, inFlight: 1 }))
    demand.record(report(3, 3, { gateway: 'b', waiting: 4, inFlight: 5 }))
    expect(demand.held(START_MS + 3_500)).toEqual({ waiting: 6, inFlight: 6 })
    expect(demand.held(START_MS + 4_000)).toEqual({ waiting: 4, inFlight: 5 })
  })

  it('keeps its data when the configuration changes the windows', () => {
    const demand = new Demand(settings)
    for (let s = 0; s < 10; s += 1) demand.record(report(s, s))
    demand.adopt({ ...settings, stableWindowMs: 6_000, panicWindowMs: 1_000 }, START_MS + 9_000)
    expect(demand.observe(START_MS + 9_000, busy)).toEqual({ stable: 6.5, panic: 9 })
  })
})
