import { defaultAutoscalerConfig, policyOf, validateAnnotations } from '../../autoscaler/index.ts'
import type { ScalingFunctions } from '../../src/kserve/index.ts'

/** The autoscaler's own arithmetic under Knative's shipped configuration. */
export const scalingFunctions: ScalingFunctions = {
  effectiveTarget: (annotations, containerConcurrency) =>
    policyOf({ annotations, containerConcurrency, class: 'kpa', config: defaultAutoscalerConfig }).target,
  validateAnnotations: (annotations) => validateAnnotations(annotations, defaultAutoscalerConfig),
}
