import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Random } from '../../../src/core/random.ts'
import { requestCases } from '../corpus/index.ts'
import { judgeAnswer } from '../corpus/judge-answer.ts'
import { judge } from '../corpus/judge.ts'
import { answerThemes } from '../corpus/responses.ts'
import { startOwnPath, type Path } from '../paths.ts'
import { inLanes, pick, randomOf, runs, seed } from './seeded.ts'

const LANES = 8
/** Longer ones say nothing more about where they are cut. */
const BYTES_MAX = 2_000
const SINGLE_BYTES_MAX = 120

let lanes: Path[] = []
beforeAll(async () => {
  lanes = await Promise.all(Array.from({ length: LANES }, () => startOwnPath()))
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

const examples = requestCases.filter(({ message }) => message.length <= BYTES_MAX)
const answers = Object.values(answerThemes)
  .flat()
  .map((example) => ({ example, message: Buffer.concat(example.answer.pieces) }))
  .filter(({ message }) => message.length > 0 && message.length <= BYTES_MAX)

/** Once, twice, or between all bytes. */
function cutsOf({ length }: Buffer, random: Random): number[] {
  switch (pick(random, ['once', 'once', 'once', 'twice', 'everywhere'])) {
    case 'everywhere':
      if (length <= SINGLE_BYTES_MAX) return Array.from({ length }, (_, at) => at)
      return [1 + random.below(length)]
    case 'twice':
      return [random.below(length), random.below(length)].sort((a, b) => a - b)
    default:
      return [1 + random.below(length)]
  }
}

describe('a message that comes in pieces', () => {
  it('means the same as when it comes whole, wherever it is cut', { timeout: 600_000 }, async () => {
    const perExample = runs(5)
    const problems: string[] = []
    await inLanes(lanes, examples.length * perExample, async (lane, run) => {
      const example = examples[run % examples.length]!
      const cuts = cutsOf(example.message, randomOf(run))
      for (const problem of await judge(lane, example, cuts))
        problems.push(`${example.outcome.is} ${example.name}, cut at ${cuts.join()}: ${problem}`)
    })
    expect(problems.slice(0, 40), `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
  })
})

describe('an answer that comes in pieces', () => {
  it('means the same as when it comes whole, wherever it is cut', { timeout: 600_000 }, async () => {
    const perAnswer = runs(5)
    const problems: string[] = []
    await inLanes(lanes, answers.length * perAnswer, async (lane, run) => {
      const { example, message } = answers[run % answers.length]!
      const cuts = cutsOf(message, randomOf(run))
      for (const problem of await judgeAnswer(lane, example, cuts))
        problems.push(`${example.outcome.is} ${example.name}, cut at ${cuts.join()}: ${problem}`)
    })
    expect(problems.slice(0, 40), `PILOTLIGHT_FUZZ_SEED=${seed}`).toEqual([])
  })
})
