import { describe, expect, it } from 'vitest'
import { ListFields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { maskOf } from '../pass-on.ts'
import { fieldsText, TextFields } from './text-fields.ts'

/** Marks as llhttp gives them: the value with whatever blanks stand around it. */
function fieldsOf(text: string): TextFields {
  const spans: number[] = []
  for (const { index, 1: name = '', 2: gap = '', 3: value = '' } of text.matchAll(
    /([^:\r\n]+):([ \t]*)([^\r\n]*)\r\n/g,
  )) {
    const valueStart = index + name.length + 1 + gap.length
    spans.push(index, index + name.length, valueStart, valueStart + value.length, 0)
  }
  return new TextFields(text, spans)
}

const DROPPED = maskOf(FIELD.connection, FIELD.te)

describe('fields as text', () => {
  it.each([
    ['all of them', 'Host: a\r\nB: 1\r\n', 'Host: a\r\nB: 1\r\n'],
    [
      'none of the dropped',
      'TE: x\r\nA: 1\r\nB: 2\r\nconnection: c\r\nC: 3\r\nTe: y\r\n',
      'A: 1\r\nB: 2\r\nC: 3\r\n',
    ],
    ['none of the listed', 'A: 1\r\nX-Mine: 2\r\nB: 3\r\n', 'A: 1\r\nB: 3\r\n'],
    [
      'odd blanks made plain',
      'A:1\r\nB:\t 2 \t\r\nC: 3\r\nD: 4 \r\nE: 5\r\n',
      'A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n',
    ],
    ['empty values', 'A:\r\nB: \r\nC: 1\r\n', 'A: \r\nB: \r\nC: 1\r\n'],
    ['duplicates in their order', 'A: 1\r\na: 2\r\n', 'A: 1\r\na: 2\r\n'],
  ])('are %s', (_, text, expected) => {
    const listed = new Set(['x-mine'])
    expect(fieldsText(fieldsOf(`GET / HTTP/1.1\r\n${text}\r\n`.slice(16)), DROPPED, listed)).toBe(expected)
    const flat = [...text.matchAll(/([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*\r\n/g)].flatMap(
      ([, name = '', value = '']) => [name, value],
    )
    expect(fieldsText(new ListFields(flat), DROPPED, listed)).toBe(expected)
  })

  it('know what they are', () => {
    const fields = fieldsOf('hOsT: a\r\nX-Forwarded-Port: 1\r\nX-Forwarded-For: b\r\nX-Other: c\r\n')
    const kinds = Array.from({ length: fields.count }, (_, at) => fields.kind(at))
    expect(kinds).toEqual([FIELD.host, FIELD.xForwarded, FIELD.xForwardedFor, FIELD.other])
  })
})
