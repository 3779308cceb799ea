import { z } from 'zod'

/**
 * From a zod schema to what Kubernetes calls a structural schema: OpenAPI v3 without references, every object
 * either with named properties or with values of one kind, and fields that nobody named pruned by the API server.
 */
export interface StructuralSchema {
  type?: string
  description?: string
  properties?: Record<string, StructuralSchema>
  required?: string[]
  additionalProperties?: StructuralSchema
  items?: StructuralSchema
  enum?: unknown[]
  minimum?: number
  maximum?: number
  maxItems?: number
  nullable?: boolean
  'x-kubernetes-int-or-string'?: true
  'x-kubernetes-preserve-unknown-fields'?: true
  'x-kubernetes-validations'?: CelRule[]
}

/** One rule in CEL, with the words in which it refuses. */
export interface CelRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
}

/** An object of Kubernetes that is passed on as written; the API server checks it where it is used. */
const PASSED_ON: StructuralSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** @throws if the schema holds something that a custom resource cannot say. */
export function structuralOf(schema: z.ZodType): StructuralSchema {
  return translate(z.toJSONSchema(schema, { io: 'input', reused: 'inline', unrepresentable: 'any' }), [])
}

type JsonSchema = Readonly<Record<string, unknown>>

function translate(schema: unknown, path: readonly string[]): StructuralSchema {
  if (!isTree(schema)) throw new Error(`${path.join('.')}: a schema that is no object`)
  const types = typesOf(schema)
  if (types.includes('string')) {
    // A port: a number or a name.
    if (types.includes('integer')) return { 'x-kubernetes-int-or-string': true }
    // A quantity may also be 0.5, for which Kubernetes has no word; KServe's webhook made a text of it in time.
    if (types.includes('number')) return { 'x-kubernetes-preserve-unknown-fields': true }
  }
  const nullable = withoutNull(schema)
  if (nullable !== undefined) return { ...translate(nullable, path), nullable: true }
  const { type } = schema
  if (type === undefined) {
    if (Object.keys(schema).every((key) => key === '$schema' || key === 'description'))
      return { ...PASSED_ON }
    throw new Error(`${path.join('.')}: cannot be said in a custom resource: ${JSON.stringify(schema)}`)
  }
  if (type === 'object') return objectOf(schema, path)
  if (type === 'array') return { type, items: translate(schema['items'], [...path, '[]']) }
  if (type === 'integer' || type === 'number') return { type, ...boundsOf(schema) }
  if (type === 'string' || type === 'boolean') {
    const values = schema['const'] === undefined ? schema['enum'] : [schema['const']]
    return { type, ...(Array.isArray(values) ? { enum: [...values] } : {}) }
  }
  throw new Error(`${path.join('.')}: no type of a custom resource: ${JSON.stringify(type)}`)
}

function objectOf(schema: JsonSchema, path: readonly string[]): StructuralSchema {
  const { properties, required, additionalProperties } = schema
  if (!isTree(properties)) {
    return { type: 'object', additionalProperties: translate(additionalProperties, [...path, '*']) }
  }
  return {
    type: 'object',
    // A loose object says that further fields are allowed; here they are the ones that get pruned.
    properties: Object.fromEntries(
      Object.entries(properties).map(([key, inner]) => [key, translate(inner, [...path, key])]),
    ),
    ...(Array.isArray(required) && required.length > 0 ? { required: required.map(String) } : {}),
  }
}

/** Of a union, each of them. */
function typesOf({ anyOf, type }: JsonSchema): unknown[] {
  if (Array.isArray(type)) return type
  return Array.isArray(anyOf) ? anyOf.map((option) => (isTree(option) ? option['type'] : undefined)) : []
}

/** The schema that a nullable one allows beside null; undefined if null is not allowed. */
function withoutNull({ anyOf, type, ...rest }: JsonSchema): unknown {
  if (Array.isArray(type) && type.length === 2 && type.includes('null')) {
    return { ...rest, type: type.find((name) => name !== 'null') }
  }
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return undefined
  const others = anyOf.filter((option) => !isTree(option) || option['type'] !== 'null')
  return others.length === 1 ? others[0] : undefined
}

/** zod bounds every integer by what JavaScript can count; such a bound says nothing to a reader. */
function boundsOf({ minimum, maximum }: JsonSchema): { minimum?: number; maximum?: number } {
  return {
    ...(typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER ? { minimum } : {}),
    ...(typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER ? { maximum } : {}),
  }
}

function isTree(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schema at a path such as `spec.predictor.containers[].env`. */
export function at(schema: StructuralSchema, path: string): StructuralSchema {
  let here: StructuralSchema = schema
  for (const part of path.split('.')) {
    const name = part.replaceAll('[]', '')
    const next = name === '' ? here : here.properties?.[name]
    if (next === undefined) throw new Error(`no field ${part} on the way to ${path}`)
    here = next
    for (let depth = (part.length - name.length) / 2; depth > 0; depth -= 1) {
      if (here.items === undefined) throw new Error(`${part} on the way to ${path} is no list`)
      here = here.items
    }
  }
  return here
}

/** Every schema within, with its own name; lists and maps pass their name on to what they hold. */
export function* fieldsOf(
  schema: StructuralSchema,
  name = '',
): Generator<{ readonly name: string; readonly schema: StructuralSchema }> {
  yield { name, schema }
  for (const [key, inner] of Object.entries(schema.properties ?? {})) yield* fieldsOf(inner, key)
  if (schema.items !== undefined) yield* fieldsOf(schema.items, `${name}[]`)
  if (schema.additionalProperties !== undefined) yield* fieldsOf(schema.additionalProperties, `${name}{}`)
}
