/**
 * How many replicas. Reports of all gateways become a revision's `Demand`, averaged over a stable and a panic
 * window; `decide` turns that, and what metric sources read, into a number: with Knative's arithmetic (`scaleKpa`),
 * that of Kubernetes' HPA (`hpa/`), or on what the engines of language models say (`llm/`); then come the revision's
 * bounds and the rules of its last replica. A `Policy` is a revision's annotations over the cluster's configuration,
 * read once. All of it is pure: time is an argument, state goes in and comes out, a recorded decision replays to the
 * same number, and the loop lives in src/control.
 */
export { type Annotations } from './annotations.ts'
export {
  decide,
  initialMemory,
  type Decided,
  type Memory,
  type Observation,
  type Readings,
} from './decide.ts'
export { Demand, type WindowAverages } from './demand.ts'
export {
  hpaPolicyOf,
  measuresAtZero,
  milliOfText,
  milliOfUnits,
  validateHpa,
  type HpaMetricSpec,
  type HpaPod,
  type Milli,
  type Reading,
} from './hpa/index.ts'
export { asksForLlm, llmPolicyOf, LlmPolicyError, validateLlm, type EngineReading } from './llm/index.ts'
export { policyOf, type Policy, type PolicySource } from './policy.ts'
export {
  readRecord,
  RecordError,
  recordOf,
  replay,
  writeRecord,
  type DecisionRecord,
  type Replayed,
} from './replay.ts'
export {
  AutoscalerConfigError,
  defaultAutoscalerConfig,
  readAutoscalerConfig,
  type AutoscalerConfig,
} from './settings.ts'
export { validateAnnotations } from './validate-annotations.ts'
