import { describe, expect, it } from 'vitest'
import type { Tally } from './checks.ts'
import { Simulation } from './simulation.ts'

const HOUR_MS = 3_600_000
const alone = process.env['PILOTLIGHT_SIMULATION_SEED']
if (alone !== undefined && !/^\d+$/.test(alone)) {
  throw new Error(`PILOTLIGHT_SIMULATION_SEED: got ${JSON.stringify(alone)}; allowed: a whole number from 0`)
}
const seeds = alone === undefined ? Array.from({ length: 20 }, (_, index) => index + 1) : [Number(alone)]

describe('an hour of the whole system', () => {
  const tallies: Tally[] = []

  it.each(seeds)('keeps every promise, from seed %i', { timeout: 60_000 }, async (seed) => {
    const tally = await new Simulation(seed).run(HOUR_MS)
    tallies.push(tally)
    expect(tally.answered, 'requests were answered').toBeGreaterThan(0)
  })

  it.runIf(alone === undefined)('holds everything that can happen, over all seeds', () => {
    expect(tallies).toHaveLength(seeds.length)
    const total = (count: keyof Tally): number => tallies.reduce((sum, tally) => sum + tally[count], 0)
    const counts = ['answered', 'broken', 'gone', 'refused', 'coldStarts', 'retries', 'sleeps'] as const
    expect(counts.filter((count) => total(count) <= 20)).toEqual([])
  })

  it('is the same from the same seed', { timeout: 60_000 }, async () => {
    const once = await new Simulation(seeds[0]!).run(HOUR_MS / 4)
    expect(await new Simulation(seeds[0]!).run(HOUR_MS / 4)).toEqual(once)
  })
})
