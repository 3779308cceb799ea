import { z } from 'zod'
import { initialKpaMemory, scaleKpa, type KpaMemory, type KpaSettings } from '../../autoscaler/scale-kpa.ts'
import { difference, first } from './compare.ts'
import { vectorKind } from './vector-kind.ts'

/** Divisible by 60 s, as the vectors' zero is. */
const ORIGIN_MS = 1_700_000_040_000

const specSchema = z.object({
  metric: z.enum(['concurrency', 'rps']).or(z.literal('')),
  target_value: z.number(),
  total_value: z.number(),
  target_burst_capacity: z.number(),
  panic_threshold: z.number(),
  max_scale_up_rate: z.number(),
  max_scale_down_rate: z.number(),
  stable_window_ms: z.number(),
  scale_down_delay_ms: z.number(),
  reachable: z.boolean(),
  activation_scale: z.number(),
})
type Spec = z.infer<typeof specSchema>

const stateSchema = z.object({ panic_since_ms: z.number().nullable(), max_panic_pods: z.number() })
type PanicState = z.infer<typeof stateSchema>

const stepSchema = z.object({
  t_ms: z.number(),
  ready_pods: z.number().nullish(),
  ready_pods_error: z.boolean().nullish(),
  stable: z.number().nullish(),
  panic: z.number().nullish(),
  metrics_error: z.string().nullish(),
  update_spec: specSchema.nullish(),
  set_state: stateSchema.nullish(),
  want: z.object({ valid: z.boolean(), desired_pods: z.number(), excess_burst_capacity: z.number() }),
  want_state: stateSchema.nullish(),
})
type Step = z.infer<typeof stepSchema>

const caseSchema = z.object({
  spec: specSchema,
  initial_ready_pods: z.number().nullish(),
  initial_ready_pods_error: z.boolean().nullish(),
  initial_state: stateSchema.nullish(),
  want_initial_state: stateSchema.nullish(),
  steps: z.array(stepSchema),
})

export const autoscalerDecisions = vectorKind('autoscaler_decisions', caseSchema, runSteps)
export const recordedDecisions = vectorKind('autoscaler_decisions_recorded', caseSchema, runSteps)

function runSteps({ spec: firstSpec, steps, ...start }: z.infer<typeof caseSchema>): string | undefined {
  let spec = firstSpec
  // Replicas that cannot be counted are none, as far as the start is concerned.
  let memory = initialKpaMemory(start.initial_ready_pods ?? 0, ORIGIN_MS)
  if (start.want_initial_state) {
    const found = difference('initial state', stateOf(memory), ordered(start.want_initial_state))
    if (found !== undefined) return found
  }
  if (start.initial_state) memory = withState(memory, start.initial_state)
  for (const [index, step] of steps.entries()) {
    if (step.set_state) memory = withState(memory, step.set_state)
    spec = step.update_spec ?? spec
    // The reference builds its delay window once and ignores a changed delay; ours follows it. So that the rest
    // can be compared, the delay here stays what it was at the start.
    const settings = settingsOf({ ...spec, scale_down_delay_ms: firstSpec.scale_down_delay_ms })
    const result = applyStep(settings, spec.reachable, step, memory)
    memory = result.memory
    const found = first([
      difference('valid', result.valid, step.want.valid),
      difference('desired_pods', result.desired, step.want.desired_pods),
      difference('excess_burst_capacity', result.excess, step.want.excess_burst_capacity, { absolute: 1 }),
      step.want_state && difference('state', stateOf(memory), ordered(step.want_state)),
    ])
    if (found !== undefined) return `steps[${index}] at ${step.t_ms} ms: ${found}`
  }
  return undefined
}

interface StepResult {
  readonly valid: boolean
  readonly desired: number
  readonly excess: number
  readonly memory: KpaMemory
}

/** Without a count of replicas or without data nothing is decided, and nothing is remembered. */
function applyStep(settings: KpaSettings, reachable: boolean, step: Step, memory: KpaMemory): StepResult {
  const { ready_pods: ready, stable, panic } = step
  const isBlind = Boolean(step.metrics_error) || step.ready_pods_error === true
  if (isBlind || ready == null || stable == null || panic == null) {
    return { valid: false, desired: 0, excess: 0, memory }
  }
  const nowMs = ORIGIN_MS + step.t_ms
  const result = scaleKpa(settings, { nowMs, ready, stable, panic, reachable }, memory)
  return { valid: true, desired: result.replicas, excess: result.excessBurstCapacity, memory: result.memory }
}

function settingsOf(spec: Spec): KpaSettings {
  return {
    metric: spec.metric === 'rps' ? 'rps' : 'concurrency',
    target: spec.target_value,
    total: spec.total_value,
    stableWindowMs: spec.stable_window_ms,
    panicThreshold: spec.panic_threshold,
    maxScaleUpRate: spec.max_scale_up_rate,
    maxScaleDownRate: spec.max_scale_down_rate,
    targetBurstCapacity: spec.target_burst_capacity,
    scaleDownDelayMs: spec.scale_down_delay_ms,
    activationScale: spec.activation_scale,
  }
}

function withState(memory: KpaMemory, state: PanicState): KpaMemory {
  const since = state.panic_since_ms
  return {
    ...memory,
    panicSinceMs: since === null ? null : ORIGIN_MS + since,
    maxPanicReplicas: state.max_panic_pods,
  }
}

function stateOf({ panicSinceMs, maxPanicReplicas }: KpaMemory): PanicState {
  return {
    panic_since_ms: panicSinceMs === null ? null : panicSinceMs - ORIGIN_MS,
    max_panic_pods: maxPanicReplicas,
  }
}

/** The same fields in one order, so that two states compare as text. */
function ordered({ panic_since_ms, max_panic_pods }: PanicState): PanicState {
  return { panic_since_ms, max_panic_pods }
}
