import { admit, type Admission, type AdmissionContext } from './admit.ts'
import { catalogue } from './catalogue.ts'
import { parseDocuments, type ManifestDocument } from './documents.ts'
import { ownRows, type OwnExplainOptions } from './explain-own.ts'
import { emptyColumns, type ExplainRow, type ScalingFunctions } from './explain-row.ts'
import { canaryPercent, strictColumns, underStandard } from './explain-strict.ts'
import { runtimeOf, type Runtime } from './runtimes.ts'
import { inStandardMode } from './standard-mode.ts'

/** A manifest file, read by whoever may open files. */
export interface ManifestFile {
  readonly file: string
  readonly text: string
  /** The folder that relative paths of its runtimes start from. */
  readonly baseDir?: string
}

export interface ExplainOptions extends ScalingFunctions, OwnExplainOptions {
  /** KServe's own answer under its shipped configuration, instead of ours. */
  readonly strict?: boolean
}

/** One row per document: what becomes of it, and why. */
export function explainDocuments(
  files: readonly ManifestFile[],
  options: ExplainOptions,
): readonly ExplainRow[] {
  const parsed = files.map(({ file, text, baseDir }) =>
    parseDocuments(text, { file, ...(baseDir === undefined ? {} : { baseDir }) }),
  )
  // A cluster with KServe is asked about each file by itself; we serve a folder as a whole.
  return options.strict === true
    ? parsed.flatMap((documents) => strictRows(documents, options))
    : ownRows(parsed.flat(), options)
}

function strictRows(documents: readonly ManifestDocument[], scaling: ScalingFunctions): ExplainRow[] {
  const shipped = admitAll(documents, 'Knative')
  const standard = admitAll(documents.map(inStandardMode), 'Standard')
  return shipped.admissions.map((admission, index) => {
    const document = documents[index]
    const columns = strictColumns(admission, shipped.runtimes, scaling)
    const inStandard = standard.admissions[index] ?? admission
    const { kind, name } = document?.error === undefined ? admission : { kind: '', name: '' }
    return {
      ...emptyColumns,
      ...columns,
      canary_percent: canaryPercent(admission, document?.value),
      ...underStandard(inStandard, columns, standard.runtimes, scaling),
      kind,
      name,
      source: document?.source ?? '',
      warnings: admission.remarks.map(({ message, line }) => `${message} (line ${line ?? 0})`),
      does: whatKServeDoes(columns.verdict ?? '', columns.kserve_message),
      note: '',
    }
  })
}

/** All documents of one file, applied one after the other; the runtimes among them are seen by the rest. */
function admitAll(
  documents: readonly ManifestDocument[],
  defaultMode: AdmissionContext['defaultMode'],
): { readonly admissions: readonly Admission[]; readonly runtimes: readonly Runtime[] } {
  let runtimes: readonly Runtime[] = catalogue
  const admissions = documents.map((document) => {
    const admission = admit(document, { defaultMode, runtimes })
    if (admission.admitted?.kind === 'ServingRuntime') {
      const added = runtimeOf(admission.admitted.value, document.baseDir)
      const others = runtimes.filter(
        ({ kind, name, namespace }) =>
          kind !== added.kind || name !== added.name || namespace !== added.namespace,
      )
      runtimes = [...others, added]
    }
    return admission
  })
  return { admissions, runtimes }
}

function whatKServeDoes(verdict: string, message: string | undefined): string {
  const because = message === undefined || message === '' ? '' : `: ${message.replace(/\.$/, '')}`
  switch (verdict) {
    case 'accept':
      return 'KServe accepts it.'
    case 'reject':
      return `KServe refuses it${because}.`
    case 'accept, reconcile fails':
      return `KServe accepts it and then cannot serve it${because}.`
    default:
      return `KServe accepts it and Knative refuses the Service made of it${because}.`
  }
}
