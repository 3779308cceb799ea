import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sharedDir } from '../test/support/shared.ts'
import { ConcurrencyMeter, type ConcurrencyReport } from './concurrency-meter.ts'

describe('ConcurrencyMeter', () => {
  it('gives 0.5 for two requests of a quarter of a second in a second, side by side or one by one', () => {
    const sideBySide = new ConcurrencyMeter(0)
    sideBySide.enter(0)
    sideBySide.enter(0)
    sideBySide.leave(250)
    sideBySide.leave(250)
    expect(sideBySide.report(1_000)).toEqual({ averageConcurrency: 0.5, requests: 2 })

    const oneByOne = new ConcurrencyMeter(0)
    oneByOne.enter(100)
    oneByOne.leave(350)
    oneByOne.enter(600)
    oneByOne.leave(850)
    expect(oneByOne.report(1_000)).toEqual({ averageConcurrency: 0.5, requests: 2 })
  })

  it('carries a long request into the next period, and counts it once', () => {
    const meter = new ConcurrencyMeter(0)
    meter.enter(500)
    expect(meter.report(1_000)).toEqual({ averageConcurrency: 0.5, requests: 1 })
    expect(meter.report(2_000)).toEqual({ averageConcurrency: 1, requests: 0 })
    expect(meter.underWay).toBe(1)
    meter.leave(2_250)
    expect(meter.report(3_000)).toEqual({ averageConcurrency: 0.25, requests: 0 })
    expect(meter.underWay).toBe(0)
  })

  it('gives 0 for a period without length, and never a negative mean when the clock goes back', () => {
    const meter = new ConcurrencyMeter(1_000)
    meter.enter(1_000)
    expect(meter.report(1_000)).toEqual({ averageConcurrency: 0, requests: 1 })
    meter.leave(400)
    meter.enter(500)
    expect(meter.report(900).averageConcurrency).toBeCloseTo(0.8, 12)
  })
})

const vectors = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      ops: z.array(
        z.object({
          op: z.enum(['req_in', 'req_out', 'proxied_in', 'proxied_out', 'report']),
          t_ms: z.number(),
          want: z.object({ average_concurrency: z.number(), request_count: z.number() }).optional(),
        }),
      ),
    }),
  ),
})

describe.runIf(sharedDir !== undefined)("ConcurrencyMeter beside Knative's", () => {
  const { cases } =
    sharedDir === undefined
      ? { cases: [] }
      : vectors.parse(JSON.parse(readFileSync(join(sharedDir, 'vectors', 'request_stats.json'), 'utf8')))

  it.each(cases)('$name', ({ ops }) => {
    const meter = new ConcurrencyMeter(0)
    const got: ConcurrencyReport[] = []
    for (const { op, t_ms } of ops) {
      if (op === 'report') got.push(meter.report(t_ms))
      else if (op.endsWith('_in')) meter.enter(t_ms)
      else meter.leave(t_ms)
    }
    const wanted = ops.flatMap(({ want }) => (want === undefined ? [] : [want]))
    expect(wanted.length).toBeGreaterThan(0)
    expect(got).toEqual(
      wanted.map((want) => ({
        averageConcurrency: expect.closeTo(want.average_concurrency, 9),
        requests: want.request_count,
      })),
    )
  })
})
