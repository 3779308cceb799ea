import { describe, expect, it } from 'vitest'
import { parseSelector } from './hpa-selector.ts'

describe('parseSelector', () => {
  const labels = { app: 'web', tier: 'gpu' }

  it.each([
    ['app=web', true],
    ['app == web', true],
    ['app=db', false],
    ['app!=db', true],
    ['app=web,tier=cpu', false],
    ['app in (web, db),tier', true],
    ['app notin (web, db)', false],
    ['zone notin (a)', true],
    ['!zone', true],
    ['!app', false],
  ])('%s matches: %s', (text, expected) => {
    expect(parseSelector(text)?.(labels)).toBe(expected)
  })

  it.each(['a b', 'cheddar cheese', '=web', 'app in web'])('%s cannot be read', (text) => {
    expect(parseSelector(text)).toBeUndefined()
  })
})
