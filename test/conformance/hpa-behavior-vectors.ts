import { z } from 'zod'
import {
  decideHpa,
  hpaPolicyOf,
  initialHpaMemory,
  type HpaMemory,
  type HpaPolicy,
  type Reading,
} from '../../autoscaler/hpa/index.ts'
import { limit, limitByBehavior } from '../../autoscaler/hpa/rate.ts'
import { stabilize, stabilizeByBehavior } from '../../autoscaler/hpa/stabilize.ts'
import { difference, first } from './compare.ts'
import { historyShape, memoryOf, parseCondition, wordOf } from './hpa-history.ts'
import {
  behaviorShape,
  behaviorSpec,
  controllerShape,
  milli,
  NOW_MS,
  quantityOf,
  settingsOf,
} from './hpa-shapes.ts'
import { vectorKind } from './vector-kind.ts'

/** Recommendations over time: stabilization windows, rate policies, bounds. */

const stepInput = z.object({
  min_replicas: z.number(),
  max_replicas: z.number(),
  current_replicas: z.number(),
  recommendation: z.number(),
  behavior: behaviorShape.nullish(),
  history: historyShape.nullish(),
  downscale_stabilization_s: z.number().nullish(),
})
type StepInput = z.infer<typeof stepInput>

const sequenceInput = z.object({
  hpa: z.object({
    min_replicas: z.number().nullish(),
    max_replicas: z.number(),
    behavior: behaviorShape.nullish(),
  }),
  controller: controllerShape,
  target_milli: milli.nullish(),
  initial_conditions: z
    .array(z.object({ type: z.string(), status: z.string(), reason: z.string() }))
    .nullish(),
  steps: z.array(
    z.object({
      at_s: z.number(),
      current_replicas: z.number(),
      recommendation: z.number().nullish(),
      value_milli: milli.nullish(),
      metric_error: z.boolean().nullish(),
    }),
  ),
})
type SequenceInput = z.infer<typeof sequenceInput>
type Step = SequenceInput['steps'][number]

const sequenceExpected = z.object({
  steps: z.array(
    z.object({
      desired: z.number(),
      conditions: z.array(z.string()),
      failed: z.boolean().optional(),
    }),
  ),
})

const behaviorCase = z.discriminatedUnion('op', [
  z.object({
    op: z.enum(['limit_default', 'limit_behavior', 'stabilize_default', 'stabilize_behavior']),
    input: stepInput,
    expected: z.object({ desired: z.number(), reason: z.string().optional() }),
  }),
  z.object({ op: z.literal('sequence'), input: sequenceInput, expected: sequenceExpected }),
])

export const hpaBehavior = vectorKind('hpa_behavior', behaviorCase, (vector) => {
  if (vector.op === 'sequence') return compareSequence(vector.input, vector.expected)
  const { input, expected } = vector
  const got = normalizationStep(vector.op, input)
  return first([
    difference('desired', got.replicas, expected.desired),
    // The reason of a stabilization is only used where it changed something.
    expected.reason === undefined || got.reason === undefined
      ? undefined
      : difference('reason', got.reason, expected.reason),
  ])
})

function normalizationStep(
  op: Exclude<z.infer<typeof behaviorCase>['op'], 'sequence'>,
  input: StepInput,
): { readonly replicas: number; readonly reason: string | undefined } {
  const settings = settingsOf({ downscale_stabilization_s: input.downscale_stabilization_s })
  const { behavior, downscaleStabilizationMs } = hpaPolicyOf(
    { maxReplicas: input.max_replicas, behavior: behaviorSpec(input.behavior ?? {}) },
    settings,
  )
  if (behavior === undefined) throw new Error('the policy has no behavior')
  const memory: HpaMemory = input.history ? memoryOf(input.history) : initialHpaMemory
  const remembered = memory.recommendations ?? []
  const current = input.current_replicas
  const bounds = { min: input.min_replicas, max: input.max_replicas }
  const recommended = { atMs: NOW_MS, replicas: input.recommendation }
  switch (op) {
    case 'limit_default':
      return limit(recommended.replicas, current, bounds)
    case 'limit_behavior':
      return limitByBehavior(recommended.replicas, current, bounds, behavior, { ...memory, nowMs: NOW_MS })
    case 'stabilize_default':
      return stabilize(recommended, remembered, downscaleStabilizationMs)
    case 'stabilize_behavior':
      return stabilizeByBehavior(recommended, remembered, current, behavior)
    default:
      return op satisfies never
  }
}

/** Whole decisions, one after another, each with the memory of the one before. */
function compareSequence(
  input: SequenceInput,
  expected: z.infer<typeof sequenceExpected>,
): string | undefined {
  const target = input.target_milli ?? 1000
  const policy = hpaPolicyOf(
    {
      minReplicas: input.hpa.min_replicas,
      maxReplicas: input.hpa.max_replicas,
      behavior: behaviorSpec(input.hpa.behavior),
      metrics: [
        {
          type: 'External',
          external: {
            metric: { name: 'm' },
            target: { type: 'AverageValue', averageValue: quantityOf(target) },
          },
        },
      ],
    },
    settingsOf(input.controller),
  )
  let memory: HpaMemory = {
    ...initialHpaMemory,
    conditions: (input.initial_conditions ?? []).map(parseCondition),
  }
  if (input.steps.length !== expected.steps.length) return 'the case has not as many answers as steps'
  for (const [index, step] of input.steps.entries()) {
    const decided = decideStep(policy, step, readingOf(step, target), memory)
    memory = decided.memory
    const { decision } = decided
    const want = expected.steps[index]
    const found = first([
      difference('desired', decision.replicas ?? step.current_replicas, want?.desired),
      difference('failed', decision.error !== undefined, want?.failed ?? false),
      difference('conditions', decision.conditions.map(wordOf), want?.conditions),
    ])
    if (found !== undefined) return `steps[${index}] at ${step.at_s} s: ${found}`
  }
  return undefined
}

function readingOf(step: Step, target: number | string): Reading {
  if (step.metric_error === true) return { kind: 'unavailable', error: 'the step has none' }
  const value = step.value_milli ?? (BigInt(step.recommendation ?? 0) * BigInt(target)).toString()
  return { kind: 'external', values: [value] }
}

function decideStep(policy: HpaPolicy, step: Step, reading: Reading, memory: HpaMemory) {
  const observation = {
    // In doubles 8.3 s are 8300.000000000001 ms, and an age may be exactly a window.
    nowMs: NOW_MS + Math.round(step.at_s * 1e6) / 1e3,
    replicas: step.current_replicas,
    present: step.current_replicas,
    pods: [],
    readings: [reading],
  }
  return decideHpa(policy, observation, memory)
}
