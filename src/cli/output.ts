import { CliError } from './errors.ts'
import { JsonPathError, parseTemplate, renderTemplate } from './jsonpath/index.ts'
import type { KubeObject } from './objects.ts'

/** What `-o` says. */
export type OutputFormat =
  | { readonly format: 'table' | 'wide' | 'json' | 'yaml' | 'name' }
  | { readonly format: 'jsonpath'; readonly render: (document: unknown) => string }

const PLAIN = ['table', 'wide', 'json', 'yaml', 'name'] as const

/** @throws CliError (usage) naming what there is, or what is wrong with a JSONPath. */
export function outputFormat(text: string): OutputFormat {
  const plain = PLAIN.find((format) => format === text)
  if (plain !== undefined) return { format: plain }
  if (!text.startsWith('jsonpath=')) {
    throw new CliError(
      'usage',
      `--output: ${JSON.stringify(text)} is not known; it is one of ${PLAIN.join(', ')}, jsonpath='{.status.url}'`,
    )
  }
  try {
    const template = parseTemplate(text.slice('jsonpath='.length))
    return { format: 'jsonpath', render: (document) => renderTemplate(template, document) }
  } catch (error) {
    if (error instanceof JsonPathError)
      throw new CliError('usage', `--output: ${error.message}`, { cause: error })
    throw error
  }
}

/** One object is printed as it is, several as a List, as kubectl does. */
export async function renderObjects(
  output: OutputFormat,
  objects: readonly KubeObject[],
  single: boolean,
): Promise<string> {
  if (output.format === 'name') return objects.map((object) => `${nameOf(object)}\n`).join('')
  const document = sortKeys(
    single
      ? objects[0]
      : { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } },
  )
  if (output.format === 'jsonpath') return output.render(document)
  if (output.format === 'yaml') {
    const { stringify } = await import('yaml')
    return stringify(document, { indentSeq: false, lineWidth: 0 })
  }
  return `${JSON.stringify(document, null, 4)}\n`
}

/** `inferenceservice.serving.kserve.io/iris` */
function nameOf({ apiVersion, kind, metadata }: KubeObject): string {
  return `${kind.toLowerCase()}.${apiVersion.slice(0, apiVersion.indexOf('/'))}/${metadata.name}`
}

/** kubectl prints the keys of objects in alphabetical order, and scripts compare its output. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]))
}
