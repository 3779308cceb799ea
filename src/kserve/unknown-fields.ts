import { distance } from 'fastest-levenshtein'
import { z } from 'zod'

export interface UnknownField {
  readonly path: readonly (string | number)[]
  /** The known name that is nearest, if one is near. */
  readonly nearest?: string
}

/** The fields of `value` that `schema` does not know, in the order of the document. */
export function unknownFields(
  schema: unknown,
  value: unknown,
  path: readonly (string | number)[] = [],
): readonly UnknownField[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return unknownFields(schema.unwrap(), value, path)
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, index) => unknownFields(schema.element, item, [...path, index]))
  }
  if (!isObject(value)) return []
  if (schema instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, inner]) =>
      unknownFields(schema.valueType, inner, [...path, key]),
    )
  }
  if (!(schema instanceof z.ZodObject)) return []
  const known = new Map<string, unknown>(Object.entries(schema.shape))
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key]
    if (known.has(key)) return unknownFields(known.get(key), inner, here)
    const nearest = nearestName(key, known.keys())
    return [{ path: here, ...(nearest === undefined ? {} : { nearest }) }]
  })
}

/** `spec.predictor.minReplica: unknown field; did you mean minReplicas?` */
export function describeUnknown(field: UnknownField): string {
  const hint = field.nearest === undefined ? '' : `; did you mean ${field.nearest}?`
  return `${fieldPath(field.path)}: unknown field${hint}`
}

/** The candidate that is at most a third of the name away: a slip of the fingers, not another word. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly away: number } | undefined
  for (const candidate of candidates) {
    const away = distance(name.toLowerCase(), candidate.toLowerCase())
    if (best === undefined || away < best.away) best = { name: candidate, away }
  }
  return best !== undefined && best.away <= Math.max(1, Math.floor(name.length / 3)) ? best.name : undefined
}

/** `spec.canary[0].trafficPercent`, as the API server writes it. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Without fields that are null: the API server drops those before it checks anything. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  )
}
