import { z } from 'zod'
import {
  defaultHpaSettings,
  type HpaPod,
  type HpaSettings,
  type HpaSpec,
  type Milli,
  type Reading,
} from '../../autoscaler/hpa/index.ts'

/** What the HPA vectors have in common, and what it means to the code. */

/** The moment of evaluation; the vectors' times are relative to it. */
export const NOW_MS = 0

export const milli = z.union([z.number(), z.string()])
const amounts = z.record(z.string(), milli)

const container = z.object({ name: z.string(), requests_milli: amounts.nullish() })

export const podShape = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).nullish(),
  phase: z.string(),
  deleted: z.boolean().nullish(),
  start_ms: z.number().nullish(),
  ready: z.object({ status: z.enum(['True', 'False', 'Unknown']), transition_ms: z.number() }).nullish(),
  containers: z.array(container).nullish(),
  init_containers: z.array(container.extend({ restart_always: z.boolean().nullish() })).nullish(),
  pod_requests_milli: amounts.nullish(),
})

export function podOf(pod: z.infer<typeof podShape>): HpaPod {
  const requestsOf = ({ name, requests_milli }: z.infer<typeof container>) => ({
    name,
    requests: requests_milli ?? {},
  })
  return {
    name: pod.name,
    phase: pod.phase,
    deleted: pod.deleted ?? false,
    startMs: pod.start_ms ?? null,
    ready: pod.ready ? { status: pod.ready.status, transitionMs: pod.ready.transition_ms } : null,
    containers: (pod.containers ?? []).map(requestsOf),
    initContainers: (pod.init_containers ?? []).map((init) => ({
      ...requestsOf(init),
      restartAlways: init.restart_always ?? false,
    })),
    podRequests: pod.pod_requests_milli ?? {},
  }
}

export const resourceMetrics = z.object({
  items: z
    .array(
      z.object({
        pod: z.string(),
        timestamp_ms: z.number(),
        window_ms: z.number(),
        containers: z.array(z.object({ name: z.string(), usage_milli: amounts.nullish() })).nullish(),
      }),
    )
    .nullish(),
  error: z.string().nullish(),
})

export function resourceReading(answer: z.infer<typeof resourceMetrics> | null | undefined): Reading {
  if (answer?.error) return unavailable('resource', answer.error)
  return {
    kind: 'resource',
    pods: (answer?.items ?? []).map(({ pod, timestamp_ms, window_ms, containers }) => ({
      pod,
      atMs: timestamp_ms,
      windowMs: window_ms,
      containers: (containers ?? []).map(({ name, usage_milli }) => ({ name, usage: usage_milli ?? {} })),
    })),
  }
}

export const podsMetric = z.object({
  items: z.array(z.object({ pod: z.string(), value_milli: milli })).nullish(),
  error: z.string().nullish(),
})

/** What is asked of a metric that the state does not name. */
const notFound = { error: 'metric not found', items: null, value_milli: null, values_milli: null }

export function podsReading(given: z.infer<typeof podsMetric> | null | undefined): Reading {
  const answer = given ?? notFound
  if (answer.error) return unavailable('custom', answer.error)
  return {
    kind: 'pods',
    values: (answer.items ?? []).map(({ pod, value_milli }) => ({ pod, value: value_milli })),
  }
}

export const objectMetric = z.object({ value_milli: milli.nullish(), error: z.string().nullish() })

export function objectReading(given: z.infer<typeof objectMetric> | null | undefined): Reading {
  const answer = given ?? notFound
  if (answer.error) return unavailable('custom', answer.error)
  return { kind: 'object', value: answer.value_milli ?? 0 }
}

export const externalMetric = z.object({
  values_milli: z.array(milli).nullish(),
  error: z.string().nullish(),
})

export function externalReading(given: z.infer<typeof externalMetric> | null | undefined): Reading {
  const answer = given ?? notFound
  if (answer.error) return unavailable('external', answer.error)
  return { kind: 'external', values: answer.values_milli ?? [] }
}

function unavailable(api: string, error: string): Reading {
  return { kind: 'unavailable', error: `unable to fetch metrics from ${api} metrics API: ${error}` }
}

/** Thousandths as the quantity that a manifest would have. */
export function quantityOf(value: Milli): string {
  return `${value}m`
}

const rules = z.object({
  stabilization_window_s: z.number().nullish(),
  select_policy: z.string().nullish(),
  policies: z.array(z.object({ type: z.string(), value: z.number(), period_s: z.number() })).nullish(),
  tolerance_milli: milli.nullish(),
})

export const behaviorShape = z.object({ scale_up: rules.nullish(), scale_down: rules.nullish() })

export function behaviorSpec(
  behavior: z.infer<typeof behaviorShape> | null | undefined,
): HpaSpec['behavior'] {
  if (!behavior) return undefined
  const rulesSpec = (of: z.infer<typeof rules> | null | undefined) =>
    of && {
      stabilizationWindowSeconds: of.stabilization_window_s,
      selectPolicy: of.select_policy,
      policies: of.policies?.map(({ type, value, period_s }) => ({ type, value, periodSeconds: period_s })),
      tolerance: of.tolerance_milli == null ? undefined : quantityOf(of.tolerance_milli),
    }
  return { scaleUp: rulesSpec(behavior.scale_up), scaleDown: rulesSpec(behavior.scale_down) }
}

export const gates = z
  .object({ HPAScaleToZero: z.boolean().nullish(), PodLevelResources: z.boolean().nullish() })
  .nullish()

export const controllerShape = z.object({
  tolerance: z.number().nullish(),
  downscale_stabilization_s: z.number().nullish(),
  cpu_initialization_period_ms: z.number().nullish(),
  initial_readiness_delay_ms: z.number().nullish(),
  feature_gates: gates,
})

/** The settings of a controller; what is absent has its default. */
export function settingsOf(
  given: z.infer<typeof controllerShape> & {
    readonly tolerance_down?: number | null | undefined
    readonly tolerance_up?: number | null | undefined
  },
): HpaSettings {
  const base = defaultHpaSettings
  const seconds = given.downscale_stabilization_s
  return {
    tolerance: {
      down: given.tolerance_down ?? given.tolerance ?? base.tolerance.down,
      up: given.tolerance_up ?? given.tolerance ?? base.tolerance.up,
    },
    downscaleStabilizationMs: seconds == null ? base.downscaleStabilizationMs : seconds * 1000,
    cpuInitializationPeriodMs: given.cpu_initialization_period_ms ?? base.cpuInitializationPeriodMs,
    initialReadinessDelayMs: given.initial_readiness_delay_ms ?? base.initialReadinessDelayMs,
    scaleToZero: given.feature_gates?.HPAScaleToZero ?? base.scaleToZero,
    podLevelResources: given.feature_gates?.PodLevelResources ?? base.podLevelResources,
  }
}
