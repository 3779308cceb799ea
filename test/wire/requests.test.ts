import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestCases, requestThemes } from './corpus/index.ts'
import { judge } from './corpus/judge.ts'
import { startOwnPath, type Path } from './paths.ts'

let path: Path
beforeAll(async () => {
  path = await startOwnPath()
})
afterAll(() => path.close())

describe.each(Object.entries(requestThemes))('%s', (_theme, cases) => {
  it.each(cases.map((example) => [example.outcome.is, example.name, example] as const))(
    '%s: %s',
    { timeout: 30_000 },
    async (_outcome, _name, example) => {
      expect(await judge(path, example), `the reason: ${example.reason}`).toEqual([])
    },
  )
})

describe('the corpus', () => {
  it('has more than 180 messages that no strict server takes, each with its own name and reason', () => {
    expect(requestCases.filter(({ outcome }) => outcome.is !== 'passed').length).toBeGreaterThan(180)
    for (const cases of Object.values(requestThemes)) {
      const names = cases.map(({ name }) => name)
      expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    }
    expect(requestCases.filter(({ reason }) => reason === '')).toEqual([])
  })
})
