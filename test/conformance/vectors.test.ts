import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sharedDir } from '../support/shared.ts'
import { readVectorFile } from './vector-file.ts'
import { kindOf, runCase } from './vector-kinds.ts'

/** Every case of every vector file that is covered, with its file. */
function coveredCases(folder: string) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const vectors = readVectorFile(join(folder, file))
      const kind = kindOf(vectors)
      if (kind === undefined) return []
      return vectors.cases.map((vector, index) => ({ file, kind, vector, index, name: vector.name ?? '' }))
    })
}

const cases = sharedDir === undefined ? [] : coveredCases(join(sharedDir, 'vectors'))
if (sharedDir === undefined) {
  console.warn('left out: the decision vectors of the reference autoscalers, as there is no shared folder')
}

describe('decision vectors', () => {
  it.each(cases)('$file $index $name', ({ kind, vector, index }) => {
    expect(runCase(kind, vector, index).failure).toBeUndefined()
  })

  const childName = { parent: 'iris', suffix: '-00001', want: 'iris-00001' }

  it("are recognised by their file's name, and under another name by the shape of its cases", () => {
    expect(kindOf({ name: 'child_name', cases: [] })?.name).toBe('child_name')
    expect(kindOf({ name: 'something-else', cases: [childName] })?.name).toBe('child_name')
    expect(kindOf({ name: 'something-else', cases: [{ parent: 'iris' }] })).toBeUndefined()
    expect(kindOf({ name: '', cases: [] })).toBeUndefined()
  })

  it('fail when they differ, and when they do not follow their schema', () => {
    const kind = kindOf({ name: 'child_name', cases: [] })!
    expect(runCase(kind, childName, 0)).toEqual({ name: 'case 0' })
    expect(runCase(kind, { ...childName, want: 'other' }, 1).failure).toBe(
      'child name: got "iris-00001", want "other"',
    )
    expect(runCase(kind, { parent: 1 }, 2).failure).toMatch(/is no case of child_name/)
  })
})
