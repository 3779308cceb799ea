import { createHash } from 'node:crypto'
import { parseAllDocuments } from 'yaml'
import { canonicalJson } from './files.ts'

/** One object of a manifest, of which only its name is looked at here. */
export interface ManifestDocument {
  readonly key: ObjectKey
  readonly kind: string
  /** '' for kinds that belong to no namespace. */
  readonly namespace: string
  readonly name: string
  /** As written, without what stands around it. */
  readonly text: string
  readonly value: Readonly<Record<string, unknown>>
  /** Of its whole content, whatever the order of its keys. */
  readonly hash: string
  /** Where its content stands in the text of the file. */
  readonly start: number
  readonly end: number
}

/** `InferenceService/ml-serving/sklearn-iris`. */
export type ObjectKey = `${string}/${string}/${string}`

/** An object without a namespace is in `default`, unless its kind is cluster-wide. */
export function objectKey(kind: string, namespace: string | undefined, name: string): ObjectKey {
  return `${kind}/${namespaceOf(kind, namespace)}/${name}`
}

export function namespaceOf(kind: string, namespace: string | undefined): string {
  if (kind.startsWith('Cluster') || kind === 'Namespace') return ''
  return namespace === undefined || namespace === '' ? 'default' : namespace
}

/**
 * The objects in a text of YAML or JSON. Empty documents, and those with an error, are left out; `onProblem` hears
 * of the latter, numbered from 0 in the whole text.
 */
export function documentsOf(
  text: string,
  onProblem: (message: string, index: number) => void = () => {},
): readonly ManifestDocument[] {
  const found: ManifestDocument[] = []
  for (const [index, document] of parseAllDocuments(text, { logLevel: 'silent' }).entries()) {
    const error = document.errors[0]
    const range = document.contents?.range
    if (error !== undefined) {
      onProblem(error.message.split('\n')[0] ?? '', index)
      continue
    }
    const value: unknown = document.toJS()
    if (value === null || value === undefined || !range) continue
    if (!isObject(value)) {
      onProblem('the document is no object', index)
      continue
    }
    const header = headerOf(value)
    if (typeof header === 'string') {
      onProblem(header, index)
      continue
    }
    const { kind, namespace, name } = header
    found.push({
      key: objectKey(kind, namespace, name),
      kind,
      namespace: namespaceOf(kind, namespace),
      name,
      text: document.toString(),
      value,
      hash: contentHash(value),
      start: range[0],
      end: range[2],
    })
  }
  return found
}

export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** A sentence where something is missing. */
function headerOf(
  value: Readonly<Record<string, unknown>>,
): string | { kind: string; namespace: string | undefined; name: string } {
  const { apiVersion, kind, metadata } = value
  if (typeof apiVersion !== 'string' || apiVersion === '') return 'apiVersion is missing: it has to be a text'
  if (typeof kind !== 'string' || kind === '') return 'kind is missing: it has to be a text'
  if (!isObject(metadata)) return `${kind}: metadata is missing`
  const { name, namespace } = metadata
  if (typeof name !== 'string' || name === '') return `${kind}: metadata.name is missing: it has to be a text`
  if (namespace !== undefined && typeof namespace !== 'string')
    return `${kind} ${name}: metadata.namespace is no text`
  return { kind, namespace, name }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
