/**
 * The decision of Kubernetes' HPA v2, exactly and without Kubernetes: metrics of a resource, of pods, of an
 * object or from outside become proposals, the largest of which goes through stabilization windows, rates and
 * bounds. `decideHpa` is a function of a policy (an HPA's spec with every default in it), of what was read, and
 * of what the decision before left behind. Who reads the metrics and orders the replicas is somebody else.
 */
export { proposeAtZero } from './at-zero.ts'
export { type Condition } from './conditions.ts'
export { decideHpa, scaleUnknown } from './decide.ts'
export { type DecidedHpa, type HpaDecision, type HpaMetricInput } from './decision.ts'
export { initialHpaMemory, type HpaMemory } from './memory.ts'
export { milliOfUnits, type Milli } from './milli.ts'
export { type HpaObservation, type PodUsage, type Reading } from './observation.ts'
export { type HpaPod } from './pods.ts'
export {
  defaultHpaSettings,
  hpaPolicyOf,
  measuresAtZero,
  type HpaMetric,
  type HpaPolicy,
  type HpaSettings,
} from './policy.ts'
export { milliOfText } from './quantity.ts'
export { type HpaMetricSpec, type HpaSpec } from './spec.ts'
export { validateHpa, type HpaVerdict } from './validate.ts'
