import type { ScalingSpec } from '../core/revision.ts'

/** The columns that say what becomes of one document: those of KServe's acceptance cases. */
export const emptyColumns = {
  kind: '',
  name: '',
  verdict: '',
  stage: '',
  kserve_message: '',
  kubectl_strict_error: '',
  mode: '',
  min: '',
  max: '',
  autoscaler: '',
  metric: '',
  target: '',
  kpa_effective_target: '',
  container_concurrency: '',
  timeout_s: '',
  canary_percent: '',
  traffic_after_deploy: '',
  other_components: '',
  model_format: '',
  protocol: '',
  runtime: '',
  url: '',
  std_verdict: '',
  std_message: '',
  std_autoscaler: '',
  std_min: '',
  std_max: '',
  std_metric: '',
  std_target: '',
  std_url: '',
}

export type ExplainColumns = Readonly<Record<keyof typeof emptyColumns, string>>

const isColumn = (name: string): name is keyof ExplainColumns => Object.hasOwn(emptyColumns, name)

export const explainColumns: readonly (keyof ExplainColumns)[] = Object.keys(emptyColumns).filter(isColumn)

/** What becomes of one document. Columns that do not apply are ''. */
export interface ExplainRow extends ExplainColumns {
  /** `iris.yaml#1` */
  readonly source: string
  /** What a reader may have meant otherwise: unknown fields, metrics that nothing measures. */
  readonly warnings: readonly string[]
  /** In a sentence or two. */
  readonly does: string
  /** Where our answer is not KServe's: what it is scaled on today. */
  readonly note: string
}

export type Columns = Partial<ExplainColumns>

/** Functions that the arithmetic of the autoscaler lends: `src/kserve` does not import it. */
export interface ScalingFunctions {
  /** What one replica is held at, after utilisation; undefined where the annotations are not understood. */
  effectiveTarget(
    annotations: Readonly<Record<string, string>>,
    containerConcurrency: number,
  ): number | undefined
  /** What is wrong with the annotations, in Knative's words; none by default. */
  validateAnnotations?(annotations: Readonly<Record<string, string>>): readonly string[]
  /** What is wrong with how a component is to be scaled, in our own; none by default. */
  validateScaling?(scaling: ScalingSpec): readonly string[]
}

/** 8 x 0.7 is 5.6, not 5.6000000000000005. */
export function plainNumber(value: number): string {
  return String(Number(value.toPrecision(12)))
}
