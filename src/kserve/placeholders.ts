import { nearestName } from './unknown-fields.ts'

/** What `{{.Name}}` and its like in a runtime's container stand for. */
export interface PlaceholderValues {
  readonly name: string
  readonly namespace: string
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** Known only when a replica starts, and left in place until then. */
const perReplica = ['Port', 'GrpcPort', 'ModelDir'] as const
const known = ['Name', 'Namespace', 'Annotations', 'Labels', ...perReplica] as const

const pattern = /\{\{\s*\.([A-Za-z]+)(?:\.([A-Za-z0-9_-]+))?\s*\}\}/g

/** A label or annotation that is not there is empty, as in Go's templates. */
export function fillPlaceholders(text: string, values: PlaceholderValues): string {
  return text.replaceAll(pattern, (whole, field: string, key: string | undefined) => {
    if (key === undefined) {
      if (field === 'Name') return values.name
      if (field === 'Namespace') return values.namespace
      return perReplica.some((left) => left === field) ? `{{.${field}}}` : whole
    }
    if (field === 'Annotations') return values.annotations[key] ?? ''
    return field === 'Labels' ? (values.labels[key] ?? '') : whole
  })
}

/** What is wrong with the placeholders of a text, or undefined. */
export function placeholderError(text: string): string | undefined {
  for (const [whole, field = ''] of text.matchAll(pattern)) {
    if (known.some((name) => name === field)) continue
    const nearest = nearestName(field, known)
    return (
      `unknown placeholder ${whole}; ${nearest === undefined ? '' : `did you mean {{.${nearest}}}? `}` +
      `known are {{.Name}}, {{.Namespace}}, {{.Annotations.x}}, {{.Labels.x}}, {{.Port}}, {{.GrpcPort}} ` +
      `and {{.ModelDir}}`
    )
  }
  return undefined
}
