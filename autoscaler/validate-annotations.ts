import { find, type Annotation, type Annotations, type Setting } from './annotations.ts'
import { parseGoDurationMs, parseGoFloat, parseGoInt } from './go-literals.ts'
import { STABLE_WINDOW_MAX_MS, STABLE_WINDOW_MIN_MS, TARGET_MIN, type AutoscalerConfig } from './settings.ts'

const KPA = 'kpa.autoscaling.knative.dev'
const HPA = 'hpa.autoscaling.knative.dev'
const INT32_MAX = 2_147_483_647

/** The configuration that admission looks at. */
type AdmissionConfig = Pick<
  AutoscalerConfig,
  'allowZeroInitialScale' | 'maxScaleLimit' | 'podAutoscalerClass'
>

/**
 * What is wrong with a revision's autoscaling annotations, one message each with key, value and what is allowed;
 * empty when they are valid. The verdicts are Knative's (pkg/apis/autoscaling/annotation_validation.go).
 */
export function validateAnnotations(annotations: Annotations, config: AdmissionConfig): string[] {
  return [
    ...validateClass(annotations),
    ...validateBounds(annotations, config),
    ...validateNumbers(annotations),
    ...validateDurations(annotations),
    ...validateMetric(annotations, config),
    ...validateAlgorithm(annotations),
    ...validateInitialScale(annotations, config),
  ]
}

function refuse({ key, value }: Annotation, allowed: string): string {
  return `${key}: "${value}" is not allowed: ${allowed}`
}

function validateClass(annotations: Annotations): string[] {
  const found = find(annotations, 'class')
  // Classes outside of Knative's own domain belong to other autoscalers.
  if (found === undefined || !found.value.endsWith('.knative.dev')) return []
  return found.value === KPA || found.value === HPA
    ? []
    : [refuse(found, `${KPA}, ${HPA}, or a class of another domain`)]
}

function validateBounds(annotations: Annotations, { maxScaleLimit }: AdmissionConfig): string[] {
  const messages: string[] = []
  const scaleOf = (setting: 'minScale' | 'maxScale'): number => {
    const found = find(annotations, setting)
    if (found === undefined) return 0
    const parsed = parseGoInt(found.value, 32)
    if (parsed.ok && parsed.value >= 0) return parsed.value
    messages.push(refuse(found, `a whole number from 0 to ${INT32_MAX}`))
    return 0
  }
  const min = scaleOf('minScale')
  const max = scaleOf('maxScale')
  const maxFound = find(annotations, 'maxScale')
  if (maxFound !== undefined) {
    if (max !== 0 && max < min)
      messages.push(refuse(maxFound, `0 (no bound) or at least min-scale, which is ${min}`))
    if (maxScaleLimit !== 0 && (max === 0 || max > maxScaleLimit)) {
      messages.push(
        refuse(maxFound, `1 to ${maxScaleLimit}, the cluster's max-scale-limit; 0 would be unlimited`),
      )
    }
  }
  messages.push(...validateActivationScale(annotations, { min, max }))
  return messages
}

function validateActivationScale(
  annotations: Annotations,
  { min, max }: { min: number; max: number },
): string[] {
  const found = find(annotations, 'activationScale')
  if (found === undefined) return []
  const parsed = parseGoInt(found.value, 32)
  if (!parsed.ok || parsed.value < 2) return [refuse(found, 'a whole number of at least 2')]
  if (parsed.value < min) return [refuse(found, `at least min-scale, which is ${min}`)]
  if (max !== 0 && parsed.value > max) return [refuse(found, `at most max-scale, which is ${max}`)]
  return []
}

const numbers: readonly {
  readonly setting: Setting
  readonly allowed: string
  /** Written so that it is false for NaN: the reference compares the other way round and lets NaN pass. */
  readonly isRefused: (value: number) => boolean
}[] = [
  { setting: 'panicWindowPercentage', allowed: 'a number from 1 to 100', isRefused: (v) => v < 1 || v > 100 },
  {
    setting: 'panicThresholdPercentage',
    allowed: 'a number from 110 to 1000',
    isRefused: (v) => v < 110 || v > 1000,
  },
  { setting: 'target', allowed: `a number of at least ${TARGET_MIN}`, isRefused: (v) => v < TARGET_MIN },
  {
    setting: 'targetUtilizationPercentage',
    allowed: 'a number from 1 to 100',
    isRefused: (v) => v < 1 || v > 100,
  },
  {
    setting: 'targetBurstCapacity',
    allowed: 'a number of at least 0, or -1 for unlimited',
    isRefused: (v) => v < 0 && v !== -1,
  },
]

function validateNumbers(annotations: Annotations): string[] {
  return numbers.flatMap(({ setting, allowed, isRefused }) => {
    const found = find(annotations, setting)
    if (found === undefined) return []
    const value = parseGoFloat(found.value)
    return value === undefined || isRefused(value) ? [refuse(found, allowed)] : []
  })
}

const durations: readonly {
  readonly setting: Setting
  readonly allowed: string
  readonly minMs: number
  readonly wholeSeconds: boolean
}[] = [
  {
    setting: 'window',
    allowed: '6s to 1h, in whole seconds',
    minMs: STABLE_WINDOW_MIN_MS,
    wholeSeconds: true,
  },
  { setting: 'scaleToZeroPodRetentionPeriod', allowed: '0s to 1h', minMs: 0, wholeSeconds: false },
  { setting: 'scaleDownDelay', allowed: '0s to 1h, in whole seconds', minMs: 0, wholeSeconds: true },
]

function validateDurations(annotations: Annotations): string[] {
  return durations.flatMap(({ setting, allowed, minMs, wholeSeconds }) => {
    const found = find(annotations, setting)
    if (found === undefined) return []
    const ms = parseGoDurationMs(found.value)
    const isValid =
      ms !== undefined && ms >= minMs && ms <= STABLE_WINDOW_MAX_MS && (!wholeSeconds || ms % 1000 === 0)
    return isValid ? [] : [refuse(found, `a duration of ${allowed}, such as 1m30s`)]
  })
}

function validateMetric(annotations: Annotations, config: AdmissionConfig): string[] {
  const found = find(annotations, 'metric')
  if (found === undefined) return []
  switch (find(annotations, 'class')?.value ?? config.podAutoscalerClass) {
    case KPA:
      return ['concurrency', 'rps'].includes(found.value) ? [] : [refuse(found, 'concurrency or rps')]
    case HPA:
      return found.value === '' ? [refuse(found, 'cpu, memory, or the name of a metric')] : []
    default:
      return []
  }
}

function validateAlgorithm(annotations: Annotations): string[] {
  // Other classes may have algorithms of their own; without a class Knative does not look at it.
  if (find(annotations, 'class')?.value !== KPA) return []
  const found = find(annotations, 'metricAggregationAlgorithm')
  if (found === undefined) return []
  return ['', 'linear', 'weighted-exponential', 'weightedExponential'].includes(found.value)
    ? []
    : [refuse(found, 'linear or weighted-exponential')]
}

function validateInitialScale(
  annotations: Annotations,
  { allowZeroInitialScale }: AdmissionConfig,
): string[] {
  const found = find(annotations, 'initialScale')
  if (found === undefined) return []
  const parsed = parseGoInt(found.value, 64)
  if (!parsed.ok || parsed.value < 0) return [refuse(found, 'a whole number of at least 1')]
  if (parsed.value === 0 && !allowZeroInitialScale) {
    return [
      refuse(found, "a whole number of at least 1; 0 needs the cluster's allow-zero-initial-scale: true"),
    ]
  }
  return []
}
