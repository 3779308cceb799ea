import { describe, expect, it } from 'vitest'

import { parseDocuments } from './documents.ts'

const parse = (text: string) => parseDocuments(text, { file: 'm.yaml' })

describe('parseDocuments', () => {
  it('counts empty documents and gives none for them', () => {
    const documents = parse('# only a comment\n---\n# another\n---\na: 1\n')
    expect(documents.map(({ source, value }) => ({ source, value }))).toEqual([
      { source: 'm.yaml#2', value: { a: 1 } },
    ])
  })

  it('does not count a marker that opens the file', () => {
    expect(parse('---\na: 1\n---\nb: 2\n').map(({ source }) => source)).toEqual(['m.yaml#0', 'm.yaml#1'])
  })

  it('reads a value that stands on the line of its marker', () => {
    expect(parse('a: 1\n--- {b: 2}\n').map(({ value }) => value)).toEqual([{ a: 1 }, { b: 2 }])
  })

  it('reads YAML 1.1: yes and on are booleans, dates and clock times are texts', () => {
    const [document] = parse('a: yes\nb: on\nc: "yes"\nd: 2020-01-01\ne: 12:30\nf: 010\n')
    expect(document?.value).toEqual({ a: true, b: true, c: 'yes', d: '2020-01-01', e: '12:30', f: 8 })
  })

  it('names file, line and column of broken YAML and reads its neighbours', () => {
    const [before, broken, after] = parse('a: 1\n---\nb: {x}/y\n---\nc: 3\n')
    expect(before?.value).toEqual({ a: 1 })
    expect(broken?.error).toMatchObject({ line: 3, column: 7 })
    expect(broken?.error?.message).toMatch(/^m\.yaml:3:7: /)
    expect(after?.value).toEqual({ c: 3 })
  })

  it.each([
    ['a: 1\nb: {x}/y\n', 'yaml: line 1: did not find expected key'],
    ['a: b: c\n', 'yaml: line 1: mapping values are not allowed in this context'],
    ['a: 1\nb:\n\tc: 2\n', 'yaml: line 3: found character that cannot start any token'],
    ['a: "x\n', 'yaml: line 2: found unexpected end of stream'],
    ['a: 1\na: 2\n', 'yaml: unmarshal errors:\n  line 2: key "a" already set in map'],
  ])('says of %j what go-yaml says', (text, message) => {
    expect(parse(text)[0]?.error?.goMessage).toBe(message)
  })

  it('reports an alias that has no anchor', () => {
    expect(parse('a: *missing\n')[0]?.error?.message).toMatch(/m\.yaml:1:.*missing/)
  })

  it('knows the line of a field, or of its nearest parent', () => {
    const [, document] = parse('a: 1\n---\nspec:\n  predictor:\n    minReplicas: 1\n')
    expect(document?.lineOf(['spec', 'predictor', 'minReplicas'])).toBe(5)
    expect(document?.lineOf(['spec', 'predictor', 'maxReplicas'])).toBe(5)
    expect(document?.lineOf([])).toBe(3)
  })
})
