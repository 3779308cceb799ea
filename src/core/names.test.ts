import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sharedDir } from '../../test/support/shared.ts'
import { childName, qualified, revisionChildName, split } from './names.ts'

describe('names', () => {
  it('joins and splits at the first slash', () => {
    expect(qualified('ml', 'iris')).toBe('ml/iris')
    expect(split('ml/iris')).toEqual({ namespace: 'ml', name: 'iris' })
  })

  it('numbers revisions with five digits, or more where five are not enough', () => {
    expect(revisionChildName('iris-predictor', 2)).toBe('iris-predictor-00002')
    expect(revisionChildName('iris-predictor', 123_456)).toBe('iris-predictor-123456')
  })

  it('keeps a name of exactly 63 characters and shortens one of 64', () => {
    const parent = 'p'.repeat(57)
    expect(childName(parent, '-00001')).toBe(`${parent}-00001`)
    const shortened = childName(`${parent}p`, '-00001')
    expect(shortened).toMatch(/^p{25}[0-9a-f]{32}-00001$/)
    expect(shortened).toHaveLength(63)
  })

  it('fills up a short parent with the head of a suffix too long to stand whole, ending in no dash', () => {
    expect(childName('abc', `-${'s'.repeat(70)}`)).toMatch(/^abc[0-9a-f]{32}-s{27}$/)
    expect(childName('abc', '-'.repeat(70))).toMatch(/^abc[0-9a-f]{32}$/)
  })

  it('tells two long parents apart that begin alike', () => {
    const parent = 'long-'.repeat(20)
    expect(childName(`${parent}a`, '-00001')).not.toBe(childName(`${parent}b`, '-00001'))
  })
})

const vectors = z.object({
  cases: z.array(z.object({ parent: z.string(), suffix: z.string(), want: z.string() })),
})

describe.runIf(sharedDir !== undefined)("childName beside Knative's", () => {
  const { cases } =
    sharedDir === undefined
      ? { cases: [] }
      : vectors.parse(JSON.parse(readFileSync(join(sharedDir, 'vectors', 'child_name.json'), 'utf8')))

  it.each(cases)('$parent + $suffix', ({ parent, suffix, want }) => {
    expect(childName(parent, suffix)).toBe(want)
  })
})
