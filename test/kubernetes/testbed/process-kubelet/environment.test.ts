import { expect, it } from 'vitest'
import { expand } from './environment.ts'

it.each([
  ['$(HOST):$(PORT)', 'a:1'],
  ['$$(HOST)', '$(HOST)'],
  ['$(MISSING) $HOST $', '$(MISSING) $HOST $'],
  ['$$$(HOST)', '$a'],
])('%s becomes %s', (text, expanded) => {
  expect(expand(text, { HOST: 'a', PORT: '1' })).toBe(expanded)
})
