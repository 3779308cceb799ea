import type { CaseResult } from './case-result.ts'
import { autoscalerConfigs } from './config-vectors.ts'
import { autoscalerDecisions, recordedDecisions } from './decision-vectors.ts'
import { hpaBehavior } from './hpa-behavior-vectors.ts'
import { hpaExternalObject, hpaPodsMetric, hpaResourceUtilization } from './hpa-metric-vectors.ts'
import { hpaMultiMetric } from './hpa-reconcile-vectors.ts'
import { hpaValidation } from './hpa-validation-vectors.ts'
import { childNames } from './name-vectors.ts'
import {
  annotationValidation,
  deciders,
  initialScales,
  metricTargets,
  metricWindows,
} from './policy-vectors.ts'
import { requestStats } from './request-vectors.ts'
import type { VectorCase, VectorFile } from './vector-file.ts'
import type { VectorKind } from './vector-kind.ts'
import { aggregationWindows, maxWindows, smoothingCoefficients } from './window-vectors.ts'

/** In the order in which a file of unknown name is compared with them: the most particular shape first. */
export const vectorKinds: readonly VectorKind[] = [
  aggregationWindows,
  requestStats,
  smoothingCoefficients,
  metricWindows,
  metricTargets,
  recordedDecisions,
  autoscalerDecisions,
  maxWindows,
  annotationValidation,
  autoscalerConfigs,
  childNames,
  deciders,
  initialScales,
  hpaResourceUtilization,
  hpaPodsMetric,
  hpaExternalObject,
  hpaMultiMetric,
  hpaBehavior,
  hpaValidation,
]

/** By its name; a file of another name by the shape of most of its cases. */
export function kindOf({ name, cases }: VectorFile): VectorKind | undefined {
  const byName = vectorKinds.find((kind) => kind.name === name)
  if (byName !== undefined) return byName
  const alike = (kind: VectorKind): number => cases.filter((vector) => kind.looksLike(vector)).length
  return vectorKinds.find((kind) => alike(kind) > cases.length / 2)
}

export function runCase(kind: VectorKind, vector: VectorCase, index: number): CaseResult {
  const name = vector.name ?? `case ${index}`
  try {
    const failure = kind.run(vector)
    return failure === undefined ? { name } : { name, failure }
  } catch (error) {
    return { name, failure: `threw ${String(error)}` }
  }
}
