import type { DesiredService } from '../core/desired.ts'
import { admit, type Admission, type AdmittedObject, type Remark, type Stage } from './admit.ts'
import { catalogue } from './catalogue.ts'
import { serviceOf, type DesiredOptions } from './desired-service.ts'
import type { ManifestDocument } from './documents.ts'
import { runtimeOf, type Runtime } from './runtimes.ts'
import { isObject } from './unknown-fields.ts'

/** What we make of one document. */
export interface Outcome {
  readonly document: ManifestDocument
  readonly admission: Admission
  readonly warnings: readonly string[]
  readonly service?: DesiredService
  /** Why it is refused, or accepted and not served. */
  readonly problem?: { readonly stage: Stage | 'pilotlight' | 'not-served'; readonly message: string }
}

/** All documents together, in their order. One that is refused does not take the others with it. */
export function judge(documents: readonly ManifestDocument[], options: DesiredOptions): readonly Outcome[] {
  const { admissions, runtimes } = admitAll(documents, options)
  return documents.flatMap((document) => {
    const admission = admissions.get(document)
    return admission === undefined ? [] : [outcomeOf(document, admission, runtimes, options)]
  })
}

function outcomeOf(
  document: ManifestDocument,
  { admission, duplicateOf }: Admitted,
  runtimes: readonly Runtime[],
  options: DesiredOptions,
): Outcome {
  const base = { document, admission, warnings: admission.remarks.map(withLine) }
  const { admitted, refusal, kind, namespace, name } = admission
  if (refusal !== undefined) {
    // KServe's defaulting webhook panics there; what to do about it says more.
    const words = refusal.stage === 'mutating-webhook' ? (refusal.hint ?? refusal.message) : undefined
    const remark = words === undefined ? refusal : { message: words, line: refusal.line ?? 0 }
    const message = document.error?.message ?? withLine(remark)
    return { ...base, problem: { stage: refusal.stage, message } }
  }
  if (duplicateOf !== undefined) {
    const message = `${kind} ${namespace}/${name} is already defined in ${duplicateOf}; this one is left out`
    return { ...base, problem: { stage: 'pilotlight', message } }
  }
  switch (admitted.kind) {
    case 'ServingRuntime':
      return base
    case 'other':
      return { ...base, warnings: [`${kind} is not read; it has no effect here`] }
    case 'InferenceGraph': {
      const message = 'InferenceGraph is checked but not served yet; its InferenceServices are'
      return { ...base, problem: { stage: 'not-served', message } }
    }
    default: {
      const result = serviceOf(document, admitted, runtimes, options)
      if ('refusal' in result) return { ...base, problem: { stage: 'pilotlight', message: result.refusal } }
      return { ...base, ...result, warnings: [...base.warnings, ...result.warnings] }
    }
  }
}

interface Admitted {
  readonly admission: Admission
  /** The document that defined the same object before. */
  readonly duplicateOf?: string
}

/** Runtimes first, wherever they stand: a folder has no order. */
function admitAll(
  documents: readonly ManifestDocument[],
  options: DesiredOptions,
): { readonly admissions: ReadonlyMap<ManifestDocument, Admitted>; readonly runtimes: readonly Runtime[] } {
  const admissions = new Map<ManifestDocument, Admitted>()
  const seen = new Map<string, string>()
  const runtimes: Runtime[] = options.runtimes === 'catalogue' ? [...catalogue] : []
  const isRuntime = ({ value }: ManifestDocument): boolean =>
    isObject(value) && typeof value['kind'] === 'string' && value['kind'].endsWith('ServingRuntime')
  const others = documents.filter((document) => !isRuntime(document))
  for (const document of [...documents.filter(isRuntime), ...others]) {
    const admission = admit(document, { defaultMode: options.defaultMode ?? 'Knative', runtimes })
    const { admitted } = admission
    if (admitted === undefined || admitted.kind === 'other') {
      admissions.set(document, { admission })
      continue
    }
    const key = `${admission.kind} ${admission.namespace}/${admission.name}`
    const duplicateOf = seen.get(key)
    admissions.set(document, { admission, ...(duplicateOf === undefined ? {} : { duplicateOf }) })
    if (duplicateOf !== undefined) continue
    seen.set(key, document.source)
    if (admitted.kind === 'ServingRuntime') addRuntime(runtimes, admitted, document)
  }
  return { admissions, runtimes }
}

/** A manifest with the name of a built-in runtime takes its place. */
function addRuntime(
  runtimes: Runtime[],
  { value }: Extract<AdmittedObject, { kind: 'ServingRuntime' }>,
  { baseDir }: ManifestDocument,
): void {
  const added = runtimeOf(value, baseDir)
  const same = runtimes.findIndex(
    ({ kind, name, namespace }) =>
      kind === added.kind && name === added.name && namespace === added.namespace,
  )
  if (same >= 0) runtimes.splice(same, 1)
  runtimes.push(added)
}

function withLine({ message, line, hint }: Remark): string {
  return `${message}${hint === undefined ? '' : `; ${hint}`}${line === undefined || line === 0 ? '' : ` (line ${line})`}`
}
