import type { Operand, Operator, Path, Step } from './path.ts'
import type { Template, TemplatePart } from './template.ts'

/** The text of a template over a document; a path with several results prints them with spaces between. */
export function renderTemplate(template: Template, document: unknown): string {
  return render(template, document, document)
}

/** The values that the first path of a template finds. */
export function queryTemplate(template: Template, document: unknown): readonly unknown[] {
  const first = template.find((part) => part.part === 'path')
  return first === undefined ? [] : find(first.path, document, document)
}

function render(template: Template, root: unknown, current: unknown): string {
  return template.map((part) => renderPart(part, root, current)).join('')
}

function renderPart(part: TemplatePart, root: unknown, current: unknown): string {
  if (part.part === 'text') return part.text
  const values = find(part.path, root, current)
  if (part.part === 'path') return values.map(printed).join(' ')
  return values.map((item) => render(part.body, root, item)).join('')
}

function printed(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function find({ root: fromRoot, steps }: Path, root: unknown, current: unknown): unknown[] {
  let values: unknown[] = [fromRoot ? root : current]
  for (const step of steps) values = values.flatMap((value) => walk(step, root, value))
  return values
}

function walk(step: Step, root: unknown, value: unknown): unknown[] {
  switch (step.step) {
    case 'field':
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []
    case 'slice':
      return Array.isArray(value) ? slice(value, step) : []
    case 'union':
      return step.parts.flatMap((part) => walk(part, root, value))
    case 'filter':
      return childrenOf(value).filter((item) => holds(step, root, item))
    case 'descend':
      return descend(value)
    case 'wildcard':
    default:
      return childrenOf(value)
  }
}

function slice(list: readonly unknown[], step: Extract<Step, { step: 'slice' }>): unknown[] {
  const bound = (index: number): number => (index < 0 ? list.length + index : index)
  const from = bound(step.from ?? 0)
  if (step.single) return from >= 0 && from < list.length ? [list[from]] : []
  return list.slice(Math.max(0, from), bound(step.to ?? list.length)).filter((_, at) => at % step.by === 0)
}

function holds(step: Extract<Step, { step: 'filter' }>, root: unknown, item: unknown): boolean {
  const left = operandOf(step.left, root, item)
  if (step.operator === 'exists') return left.found
  const right =
    step.right === undefined ? { found: false, value: undefined } : operandOf(step.right, root, item)
  return left.found && right.found && compare(left.value, step.operator, right.value)
}

function operandOf(operand: Operand, root: unknown, item: unknown): { found: boolean; value: unknown } {
  if ('value' in operand) return { found: true, value: operand.value }
  const values = find(operand.path, root, item)
  return { found: values.length > 0, value: values[0] }
}

function compare(left: unknown, operator: Exclude<Operator, 'exists'>, right: unknown): boolean {
  if (operator === '==') return left === right
  if (operator === '!=') return left !== right
  if (
    !(typeof left === 'number' && typeof right === 'number') &&
    !(typeof left === 'string' && typeof right === 'string')
  ) {
    return false
  }
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function descend(value: unknown): unknown[] {
  return [value, ...childrenOf(value).flatMap(descend)]
}

function childrenOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
