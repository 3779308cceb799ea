import { SeededRandom, SystemRandom, type Random } from '../../../src/core/random.ts'

/** The seed of this run: PILOTLIGHT_FUZZ_SEED, or a new one. A failure names it. */
export const seed = numberFrom('PILOTLIGHT_FUZZ_SEED') ?? new SystemRandom().below(2 ** 32)

/** How much is tried: PILOTLIGHT_FUZZ_RUNS, or what a test run can afford. */
export function runs(usual: number): number {
  return numberFrom('PILOTLIGHT_FUZZ_RUNS') ?? usual
}

/** A source of chance of its own for one run, so that a single one can be run again. */
export function randomOf(run: number): Random {
  return new SeededRandom(seed + run * 7_919)
}

export function pick<T>(random: Random, list: readonly T[]): T {
  const picked = list[random.below(list.length)]
  if (picked === undefined) throw new Error('nothing to pick from')
  return picked
}

export function numberFrom(variable: string): number | undefined {
  const text = process.env[variable]
  if (text === undefined || text === '') return undefined
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0)
    throw new Error(`${variable}=${text}: a whole number from 0 on is allowed`)
  return number
}

/** Does `work` for 0 to `count` - 1 on so many lanes at once; the first failure ends it. */
export async function inLanes<Lane>(
  lanes: readonly Lane[],
  count: number,
  work: (lane: Lane, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    lanes.map(async (lane) => {
      while (next < count) await work(lane, next++)
    }),
  )
}
