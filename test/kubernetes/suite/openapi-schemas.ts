import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const definition = z.looseObject({
  properties: z.record(z.string(), z.looseObject({ format: z.string().optional() })).optional(),
  'x-kubernetes-group-version-kind': z
    .array(z.object({ group: z.string(), version: z.string(), kind: z.string() }))
    .optional(),
})

/** A number or a text. */
const EITHER = new Set([
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  'io.k8s.apimachinery.pkg.api.resource.Quantity',
])

/**
 * Writes the schemas of an API server, its custom resources included, as kubeconform reads them, and so that a field they
 * do not name is an error. `openapi` is what `/openapi/v2` answers.
 */
export function writeSchemas(openapi: string, folder: string): void {
  const { definitions } = z
    .looseObject({ definitions: z.record(z.string(), definition) })
    .parse(JSON.parse(openapi))
  const strict = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, EITHER.has(name) ? {} : strictly(schema)]),
  )
  writeFileSync(join(folder, '_definitions.json'), JSON.stringify({ definitions: strict }))
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      const suffix = [group.split('.')[0], version].filter((part) => part !== '').join('-')
      const reference = { $ref: `_definitions.json#/definitions/${name}` }
      writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify(reference))
    }
  }
}

function strictly(schema: z.infer<typeof definition>): object {
  if (schema.properties === undefined) return schema
  const isOpen =
    schema['additionalProperties'] !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
  return {
    ...schema,
    properties: Object.fromEntries(
      Object.entries(schema.properties).map(([key, { type, ...field }]) => [
        key,
        field.format === 'int-or-string' || field.format === 'quantity' ? field : { type, ...field },
      ]),
    ),
    ...(isOpen ? {} : { additionalProperties: false }),
  }
}
