import type { KubeObject } from '../../kubernetes/api/index.ts'
import { parseDocuments } from '../../kserve/index.ts'
import { CliError } from '../errors.ts'

/** The objects of a YAML text, in its order. @throws CliError for each document that is none. */
export function objectsIn(text: string, file: string): readonly KubeObject[] {
  const problems: string[] = []
  const objects = parseDocuments(text, { file }).flatMap(({ source, value, error }) => {
    if (error !== undefined) problems.push(error.message)
    else if (isKubeObject(value)) return [value]
    else if (value !== undefined && value !== null) {
      problems.push(`${source}: must have apiVersion, kind and metadata.name`)
    }
    return []
  })
  if (problems.length > 0) throw new CliError('failed', problems.join('\n'))
  return objects
}

function isKubeObject(value: unknown): value is KubeObject {
  if (typeof value !== 'object' || value === null) return false
  if (!('apiVersion' in value && 'kind' in value && 'metadata' in value)) return false
  const { apiVersion, kind, metadata } = value
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return false
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'name' in metadata &&
    typeof metadata.name === 'string'
  )
}
