import { describe, expect, it } from 'vitest'
import { refusals } from '../../src/core/refusals.ts'
import { textOf } from './repository.ts'

/** The rows of the table in docs/errors.md: code, status, when, what to do, Retry-After. */
function rows(): string[][] {
  return textOf('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

describe('docs/errors.md', () => {
  it('lists exactly the codes of the catalogue, in its order, with their statuses', () => {
    const listed = rows().map(([code = '', status = '']) => [code.replaceAll('`', ''), Number(status)])
    const catalogue = Object.entries(refusals).map(([code, { status }]) => [code, status])
    expect(listed, 'change docs/errors.md and src/core/refusals.ts together').toEqual(catalogue)
  })

  it('says of each when it happens, what to do, and whether Retry-After comes', () => {
    const unfinished = rows().filter(
      ([, , when = '', advice = '', retryAfter = '']) =>
        when === '' || advice === '' || !['yes', 'no'].includes(retryAfter),
    )
    expect(unfinished).toEqual([])
  })
})
