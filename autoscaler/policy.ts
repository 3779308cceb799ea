import { durationMsOf, find, floatOf, int32Of, type Annotations } from './annotations.ts'
import { parseGoDurationMs } from './go-literals.ts'
import type { KpaSettings } from './scale-kpa.ts'
import { panicWindowMs } from './metric-windows.ts'
import type { AutoscalerConfig } from './settings.ts'
import { resolveTarget } from './target.ts'
import type { Aggregation } from './window.ts'

/** All that decides how a revision scales, in one frozen value: plain data, so that decisions can be replayed. */
export interface Policy extends KpaSettings {
  /** `kpa`: on what is measured. `fixed`: min-scale replicas, always. */
  readonly class: 'kpa' | 'fixed'
  readonly panicWindowMs: number
  readonly aggregation: Aggregation
  readonly minScale: number
  /** 0 = no upper bound. */
  readonly maxScale: number
  /** Replicas of a new revision, until it had them ready once. */
  readonly initialScale: number
  readonly scaleToZero: boolean
  /** How long the last replica stays once its revision is idle. */
  readonly podRetentionMs: number
  /** How long a new revision may take until its initial scale no longer counts. */
  readonly progressDeadlineMs: number
}

export interface PolicySource {
  readonly annotations: Annotations
  /** Requests in flight on one replica at most; 0 = no limit. */
  readonly containerConcurrency: number
  readonly class: 'kpa' | 'fixed'
  readonly config: AutoscalerConfig
  /** Where the annotation `serving.knative.dev/progress-deadline` is absent; default 600 s. */
  readonly progressDeadlineMs?: number
}

/** The policy of one revision. An annotation that cannot be read counts as absent: refusing it is admission's part. */
export function policyOf(source: PolicySource): Policy {
  const { annotations, config } = source
  const stableWindowMs = durationMsOf(annotations, 'window') ?? config.stableWindowMs
  const panicWindowPercentage = floatOf(annotations, 'panicWindowPercentage') ?? config.panicWindowPercentage
  const panicThresholdPercentage =
    floatOf(annotations, 'panicThresholdPercentage') ?? config.panicThresholdPercentage
  return Object.freeze({
    class: source.class,
    ...resolveTarget(annotations, source.containerConcurrency, config),
    stableWindowMs,
    panicWindowMs: panicWindowMs(stableWindowMs, panicWindowPercentage),
    panicThreshold: panicThresholdPercentage / 100,
    aggregation: aggregationOf(annotations),
    maxScaleUpRate: config.maxScaleUpRate,
    maxScaleDownRate: config.maxScaleDownRate,
    targetBurstCapacity: floatOf(annotations, 'targetBurstCapacity') ?? config.targetBurstCapacity,
    scaleDownDelayMs: durationMsOf(annotations, 'scaleDownDelay') ?? config.scaleDownDelayMs,
    activationScale: Math.max(0, int32Of(annotations, 'activationScale') ?? 0),
    minScale: Math.max(0, int32Of(annotations, 'minScale') ?? config.minScale),
    maxScale: Math.max(0, int32Of(annotations, 'maxScale') ?? config.maxScale),
    initialScale: initialScaleOf(annotations, config),
    scaleToZero: config.enableScaleToZero,
    podRetentionMs:
      durationMsOf(annotations, 'scaleToZeroPodRetentionPeriod') ?? config.scaleToZeroPodRetentionPeriodMs,
    progressDeadlineMs:
      parseGoDurationMs(annotations['serving.knative.dev/progress-deadline'] ?? '') ??
      source.progressDeadlineMs ??
      600_000,
  })
}

function aggregationOf(annotations: Annotations): Aggregation {
  const algorithm = find(annotations, 'metricAggregationAlgorithm')?.value
  return algorithm === 'weighted-exponential' || algorithm === 'weightedExponential'
    ? 'weighted-exponential'
    : 'linear'
}

function initialScaleOf(annotations: Annotations, config: AutoscalerConfig): number {
  const wanted = int32Of(annotations, 'initialScale')
  // A revision may ask for 0 only where the cluster allows it.
  if (wanted === undefined || wanted < 0 || (wanted === 0 && !config.allowZeroInitialScale)) {
    return config.initialScale
  }
  return wanted
}
