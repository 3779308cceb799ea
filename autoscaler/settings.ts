import { parseGoBool, parseGoDurationMs, parseGoFloat, parseGoInt } from './go-literals.ts'

/** Knative's ConfigMap `config-autoscaler`, read once, every default applied. Ratios are fractions. */
export interface AutoscalerConfig {
  /** Recorded for the reader of the configuration; a revision's own class decides. */
  readonly podAutoscalerClass: string
  readonly enableScaleToZero: boolean
  readonly allowZeroInitialScale: boolean
  readonly maxScaleUpRate: number
  readonly maxScaleDownRate: number
  /** Utilisation aimed for when scaling on concurrency: 0.7. */
  readonly containerConcurrencyTargetFraction: number
  /** Requests in flight per replica, where containerConcurrency sets no limit. */
  readonly containerConcurrencyTargetDefault: number
  /** Utilisation aimed for when scaling on requests per second; no key sets it. */
  readonly targetUtilization: number
  readonly requestsPerSecondTargetDefault: number
  /** -1 = unlimited. */
  readonly targetBurstCapacity: number
  readonly panicWindowPercentage: number
  readonly panicThresholdPercentage: number
  /** Knative's activator subsetting; kept so that its ConfigMap is accepted as it is. */
  readonly activatorCapacity: number
  readonly initialScale: number
  readonly minScale: number
  /** 0 = no upper bound. */
  readonly maxScale: number
  /** The largest max-scale an annotation may ask for; 0 = any. */
  readonly maxScaleLimit: number
  readonly stableWindowMs: number
  readonly scaleDownDelayMs: number
  readonly scaleToZeroGracePeriodMs: number
  readonly scaleToZeroPodRetentionPeriodMs: number
}

export const defaultAutoscalerConfig: AutoscalerConfig = Object.freeze({
  podAutoscalerClass: 'kpa.autoscaling.knative.dev',
  enableScaleToZero: true,
  allowZeroInitialScale: false,
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  containerConcurrencyTargetFraction: 0.7,
  containerConcurrencyTargetDefault: 100,
  targetUtilization: 0.7,
  requestsPerSecondTargetDefault: 200,
  targetBurstCapacity: 211,
  panicWindowPercentage: 10,
  panicThresholdPercentage: 200,
  activatorCapacity: 100,
  initialScale: 1,
  minScale: 0,
  maxScale: 0,
  maxScaleLimit: 0,
  stableWindowMs: 60_000,
  scaleDownDelayMs: 0,
  scaleToZeroGracePeriodMs: 30_000,
  scaleToZeroPodRetentionPeriodMs: 0,
})

/** A target below this makes no sense: one replica for each hundredth of a request. */
export const TARGET_MIN = 0.01
export const STABLE_WINDOW_MIN_MS = 6_000
export const STABLE_WINDOW_MAX_MS = 3_600_000

export class AutoscalerConfigError extends Error {
  override readonly name = 'AutoscalerConfigError'

  constructor(key: string, value: string, allowed: string) {
    super(`config-autoscaler: ${key}: "${value}" is not allowed: ${allowed}`)
  }
}

/**
 * Reads the data of a `config-autoscaler`. Keys that it does not know are left alone, as Knative does.
 * @throws AutoscalerConfigError naming the first key that is wrong, its value and what is allowed.
 */
export function readAutoscalerConfig(data: Readonly<Record<string, string>>): AutoscalerConfig {
  const read = new Reader(data)
  const base = defaultAutoscalerConfig
  const percentage = read.float(
    'container-concurrency-target-percentage',
    base.containerConcurrencyTargetFraction,
  )
  const config: AutoscalerConfig = Object.freeze({
    podAutoscalerClass: data['pod-autoscaler-class'] ?? base.podAutoscalerClass,
    enableScaleToZero: read.bool('enable-scale-to-zero', base.enableScaleToZero),
    allowZeroInitialScale: read.bool('allow-zero-initial-scale', base.allowZeroInitialScale),
    maxScaleUpRate: read.float('max-scale-up-rate', base.maxScaleUpRate),
    maxScaleDownRate: read.float('max-scale-down-rate', base.maxScaleDownRate),
    // Up to 1.0 it is a fraction, above it a percentage: 0.7 and 70 are the same.
    containerConcurrencyTargetFraction: percentage > 1 ? percentage / 100 : percentage,
    containerConcurrencyTargetDefault: read.float(
      'container-concurrency-target-default',
      base.containerConcurrencyTargetDefault,
    ),
    targetUtilization: base.targetUtilization,
    requestsPerSecondTargetDefault: read.float(
      'requests-per-second-target-default',
      base.requestsPerSecondTargetDefault,
    ),
    targetBurstCapacity: read.float('target-burst-capacity', base.targetBurstCapacity),
    panicWindowPercentage: read.float('panic-window-percentage', base.panicWindowPercentage),
    panicThresholdPercentage: read.float('panic-threshold-percentage', base.panicThresholdPercentage),
    activatorCapacity: read.float('activator-capacity', base.activatorCapacity),
    initialScale: read.int32('initial-scale', base.initialScale),
    minScale: read.int32('min-scale', base.minScale),
    maxScale: read.int32('max-scale', base.maxScale),
    maxScaleLimit: read.int32('max-scale-limit', base.maxScaleLimit),
    stableWindowMs: read.durationMs('stable-window', base.stableWindowMs),
    scaleDownDelayMs: read.durationMs('scale-down-delay', base.scaleDownDelayMs),
    scaleToZeroGracePeriodMs: read.durationMs('scale-to-zero-grace-period', base.scaleToZeroGracePeriodMs),
    scaleToZeroPodRetentionPeriodMs: read.durationMs(
      'scale-to-zero-pod-retention-period',
      base.scaleToZeroPodRetentionPeriodMs,
    ),
  })
  checkRules(config, data)
  return config
}

/** Reads one key at a time, with its default. */
class Reader {
  readonly #data: Readonly<Record<string, string>>

  constructor(data: Readonly<Record<string, string>>) {
    this.#data = data
  }

  bool(key: string, whenAbsent: boolean): boolean {
    return this.#read(key, whenAbsent, parseGoBool, 'true or false')
  }

  float(key: string, whenAbsent: number): number {
    const finite = (text: string): number | undefined => {
      const value = parseGoFloat(text)
      return value !== undefined && Number.isFinite(value) ? value : undefined
    }
    return this.#read(key, whenAbsent, finite, 'a finite number')
  }

  int32(key: string, whenAbsent: number): number {
    const whole = (text: string): number | undefined => {
      const parsed = parseGoInt(text, 32)
      return parsed.ok ? parsed.value : undefined
    }
    return this.#read(key, whenAbsent, whole, 'a whole number of 32 bits')
  }

  durationMs(key: string, whenAbsent: number): number {
    return this.#read(key, whenAbsent, parseGoDurationMs, 'a duration such as 60s, 1m30s or 1.5h')
  }

  #read<T>(key: string, whenAbsent: T, parse: (text: string) => T | undefined, allowed: string): T {
    const text = this.#data[key]
    if (text === undefined) return whenAbsent
    const value = parse(text)
    if (value === undefined) throw new AutoscalerConfigError(key, text, allowed)
    return value
  }
}

/** What the values must satisfy, in the reference's order (pkg/autoscaler/config/config.go `validate`). */
function checkRules(config: AutoscalerConfig, data: Readonly<Record<string, string>>): void {
  const require = (holds: boolean, key: string, value: string | number, allowed: string): void => {
    if (!holds) throw new AutoscalerConfigError(key, data[key] ?? String(value), allowed)
  }
  const { scaleDownDelayMs, stableWindowMs, initialScale, minScale, maxScale, maxScaleLimit } = config
  const fraction = config.containerConcurrencyTargetFraction
  const target = fraction * config.containerConcurrencyTargetDefault

  require(config.scaleToZeroGracePeriodMs > 0, 'scale-to-zero-grace-period', '', 'longer than 0s')
  require(scaleDownDelayMs >= 0, 'scale-down-delay', '', 'at least 0s')
  require(scaleDownDelayMs % 1000 === 0, 'scale-down-delay', '', 'whole seconds')
  require(config.scaleToZeroPodRetentionPeriodMs >=
    0, 'scale-to-zero-pod-retention-period', '', 'at least 0s')
  const burst = config.targetBurstCapacity
  require(burst >= 0 || burst === -1, 'target-burst-capacity', burst, 'at least 0, or -1 for unlimited')
  const percentageKey = 'container-concurrency-target-percentage'
  require(fraction > 0 && fraction <= 1, percentageKey, fraction, 'above 0 and at most 100')
  require(target >=
    TARGET_MIN, 'container-concurrency-target-default', config.containerConcurrencyTargetDefault, `with ${percentageKey} it gives ${target}, which must be at least ${TARGET_MIN}`)
  const rps = config.requestsPerSecondTargetDefault
  require(rps >= TARGET_MIN, 'requests-per-second-target-default', rps, `at least ${TARGET_MIN}`)
  require(config.activatorCapacity >= 1, 'activator-capacity', config.activatorCapacity, 'at least 1')
  require(config.maxScaleUpRate > 1, 'max-scale-up-rate', config.maxScaleUpRate, 'above 1')
  require(config.maxScaleDownRate > 1, 'max-scale-down-rate', config.maxScaleDownRate, 'above 1')
  const windowInRange = stableWindowMs >= STABLE_WINDOW_MIN_MS && stableWindowMs <= STABLE_WINDOW_MAX_MS
  require(windowInRange, 'stable-window', '', '6s to 1h')
  require(stableWindowMs % 1000 === 0, 'stable-window', '', 'whole seconds')
  const panic = config.panicWindowPercentage
  require(panic >= 1 && panic <= 100, 'panic-window-percentage', panic, '1 to 100')
  // Knative does not check it: at 0 every revision would be in panic for ever and never shrink.
  const threshold = config.panicThresholdPercentage
  require(threshold > 0, 'panic-threshold-percentage', threshold, 'above 0')
  const initialMin = config.allowZeroInitialScale ? 0 : 1
  const initialAllowed = 'at least 1, or 0 with allow-zero-initial-scale: true'
  require(initialScale >= initialMin, 'initial-scale', initialScale, initialAllowed)
  require(maxScaleLimit >= 0, 'max-scale-limit', maxScaleLimit, 'at least 0 (0 = no limit)')
  require(maxScale >= 0, 'max-scale', maxScale, 'at least 0 (0 = no bound)')
  const withinLimit = maxScaleLimit === 0 || (maxScale >= 1 && maxScale <= maxScaleLimit)
  require(withinLimit, 'max-scale', maxScale, `1 to max-scale-limit, which is ${maxScaleLimit}`)
  require(minScale >= 0, 'min-scale', minScale, 'at least 0')
  const belowMax = maxScale === 0 || minScale <= maxScale
  require(belowMax, 'min-scale', minScale, `at most max-scale, which is ${maxScale}`)
}
