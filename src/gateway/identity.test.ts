import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../core/random.ts'
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
    const made = new Set(Array.from({ length: 100 }, () => newTraceparent(random)))
    expect(made.size).toBe(100)
    expect([...made].every((one) => isTraceparent(one) && one.endsWith('-00'))).toBe(true)
  })

  it('has no id of zeros, whatever chance gives', () => {
    const zeros: Random = { next: () => 0, below: () => 0, uint32: () => 0 }
    expect(newTraceparent(zeros)).toBe(`00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-00`)
    expect(isTraceparent(newTraceparent(zeros))).toBe(true)
  })
})

describe('a request id', () => {
  it.each(['a', 'x'.repeat(128), '1b4e28ba-2fa1-11d2-883f-0016d3cca427'])('is kept: %s', (sent) => {
    expect(requestIdOf(sent, new SeededRandom(1))).toBe(sent)
  })

  const UUID4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

  it.each(['', 'a b', 'x'.repeat(129), 'a\tb', 'a\n', undefined])('is replaced: %j', (sent) => {
    expect(requestIdOf(sent, new SeededRandom(1))).toMatch(UUID4)
  })

  it('is a UUID of 122 bits of chance, each in a place of its own', () => {
    const idOf = (words: readonly number[]): string => {
      let at = 0
      return requestIdOf(undefined, { next: () => 0, below: () => 0, uint32: () => words[at++] ?? 0 })
    }
    expect(idOf([])).toBe('00000000-0000-4000-8000-000000000000')
    expect(idOf(Array.from({ length: 4 }, () => 0xffffffff))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
    const withOneBit = Array.from({ length: 128 }, (_, bit) => {
      const words = [0, 0, 0, 0]
      words[bit >> 5] = (1 << (bit & 31)) >>> 0
      return idOf(words)
    })
    // Six bits of the 128 give way to version and variant.
    expect(new Set(withOneBit).size).toBe(122 + 1)
    expect(withOneBit.filter((id) => !UUID4.test(id))).toEqual([])
  })

  it('is another one each time', () => {
    const random = new SeededRandom(3)
    expect(new Set(Array.from({ length: 500 }, () => requestIdOf(undefined, random))).size).toBe(500)
  })
})
