import { describe, expect, it } from 'vitest'

import { readCsv } from './csv.ts'

describe('readCsv', () => {
  it('reads quoted commas, quotes and line breaks, and empty fields at the end', () => {
    expect(readCsv('a,b,c\n1,"x, ""y""",\r\n"two\nlines",,3\n')).toEqual([
      { a: '1', b: 'x, "y"', c: '' },
      { a: 'two\nlines', b: '', c: '3' },
    ])
  })

  it('reads a last line that ends with an empty field and no line break', () => {
    expect(readCsv('a,b\n1,')).toEqual([{ a: '1', b: '' }])
  })

  it('names the record that is too short', () => {
    expect(() => readCsv('a,b\n1\n')).toThrow('CSV record 1 has 1 fields; the header has 2')
  })
})
