import { z } from 'zod'
import {
  decideHpa,
  hpaPolicyOf,
  initialHpaMemory,
  scaleUnknown,
  type DecidedHpa,
  type HpaMemory,
  type HpaObservation,
  type HpaPolicy,
} from '../../autoscaler/hpa/index.ts'
import { combine } from '../../autoscaler/hpa/combine.ts'
import { propose } from '../../autoscaler/hpa/propose.ts'
import { difference, first } from './compare.ts'
import { historyShape, memoryOf, parseCondition, wordOf } from './hpa-history.ts'
import { behaviorShape, behaviorSpec, controllerShape, settingsOf } from './hpa-shapes.ts'
import { metricShape, metricSpec, observationOf, stateShape } from './hpa-state.ts'
import { vectorKind } from './vector-kind.ts'

/** One whole reconcile: what each metric proposes, what comes of it, and what is left in the status. */

const conditionShape = z.object({ type: z.string(), status: z.string(), reason: z.string() })

const statusMetric = z.object({
  type: z.string(),
  average_utilization: z.number().optional(),
  average_value_milli: z.union([z.number(), z.string()]).optional(),
  value_milli: z.union([z.number(), z.string()]).optional(),
})

const expectedShape = z.object({
  per_metric: z
    .array(
      z.object({
        replicas: z.number().optional(),
        name: z.string().optional(),
        failed_reason: z.string().optional(),
      }),
    )
    .nullish(),
  computed_replicas: z.number().optional(),
  chosen_metric: z.string().optional(),
  rescaled: z.boolean(),
  scale_set_to: z.number().optional(),
  status_current_replicas: z.number(),
  status_desired_replicas: z.number(),
  conditions: z.array(conditionShape),
  status_current_metrics: z.array(statusMetric).nullish(),
  error: z.string().optional(),
  platform_defined: z.array(z.string()).optional(),
})
type Expected = z.infer<typeof expectedShape>

const inputShape = z.object({
  hpa: z.object({
    min_replicas: z.number().nullish(),
    max_replicas: z.number(),
    metrics: z.array(metricShape).nullish(),
    behavior: behaviorShape.nullish(),
  }),
  controller: controllerShape,
  history: historyShape.nullish(),
  initial_conditions: z.array(conditionShape).nullish(),
  initial_status_replicas: z.number(),
  state: stateShape,
})
type Input = z.infer<typeof inputShape>

export const hpaMultiMetric = vectorKind(
  'hpa_multi_metric',
  z.object({ op: z.literal('reconcile'), input: inputShape, expected: expectedShape }),
  ({ input, expected }) => {
    const { hpa, state } = input
    const policy = hpaPolicyOf(
      {
        minReplicas: hpa.min_replicas,
        maxReplicas: hpa.max_replicas,
        metrics: hpa.metrics?.map(metricSpec),
        behavior: behaviorSpec(hpa.behavior),
      },
      settingsOf(input.controller),
    )
    const conditions = (input.initial_conditions ?? []).map(parseCondition)
    const memory = { ...(input.history ? memoryOf(input.history) : initialHpaMemory), conditions }
    const isUnknown = state.scale_get_error != null
    if (isUnknown) return compareUnknown(scaleUnknown(memory), input, expected)
    const observation = observationOf(state, hpa.metrics)
    const isRefused = state.scale_update_error != null
    return first([
      compareProposals(policy, observation, expected),
      compareDecided(decideHpa(policy, observation, memory), { isRefused }, input, expected),
    ])
  },
)

function compareUnknown(memory: HpaMemory, input: Input, expected: Expected): string | undefined {
  return first([
    compareConditions(memory, expected),
    difference('rescaled', false, expected.rescaled),
    difference('status_desired_replicas', input.initial_status_replicas, expected.status_desired_replicas),
    difference('fails', true, expected.error !== undefined),
  ])
}

/** Each metric on its own and all together, also where the reconcile does not come to it. */
function compareProposals(
  policy: HpaPolicy,
  observation: HpaObservation,
  expected: Expected,
): string | undefined {
  const found = (expected.per_metric ?? []).map((want, index) => {
    const metric = policy.metrics[index]
    if (metric === undefined) return `per_metric[${index}]: there is no such metric`
    const got = propose(policy, metric, observation.readings[index], observation)
    return first([
      difference(`per_metric[${index}].failed_reason`, got.failure, want.failed_reason),
      difference(`per_metric[${index}].replicas`, got.ok ? got.replicas : undefined, want.replicas),
      got.ok ? difference(`per_metric[${index}].name`, got.name, withoutSelector(want.name)) : undefined,
    ])
  })
  const combined = combine(policy, observation, [])
  const chosen = combined.binding === undefined ? undefined : combined.proposals[combined.binding]?.name
  return first([
    ...found,
    expected.computed_replicas === undefined
      ? undefined
      : difference('computed_replicas', combined.replicas ?? -1, expected.computed_replicas),
    expected.chosen_metric === undefined
      ? undefined
      : difference('chosen_metric', chosen, withoutSelector(expected.chosen_metric)),
  ])
}

/** `external metric qps(nil)`: the selector in Go's words is left out in ours. */
function withoutSelector(name: string | undefined): string | undefined {
  return name?.replace(/^(external metric [^(]*)\(.*\)$/s, '$1')
}

function compareDecided(
  { decision, memory, memoryIfRefused }: DecidedHpa,
  { isRefused }: { readonly isRefused: boolean },
  { initial_status_replicas: before, state }: Input,
  expected: Expected,
): string | undefined {
  const current = state.spec_replicas
  const wanted = decision.replicas !== undefined && decision.replicas !== current
  const isRescaled = wanted && !isRefused
  // What was desired before stays where nothing could be decided or written.
  const desired = decision.replicas === undefined || (wanted && isRefused) ? before : decision.replicas
  const fails = decision.error !== undefined || (wanted && isRefused)
  return first([
    difference('rescaled', isRescaled, expected.rescaled),
    difference('scale_set_to', isRescaled ? decision.replicas : undefined, expected.scale_set_to),
    difference('status_current_replicas', current, expected.status_current_replicas),
    difference('status_desired_replicas', desired, expected.status_desired_replicas),
    compareConditions(wanted && isRefused ? memoryIfRefused : memory, expected),
    difference('fails', fails, expected.error !== undefined),
    compareMetrics(decision, expected),
  ])
}

function compareConditions({ conditions }: HpaMemory, expected: Expected): string | undefined {
  return difference('conditions', conditions.map(wordOf), expected.conditions.map(wordOf))
}

function compareMetrics({ inputs }: DecidedHpa['decision'], expected: Expected): string | undefined {
  const ignored = new Set(expected.platform_defined)
  const fieldsOf = (metric: z.infer<typeof statusMetric>): unknown[] => [
    metric.type,
    metric.average_utilization,
    ignored.has('status_current_metrics.average_value_milli') ? null : metric.average_value_milli,
    metric.value_milli,
  ]
  const got = inputs.metrics.map(({ type, utilization, averageValue, value, error }) =>
    fieldsOf({
      type: error === undefined ? type : '',
      average_utilization: utilization,
      average_value_milli: averageValue,
      value_milli: value,
    }),
  )
  return difference('status_current_metrics', got, (expected.status_current_metrics ?? []).map(fieldsOf))
}
