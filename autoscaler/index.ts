/**
 * How many replicas. Reports of all gateways become a revision's `Demand`, averaged over a stable and a panic
 * window; `decide` turns that into a number, with Knative's arithmetic (`scaleKpa`), the revision's bounds and
 * the rules of its last replica. A `Policy` is a revision's annotations over the cluster's configuration, read
 * once. All of it is pure: time is an argument, state goes in and comes out, and the loop lives in src/control.
 */
export { type Annotations } from './annotations.ts'
export { decide, initialMemory, type Decided, type Memory, type Observation } from './decide.ts'
export { Demand, type WindowAverages } from './demand.ts'
export { policyOf, type Policy, type PolicySource } from './policy.ts'
export {
  AutoscalerConfigError,
  defaultAutoscalerConfig,
  readAutoscalerConfig,
  type AutoscalerConfig,
} from './settings.ts'
export { validateAnnotations } from './validate-annotations.ts'
