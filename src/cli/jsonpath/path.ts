import { Cursor } from './lexer.ts'

/** One step of a path. */
export type Step =
  | { readonly step: 'field'; readonly name: string }
  | { readonly step: 'wildcard' }
  | { readonly step: 'descend' }
  | {
      readonly step: 'slice'
      readonly from?: number
      readonly to?: number
      readonly by: number
      readonly single: boolean
    }
  | { readonly step: 'union'; readonly parts: readonly Step[] }
  | { readonly step: 'filter'; readonly left: Operand; readonly operator: Operator; readonly right?: Operand }

export interface Path {
  /** `$` is the whole document; everything else starts at the current value, which is the document outside of range. */
  readonly root: boolean
  readonly steps: readonly Step[]
}

export type Operator = 'exists' | '==' | '!=' | '<' | '<=' | '>' | '>='
export type Operand = { readonly path: Path } | { readonly value: string | number | boolean | null }

const NAME = /(?:\\.|[^\s.[\]{}()'"\\,=!<>*@$?|&:])+/
const OPERATORS = ['==', '!=', '<=', '>=', '<', '>'] as const

/** Reads a path where the cursor stands: `.status.url`, `$['a b'][0:2]`, `..name`, `@.type`. */
export function parsePath(cursor: Cursor): Path {
  const root = cursor.take('$')
  if (!root) cursor.take('@')
  const steps: Step[] = []
  // `items[0]` without a leading dot is what people write; kubectl takes it too.
  const bare = steps.length === 0 ? cursor.match(NAME) : undefined
  if (bare !== undefined) steps.push(field(bare))
  for (;;) {
    if (cursor.take('..')) {
      steps.push({ step: 'descend' })
      if (cursor.peek() !== '[') steps.push(nameOrWildcard(cursor))
    } else if (cursor.take('.')) {
      if (cursor.peek() === '[' || (cursor.done && steps.length === 0)) continue
      steps.push(nameOrWildcard(cursor))
    } else if (cursor.take('[')) {
      steps.push(bracket(cursor))
    } else {
      return { root, steps }
    }
  }
}

function nameOrWildcard(cursor: Cursor): Step {
  if (cursor.take('*')) return { step: 'wildcard' }
  const name = cursor.match(NAME)
  return name === undefined ? cursor.fail('a field name or * is missing after the dot') : field(name)
}

/** `kubernetes\.io` is one name with a dot in it. */
function field(name: string): Step {
  return { step: 'field', name: name.replaceAll(/\\(.)/g, '$1') }
}

function bracket(cursor: Cursor): Step {
  cursor.skipSpace()
  if (cursor.take('?(')) return filter(cursor)
  const parts: Step[] = []
  do {
    parts.push(subscript(cursor))
    cursor.skipSpace()
  } while (cursor.take(','))
  cursor.expect(']', 'the subscript')
  return parts.length === 1 ? parts[0]! : { step: 'union', parts }
}

function subscript(cursor: Cursor): Step {
  cursor.skipSpace()
  if (cursor.peek() === "'" || cursor.peek() === '"') return { step: 'field', name: cursor.quoted() }
  if (cursor.take('*')) return { step: 'wildcard' }
  const [from, to, by] = [
    integer(cursor),
    cursor.take(':') ? { to: integer(cursor) } : undefined,
    cursor.take(':') ? integer(cursor) : 1,
  ]
  if (to === undefined) {
    if (from === undefined) cursor.fail("a subscript is an index, a slice 0:2, *, 'name' or ?(filter)")
    return { step: 'slice', from, by: 1, single: true }
  }
  if (by === undefined || by < 1) cursor.fail('the step of a slice must be at least 1')
  return {
    step: 'slice',
    ...(from === undefined ? {} : { from }),
    ...(to.to === undefined ? {} : { to: to.to }),
    by,
    single: false,
  }
}

function integer(cursor: Cursor): number | undefined {
  const digits = cursor.match(/-?\d+/)
  return digits === undefined ? undefined : Number(digits)
}

function filter(cursor: Cursor): Step {
  const left = operand(cursor)
  cursor.skipSpace()
  const operator = OPERATORS.find((each) => cursor.take(each))
  if (cursor.peek() === '&' || cursor.peek() === '|')
    cursor.fail('a filter has one comparison: kubectl knows no && and ||')
  const right = operator === undefined ? undefined : operand(cursor)
  cursor.expect(')', 'the filter')
  cursor.expect(']', 'the filter')
  return { step: 'filter', left, operator: operator ?? 'exists', ...(right === undefined ? {} : { right }) }
}

function operand(cursor: Cursor): Operand {
  cursor.skipSpace()
  if (cursor.peek() === "'" || cursor.peek() === '"') return { value: cursor.quoted() }
  const number = cursor.match(/-?\d+(?:\.\d+)?/)
  if (number !== undefined) return { value: Number(number) }
  for (const [word, value] of [
    ['true', true],
    ['false', false],
    ['null', null],
  ] as const) {
    if (cursor.take(word)) return { value }
  }
  if (!/[@$.]/.test(cursor.peek()))
    cursor.fail("a filter compares @.field with a number, true, false or a 'string'")
  return { path: parsePath(cursor) }
}
