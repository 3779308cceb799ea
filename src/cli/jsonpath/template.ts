import { Cursor, JsonPathError } from './lexer.ts'
import { parsePath, type Path } from './path.ts'

/** A parsed template: what stands side by side in it. */
export type Template = readonly TemplatePart[]

export type TemplatePart =
  | { readonly part: 'text'; readonly text: string }
  | { readonly part: 'path'; readonly path: Path }
  | { readonly part: 'range'; readonly path: Path; readonly body: Template }

/** @throws JsonPathError saying what is wrong and where. */
export function parseTemplate(source: string): Template {
  const outer: TemplatePart[] = []
  const open: { readonly path: Path; readonly parts: TemplatePart[] }[] = []
  const emit = (part: TemplatePart): void => void (open.at(-1)?.parts ?? outer).push(part)
  for (let at = 0; at < source.length;) {
    if (source[at] !== '{') {
      const end = source.indexOf('{', at)
      const text = source.slice(at, end === -1 ? source.length : end)
      emit({ part: 'text', text })
      at += text.length
      continue
    }
    const end = closingBrace(source, at)
    const cursor = new Cursor(source.slice(at + 1, end))
    at = end + 1
    while ((cursor.skipSpace(), !cursor.done)) {
      if (cursor.match(/range(?=\s)/) !== undefined) {
        cursor.skipSpace()
        open.push({ path: parsePath(cursor), parts: [] })
      } else if (cursor.match(/end(?=\s|$)/) !== undefined) {
        const range = open.pop()
        if (range === undefined) return cursor.fail('{end} without a {range PATH} before it')
        emit({ part: 'range', path: range.path, body: range.parts })
      } else if (cursor.peek() === '"' || cursor.peek() === "'") {
        emit({ part: 'text', text: cursor.quoted() })
      } else {
        const before = cursor.at
        const path = parsePath(cursor)
        if (cursor.at === before) cursor.fail(`${JSON.stringify(cursor.peek())} is not understood here`)
        emit({ part: 'path', path })
      }
    }
  }
  if (open.length > 0)
    throw new JsonPathError(`jsonpath ${JSON.stringify(source)}: {range PATH} without an {end}`)
  return outer
}

/** Where the brace at `start` is closed; braces in quotes do not count. */
function closingBrace(source: string, start: number): number {
  let quote = ''
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source[at]!
    if (quote !== '') {
      if (char === '\\') at += 1
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '}') return at
  }
  throw new JsonPathError(`jsonpath ${JSON.stringify(source)}: the { in column ${start + 1} is not closed`)
}
