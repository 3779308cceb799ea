import { parseAllDocuments, type Document } from 'yaml'
import { CliError } from './errors.ts'
import type { ManifestFile } from './manifest-files.ts'

export interface ManifestHead {
  readonly kind: string
  /** Absent for one of KServe's kinds. */
  readonly apiVersion?: string
  readonly name: string
  readonly namespace?: string
}

/** Kind, name and namespace of every document of a file. @throws CliError naming file and document. */
export function readHeads(file: ManifestFile): readonly ManifestHead[] {
  return documents(file).map((document, index) => {
    const paths = [['kind'], ['metadata', 'name'], ['metadata', 'namespace'], ['apiVersion']]
    const [kind, name, namespace, apiVersion] = paths.map((path) => document.getIn(path))
    if (typeof kind !== 'string' || typeof name !== 'string') {
      throw new CliError('failed', `${file.path}#${index}: must have kind and metadata.name`)
    }
    const isKServes = typeof apiVersion !== 'string' || apiVersion.startsWith('serving.kserve.io/')
    return {
      kind,
      name,
      ...(isKServes ? {} : { apiVersion }),
      ...(typeof namespace === 'string' ? { namespace } : {}),
    }
  })
}

/** The file's text, with `namespace` in the metadata of each namespaced document that names none. */
export function withNamespace(file: ManifestFile, namespace: string): string {
  return documents(file)
    .map((document) => {
      const clusterWide = String(document.get('kind')).startsWith('Cluster')
      if (
        !clusterWide &&
        document.hasIn(['metadata', 'name']) &&
        !document.hasIn(['metadata', 'namespace'])
      ) {
        document.setIn(['metadata', 'namespace'], namespace)
      }
      return document.toString()
    })
    .join('---\n')
}

function documents({ path, text }: ManifestFile): readonly Document[] {
  const parsed = parseAllDocuments(text)
  if (!Array.isArray(parsed)) return []
  return parsed
    .filter((document) => document.contents !== null)
    .map((document, index) => {
      const [error] = document.errors
      if (error !== undefined) throw new CliError('failed', `${path}#${index}: ${error.message}`)
      return document
    })
}
