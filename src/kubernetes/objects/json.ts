/** Plain JSON objects, as Kubernetes' API takes them. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects in a list; nothing of what is no list. */
export function fieldsIn(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}

/** The text of a field, or undefined. */
export function textIn(value: Fields, field: string): string | undefined {
  const text = value[field]
  return typeof text === 'string' ? text : undefined
}
