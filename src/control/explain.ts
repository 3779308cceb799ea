import { basename } from 'node:path'
import { defaultAutoscalerConfig, policyOf, validateAnnotations } from '../../autoscaler/index.ts'
import { explainDocuments, type ScalingFunctions } from '../kserve/index.ts'
import { scalingProblems } from './revision-policy.ts'

/** The autoscaler's arithmetic, as explain and admission need it. */
const scaling: ScalingFunctions = {
  effectiveTarget: (annotations, containerConcurrency) =>
    policyOf({ annotations, containerConcurrency, class: 'kpa', config: defaultAutoscalerConfig }).target,
  validateAnnotations: (annotations) => validateAnnotations(annotations, defaultAutoscalerConfig),
  validateScaling: (given) => scalingProblems(given, defaultAutoscalerConfig),
}

/** What becomes of each document: a row each, in our words or, with `strict`, as KServe would answer. */
export function explainFiles(
  files: readonly { readonly path: string; readonly text: string }[],
  options: {
    readonly strict: boolean
    /** `cluster`: no runtimes but those of the files. Default: KServe's catalogue, too. */
    readonly runtimes?: 'cluster' | 'catalogue'
  },
): readonly Readonly<Record<string, string | readonly string[]>>[] {
  const manifests = files.filter(({ path }) => basename(path) !== CONFIG_FILE)
  const rows = explainDocuments(
    manifests.map(({ path, text }) => ({ file: path, text })),
    { ...scaling, ...options },
  )
  return rows.map(({ source, ...row }) => {
    const hash = source.lastIndexOf('#')
    return { file: source.slice(0, hash), doc: source.slice(hash + 1), ...row }
  })
}

/** The local configuration may lie beside the manifests; it is not one. */
export const CONFIG_FILE = 'pilotlight.yaml'
