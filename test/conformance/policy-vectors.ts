import { z } from 'zod'
import { policyOf, type Policy } from '../../autoscaler/policy.ts'
import { validateAnnotations } from '../../autoscaler/validate-annotations.ts'
import { difference, first } from './compare.ts'
import { configOf, configValues } from './config-vectors.ts'
import { vectorKind } from './vector-kind.ts'

const source = {
  annotations: z.record(z.string(), z.string()).nullable(),
  config: configValues.nullish(),
}
const revision = { ...source, container_concurrency: z.number() }

function policyFor(vector: {
  readonly annotations: Readonly<Record<string, string>> | null
  readonly config?: z.infer<typeof configValues> | null | undefined
  readonly container_concurrency?: number
}): Policy {
  return policyOf({
    annotations: vector.annotations ?? {},
    containerConcurrency: vector.container_concurrency ?? 0,
    class: 'kpa',
    config: configOf(vector.config ?? {}),
  })
}

export const metricWindows = vectorKind(
  'metric_windows',
  z.object({ ...source, want_stable_window_ms: z.number(), want_panic_window_ms: z.number() }),
  (vector) => {
    const policy = policyFor(vector)
    return first([
      difference('stable window', policy.stableWindowMs, vector.want_stable_window_ms),
      difference('panic window', policy.panicWindowMs, vector.want_panic_window_ms),
    ])
  },
)

export const metricTargets = vectorKind(
  'metric_target',
  z.object({ ...revision, want_target: z.number(), want_total: z.number() }),
  (vector) => {
    const policy = policyFor(vector)
    return first([
      difference('target', policy.target, vector.want_target, { relative: 1e-12 }),
      difference('total', policy.total, vector.want_total, { relative: 1e-12 }),
    ])
  },
)

const deciderSpec = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]))

export const deciders = vectorKind(
  'decider',
  z.object({ ...revision, reachability: z.string().nullish(), want: deciderSpec }),
  (vector) => {
    const policy = policyFor(vector)
    const actual: z.infer<typeof deciderSpec> = {
      activation_scale: policy.activationScale,
      activator_capacity: configOf(vector.config ?? {}).activatorCapacity,
      initial_scale: policy.initialScale,
      max_scale_down_rate: policy.maxScaleDownRate,
      max_scale_up_rate: policy.maxScaleUpRate,
      metric: policy.metric,
      panic_threshold: policy.panicThreshold,
      // Not of the policy: an observation says it. Only `Unreachable` is not reachable.
      reachable: vector.reachability !== 'Unreachable',
      scale_down_delay_ms: policy.scaleDownDelayMs,
      stable_window_ms: policy.stableWindowMs,
      target_burst_capacity: policy.targetBurstCapacity,
      target_value: policy.target,
      total_value: policy.total,
    }
    const wanted = Object.entries(vector.want)
    return first(wanted.map(([field, want]) => difference(field, actual[field], want, { relative: 1e-12 })))
  },
)

export const initialScales = vectorKind(
  'initial_scale',
  z.object({ ...source, want: z.number() }),
  (vector) => difference('initial scale', policyFor(vector).initialScale, vector.want),
)

export const annotationValidation = vectorKind(
  'annotation_validation',
  z.object({ ...source, want_valid: z.boolean() }),
  (vector) => {
    const messages = validateAnnotations(vector.annotations ?? {}, configOf(vector.config ?? {}))
    const found = difference('valid', messages.length === 0, vector.want_valid)
    return found === undefined ? undefined : `${found} ${messages.join('; ')}`
  },
)
