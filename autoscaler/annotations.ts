import { parseGoDurationMs, parseGoFloat, parseGoInt } from './go-literals.ts'

/** The annotations of a revision that speak to its autoscaler. */
export type Annotations = Readonly<Record<string, string>>

const PREFIX = 'autoscaling.knative.dev/'

/** Each setting's keys: of several the first that is present counts. The camelCase ones are Knative's old names. */
const keys = {
  class: ['class'],
  metric: ['metric'],
  target: ['target'],
  targetUtilizationPercentage: ['target-utilization-percentage', 'targetUtilizationPercentage'],
  targetBurstCapacity: ['target-burst-capacity', 'targetBurstCapacity'],
  minScale: ['min-scale', 'minScale'],
  maxScale: ['max-scale', 'maxScale'],
  initialScale: ['initial-scale', 'initialScale'],
  activationScale: ['activation-scale'],
  window: ['window'],
  panicWindowPercentage: ['panic-window-percentage', 'panicWindowPercentage'],
  panicThresholdPercentage: ['panic-threshold-percentage', 'panicThresholdPercentage'],
  scaleDownDelay: ['scale-down-delay', 'scaleDownDelay'],
  scaleToZeroPodRetentionPeriod: ['scale-to-zero-pod-retention-period', 'scaleToZeroPodRetentionPeriod'],
  metricAggregationAlgorithm: ['metric-aggregation-algorithm', 'metricAggregationAlgorithm'],
} as const satisfies Record<string, readonly string[]>

export type Setting = keyof typeof keys

/** The key that is present, and its value. */
export interface Annotation {
  readonly key: string
  readonly value: string
}

export function find(annotations: Annotations, setting: Setting): Annotation | undefined {
  for (const name of keys[setting]) {
    const value = annotations[PREFIX + name]
    if (value !== undefined) return { key: PREFIX + name, value }
  }
  return undefined
}

/** A finite number; undefined where there is none, so that no NaN gets into a decision. */
export function floatOf(annotations: Annotations, setting: Setting): number | undefined {
  const found = find(annotations, setting)
  const value = found === undefined ? undefined : parseGoFloat(found.value)
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

export function int32Of(annotations: Annotations, setting: Setting): number | undefined {
  const found = find(annotations, setting)
  const parsed = found === undefined ? undefined : parseGoInt(found.value, 32)
  return parsed?.ok === true ? parsed.value : undefined
}

export function durationMsOf(annotations: Annotations, setting: Setting): number | undefined {
  const found = find(annotations, setting)
  return found === undefined ? undefined : parseGoDurationMs(found.value)
}
