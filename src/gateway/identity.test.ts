import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../core/random.ts'
import { isTraceparent, newTraceparent, requestIdOf } from './identity.ts'

const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`

describe('a traceparent', () => {
  it.each([
    [`00-${ids}-01`, true],
    [`01-${ids}-01-more`, true],
    [`00-${ids}-01-more`, false],
    [`ff-${ids}-01`, false],
    [`00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, false],
    [`00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`, false],
    [`00-${ids.toUpperCase()}-01`, false],
    [undefined, false],
  ])('%s can be passed on: %s', (sent, expected) => {
    expect(isTraceparent(sent)).toBe(expected)
  })

  it('that is made can be passed on', () => {
    const random = new SeededRandom(1)
    for (let count = 0; count < 100; count++) expect(isTraceparent(newTraceparent(random))).toBe(true)
  })
})

describe('a request id', () => {
  it.each(['a', 'x'.repeat(128), '1b4e28ba-2fa1-11d2-883f-0016d3cca427'])('is kept: %s', (sent) => {
    expect(requestIdOf(sent, new SeededRandom(1))).toBe(sent)
  })

  it.each(['', 'a b', 'x'.repeat(129), 'a\tb', undefined])('is replaced: %j', (sent) => {
    expect(requestIdOf(sent, new SeededRandom(1))).toMatch(/^[\da-f-]{36}$/)
  })
})
