import type { DesiredComponent, DesiredService } from '../../src/core/desired.ts'
import { admit } from '../../src/kserve/admit.ts'
import { catalogue } from '../../src/kserve/catalogue.ts'
import { toDesired } from '../../src/kserve/desired.ts'
import { parseDocuments } from '../../src/kserve/documents.ts'
import type { InferenceService } from '../../src/kserve/schema/inference-service.ts'
import { isObject } from '../../src/kserve/unknown-fields.ts'
import { updateError } from '../../src/kserve/validate-update.ts'

/** What admission makes of one manifest: a service, or KServe's words why not. */
export type Verdict = Accepted | { readonly refusal: string }

export interface Accepted {
  readonly desired: DesiredService
  /** With KServe's defaults. */
  readonly service: InferenceService
}

/** Annotations that KServe does not copy to a revision; all others are a part of it. */
const NOT_COPIED = new Set([
  'autoscaling.knative.dev/min-scale',
  'autoscaling.knative.dev/max-scale',
  'kubectl.kubernetes.io/last-applied-configuration',
  'serving.knative.dev/rollout-duration',
  'modelFormat',
])

const PARTS = ['predictor', 'transformer', 'explainer'] as const

/** The manifest as a cluster with all built-in runtimes takes it, after `before`. */
export function readManifest(text: string, file: string, before: Accepted | undefined): Verdict {
  const [document, ...others] = parseDocuments(text, { file })
  if (document === undefined || others.length > 0) throw new Error(`${file}: has to hold one document`)
  // The mode of a service that is there already is kept when the annotation is not.
  const defaultMode = before?.desired.deploymentMode ?? 'Knative'
  const admission = admit(document, { defaultMode, runtimes: catalogue })
  if (admission.refusal !== undefined) return { refusal: admission.refusal.message }
  const { admitted } = admission
  if (admitted.kind !== 'InferenceService') throw new Error(`${file}: has to be an InferenceService`)
  const service = admitted.value
  const refusal =
    before === undefined
      ? undefined
      : updateError({ deploymentMode: before.desired.deploymentMode, service: before.service }, service)
  if (refusal !== undefined) return { refusal }

  const read = toDesired([{ ...document, value: withoutPercents(document.value) }], {
    runtimes: 'catalogue',
    defaultMode,
    metadata: () => ({ generation: (before?.desired.generation ?? 0) + 1, createdAtMs: 0 }),
    predictorHost: (namespace, component) => `${component}.${namespace}`,
  })
  const [desired] = read.services
  if (desired === undefined)
    throw new Error(`${file}: ${read.problems.map(({ message }) => message).join('; ')}`)
  return { desired: asKServe(desired, service), service }
}

/** We refuse a percent out of 0 to 100 and KServe does not, so it is put back after reading. */
function withoutPercents(value: unknown): unknown {
  if (!isObject(value) || !isObject(value['spec'])) return value
  const spec: Record<string, unknown> = { ...value['spec'] }
  for (const part of PARTS) {
    if (!isObject(spec[part])) continue
    const { canaryTrafficPercent: _, ...rest } = spec[part]
    spec[part] = rest
  }
  return { ...value, spec }
}

function asKServe(desired: DesiredService, service: InferenceService): DesiredService {
  const { predictor, transformer, explainer } = desired.components
  const component = (given: DesiredComponent): DesiredComponent => {
    const percent = service.spec[given.kind]?.canaryTrafficPercent
    return {
      ...withAnnotations(given, service),
      ...(percent === undefined ? {} : { canaryTrafficPercent: percent }),
    }
  }
  return {
    ...desired,
    components: {
      predictor: component(predictor),
      ...(transformer === undefined ? {} : { transformer: component(transformer) }),
      ...(explainer === undefined ? {} : { explainer: component(explainer) }),
    },
  }
}

/**
 * In KServe every annotation of the service is one of its revisions, so that changing any makes a new one;
 * ours are changed only by those that say how to run or to scale.
 */
function withAnnotations(component: DesiredComponent, service: InferenceService): DesiredComponent {
  const { replica, ...rest } = component.template
  const annotations = Object.fromEntries(
    Object.entries(service.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key)),
  )
  const podSpec = { ...replica.podSpec, annotations }
  return { ...component, template: { ...rest, replica: { ...replica, podSpec } } }
}
