import type { z } from 'zod'

import { fieldPath } from './unknown-fields.ts'

export interface SchemaError {
  readonly path: readonly PropertyKey[]
  /** In the API server's words: `spec.predictor.logger.mode: Unsupported value: "some": supported values: ...`. */
  readonly message: string
}

/** What the API server says of a value that its CRD schema does not allow. */
export function schemaErrors(error: z.ZodError, value: unknown): readonly SchemaError[] {
  return error.issues.map((issue) => ({
    path: issue.path,
    message: `${fieldPath(issue.path)}: ${describe(issue, valueAt(value, issue.path))}`,
  }))
}

function describe(issue: z.core.$ZodIssue, found: unknown): string {
  const where = fieldPath(issue.path)
  if (found === undefined) return 'Required value'
  switch (issue.code) {
    case 'invalid_value':
      return `Unsupported value: ${quote(found)}: supported values: ${issue.values.map(quote).join(', ')}`
    case 'too_big':
      return `Invalid value: ${quote(found)}: ${where} in body should be less than or equal to ${issue.maximum}`
    case 'too_small':
      return `Invalid value: ${quote(found)}: ${where} in body should be greater than or equal to ${issue.minimum}`
    case 'invalid_type': {
      const expected = jsonType(issue.expected)
      const got = jsonTypeOf(found)
      return `Invalid value: "${got}": ${where} in body must be of type ${expected}: "${got}"`
    }
    default:
      return `Invalid value: ${quote(found)}: ${issue.message}`
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, part) : undefined),
    value,
  )
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}

/** zod's name of a type to OpenAPI's; every number of these schemas is a whole one. */
function jsonType(expected: string): string {
  if (expected === 'int' || expected === 'number') return 'integer'
  return expected === 'record' ? 'object' : expected
}

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
