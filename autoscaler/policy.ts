import { durationMsOf, find, floatOf, int32Of, type Annotations } from './annotations.ts'
import { parseGoDurationMs } from './go-literals.ts'
import type { HpaPolicy } from './hpa/index.ts'
import type { LlmPolicy } from './llm/index.ts'
import type { KpaSettings } from './scale-kpa.ts'
import { panicWindowMs } from './metric-windows.ts'
import type { AutoscalerConfig } from './settings.ts'
import { resolveTarget } from './target.ts'
import type { Aggregation } from './window.ts'

/** All that decides how a revision scales, in one frozen value: plain data, so that decisions can be replayed. */
export type Policy = CommonPolicy & ClassPolicy

/**
 * What is particular to the class. `kpa`: on what gateways report. `fixed`: min-scale replicas, always. `external`:
 * somebody else scales. `hpa`: as Kubernetes' HPA, on metrics. `llm`: on what engines say. The bounds of the common part count for all of them, and
 * so do its windows and its rules for the last replica.
 */
export type ClassPolicy =
  | { readonly class: 'kpa' | 'fixed' | 'external' }
  | { readonly class: 'hpa'; readonly hpa: HpaPolicy }
  | { readonly class: 'llm'; readonly llm: LlmPolicy }

export interface CommonPolicy extends KpaSettings {
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

export interface CommonPolicySource {
  readonly annotations: Annotations
  /** Requests in flight on one replica at most; 0 = no limit. */
  readonly containerConcurrency: number
  readonly config: AutoscalerConfig
  /** Where the annotation `serving.knative.dev/progress-deadline` is absent; default 600 s. */
  readonly progressDeadlineMs?: number
}

export type PolicySource = CommonPolicySource & ClassPolicy

/**
 * The policy of one revision. An annotation that cannot be read counts as absent: refusing it is admission's part.
 * For class `hpa` the bounds are those of its HPA, where min-scale and max-scale do not say otherwise.
 */
export function policyOf(source: PolicySource): Policy {
  switch (source.class) {
    case 'kpa':
    case 'fixed':
    case 'external':
      return Object.freeze({ class: source.class, ...commonPolicyOf(source, {}) })
    case 'hpa': {
      const { hpa } = source
      return Object.freeze({ class: 'hpa', hpa, ...commonPolicyOf(source, hpa) })
    }
    case 'llm':
      return Object.freeze({ class: 'llm', llm: source.llm, ...commonPolicyOf(source, {}) })
    default:
      return source satisfies never
  }
}

/** How long the class of a policy looks back before it takes a replica away, in ms; 0 = it does not wait. */
export function scaleDownWindowMs(policy: Policy): number {
  switch (policy.class) {
    case 'hpa': {
      const { behavior, downscaleStabilizationMs } = policy.hpa
      return behavior?.scaleDown.stabilizationWindowMs ?? downscaleStabilizationMs
    }
    case 'llm':
      return policy.llm.scaleDownDelayMs
    case 'kpa':
      return policy.scaleDownDelayMs
    case 'fixed':
    case 'external':
      return 0
    default:
      return policy satisfies never
  }
}

function commonPolicyOf(
  source: CommonPolicySource,
  bounds: { readonly minReplicas?: number; readonly maxReplicas?: number },
): CommonPolicy {
  const { annotations, config } = source
  const stableWindowMs = durationMsOf(annotations, 'window') ?? config.stableWindowMs
  const panicWindowPercentage = floatOf(annotations, 'panicWindowPercentage') ?? config.panicWindowPercentage
  const panicThresholdPercentage =
    floatOf(annotations, 'panicThresholdPercentage') ?? config.panicThresholdPercentage
  const { minReplicas = config.minScale, maxReplicas = config.maxScale } = bounds
  return {
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
    minScale: Math.max(0, int32Of(annotations, 'minScale') ?? minReplicas),
    maxScale: Math.max(0, int32Of(annotations, 'maxScale') ?? maxReplicas),
    initialScale: initialScaleOf(annotations, config),
    scaleToZero: config.enableScaleToZero,
    podRetentionMs:
      durationMsOf(annotations, 'scaleToZeroPodRetentionPeriod') ?? config.scaleToZeroPodRetentionPeriodMs,
    progressDeadlineMs:
      parseGoDurationMs(annotations['serving.knative.dev/progress-deadline'] ?? '') ??
      source.progressDeadlineMs ??
      600_000,
  }
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
