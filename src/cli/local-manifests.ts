import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import type { AutoscalerConfig } from '../../autoscaler/index.ts'
import { CONFIG_FILE } from '../control/explain.ts'
import { scalingProblems } from '../control/revision-policy.ts'
import { ManifestRefused, ObjectNotFound, type AppliedObject, type ManifestStore } from '../control/view.ts'
import {
  changeRefusal,
  parseDocuments,
  toDesired,
  type DesiredOptions,
  type DesiredResult,
} from '../kserve/index.ts'
import {
  ApplyRefused,
  type ManifestDocument as FolderDocument,
  type ManifestFolder,
  type MetadataLookup,
  type SourceFile,
} from '../local/index.ts'

const ISVC = 'InferenceService'
const APPLIED = 'apply'

/** How the manifests of a folder are read on this machine. */
export class LocalManifests implements ManifestStore {
  readonly #folder: ManifestFolder
  readonly #options: Omit<DesiredOptions, 'metadata'>

  constructor(
    folder: ManifestFolder,
    options: {
      readonly autoscaler: AutoscalerConfig
      readonly predictorHost: DesiredOptions['predictorHost']
    },
  ) {
    this.#folder = folder
    this.#options = {
      runtimes: 'local',
      predictorHost: options.predictorHost,
      allowZeroInitialScale: options.autoscaler.allowZeroInitialScale,
      validateScaling: (scaling) => scalingProblems(scaling, options.autoscaler),
    }
  }

  /** Everything the files say. */
  desired(files: readonly SourceFile[], metadata: MetadataLookup): DesiredResult {
    const documents = files
      .filter(({ path }) => basename(path) !== CONFIG_FILE)
      .flatMap(({ path, baseDir, text }) =>
        parseDocuments(text, { file: path, baseDir }).filter((document) => isManifest(path, document.value)),
      )
    return toDesired(documents, {
      ...this.#options,
      metadata: (namespace, name) => metadata(ISVC, namespace, name) ?? { generation: 1, createdAtMs: 0 },
    })
  }

  // oxlint-disable-next-line typescript/require-await -- a throw has to be a rejection
  async apply(yaml: string): Promise<readonly AppliedObject[]> {
    const warnings = new Map<string, string[]>()
    try {
      const applied = this.#folder.apply(yaml, (documents) => {
        const keys = new Set(documents.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`))
        const { files, metadata } = this.#folder.current
        const others = files.map((file) => ({ ...file, text: this.#without(file, keys) }))
        const own = { path: APPLIED, baseDir: process.cwd(), text: yaml }
        const desired = this.desired([...others, own], metadata)
        for (const { source, kind, namespace, name, message } of desired.warnings) {
          if (!isOurs(source)) continue
          const key = `${kind}/${namespace}/${name}`
          warnings.set(key, [...(warnings.get(key) ?? []), message])
        }
        const problems = desired.problems.filter(({ source }) => isOurs(source)).map(({ message }) => message)
        return [...problems, ...documents.flatMap((document) => this.#refusedChange(document) ?? [])]
      })
      return applied.map((object) => ({
        ...object,
        warnings: warnings.get(`${object.kind}/${object.namespace}/${object.name}`) ?? [],
      }))
    } catch (error) {
      if (error instanceof ApplyRefused) throw new ManifestRefused(error.message, { cause: error })
      throw error
    }
  }

  // oxlint-disable-next-line typescript/require-await -- a throw has to be a rejection
  async remove(kind: string, namespace: string, name: string): Promise<void> {
    if (!this.#folder.remove(kind, namespace, name)) throw notFound(kind, namespace, name)
  }

  async setCanary(namespace: string, name: string, percent: number | undefined): Promise<void> {
    const found = this.#folder.find(ISVC, namespace, name)
    if (found === undefined) throw notFound(ISVC, namespace, name)
    const document = parseDocument(found.document.text, { version: '1.1' })
    const field = ['spec', 'predictor', 'canaryTrafficPercent']
    if (percent === undefined) document.deleteIn(field)
    else document.setIn(field, percent)
    await this.apply(document.toString())
  }

  /** KServe's rules about changing a service that is there: its mode, and the name of its predictor. */
  #refusedChange({ kind, namespace, name, text }: FolderDocument): string | undefined {
    const found = kind === ISVC ? this.#folder.find(kind, namespace, name) : undefined
    const [before] = found === undefined ? [] : parseDocuments(found.document.text, { file: found.file.path })
    const [after] = parseDocuments(text, { file: APPLIED })
    return before === undefined || after === undefined ? undefined : changeRefusal(before, after)
  }

  /** The file's text less the documents that are being replaced. */
  #without(file: SourceFile, keys: ReadonlySet<string>): string {
    let { text } = file
    for (const key of keys) {
      const [kind = '', namespace = '', name = ''] = key.split('/')
      const found = this.#folder.find(kind, namespace, name)
      if (found === undefined || found.file.path !== file.path) continue
      const { start, end } = found.document
      // Blanks in place of the document: the line numbers of the others stay.
      text = text.slice(0, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ') + text.slice(end)
    }
    return text
  }
}

/** JSON that names neither an apiVersion nor a kind is somebody's data (a model's config.json), no manifest. */
function isManifest(path: string, value: unknown): boolean {
  if (!path.endsWith('.json')) return true
  return typeof value === 'object' && value !== null && ('apiVersion' in value || 'kind' in value)
}

function isOurs(source: string): boolean {
  return source === APPLIED || source.startsWith(`${APPLIED}#`) || source.startsWith(`${APPLIED}:`)
}

function notFound(kind: string, namespace: string, name: string): ObjectNotFound {
  return new ObjectNotFound(`${kind} "${name}" not found${namespace === '' ? '' : ` in ${namespace}`}`)
}
