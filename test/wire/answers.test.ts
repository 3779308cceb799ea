import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgeAnswer } from './corpus/judge-answer.ts'
import { answerThemes } from './corpus/responses.ts'
import { startOwnPath, type Path } from './paths.ts'

let path: Path
beforeAll(async () => {
  path = await startOwnPath()
})
afterAll(() => path.close())

describe.each(Object.entries(answerThemes))('answers of a replica: %s', (_theme, cases) => {
  it.each(cases.map((example) => [example.outcome.is, example.name, example] as const))(
    '%s: %s',
    { timeout: 30_000 },
    async (_outcome, _name, example) => {
      expect(await judgeAnswer(path, example), `the reason: ${example.reason}`).toEqual([])
    },
  )
})

describe('the corpus of answers', () => {
  it('has more than 60 that no strict reader takes', () => {
    const cases = Object.values(answerThemes).flat()
    expect(cases.filter(({ outcome }) => outcome.is !== 'passed').length).toBeGreaterThan(60)
  })
})
