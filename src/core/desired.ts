import type { ComponentKind, RevisionTemplate } from './revision.ts'

/** Everything configured, as one whole value. */
export interface Desired {
  readonly services: readonly DesiredService[]
  /** Documents that were refused, or accepted and cannot be served; the others go on. */
  readonly problems: readonly Problem[]
}

/** What is wrong with one document. */
export interface Problem {
  /** Where it stands: `examples/iris/service.yaml#1` (document numbers count from 0). */
  readonly source: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly message: string
}

/** One InferenceService, read, validated and with its runtime resolved. */
export interface DesiredService {
  readonly namespace: string
  readonly name: string
  /** Counts changes of `spec`, from 1. */
  readonly generation: number
  readonly createdAtMs: number
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** The document's spec as written, for `get -o yaml`. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly deploymentMode: 'Knative' | 'Standard'
  /** `serving.kserve.io/stop: "true"`: no replicas, no routes. */
  readonly stopped: boolean
  /** `serving.kserve.io/enable-tag-routing: "true"`. */
  readonly tagRouting: boolean
  /** `networking.k*.dev/visibility: cluster-local`. */
  readonly clusterLocal: boolean
  /** `pilotlight.dev/sticky: header:X-User | cookie:session`: the same value gets the same revision. */
  readonly sticky?: { readonly from: 'header' | 'cookie'; readonly name: string }
  readonly components: {
    readonly predictor: DesiredComponent
    readonly transformer?: DesiredComponent
    readonly explainer?: DesiredComponent
  }
  /** `spec.canary[]` of Standard mode. */
  readonly canaries: readonly DesiredCanary[]
  /** Accepted but not servable (no runtime, unknown storage ...): the KServe reason and message. */
  readonly failure?: {
    readonly reason:
      | 'NoSupportingRuntime'
      | 'RuntimeNotRecognized'
      | 'RuntimeDisabled'
      | 'InvalidPredictorSpec'
    readonly message: string
  }
}

export interface DesiredComponent {
  readonly kind: ComponentKind
  /** `sklearn-iris-predictor`; `{isvc}-{predictor.name}-predictor` for a named predictor. */
  readonly name: string
  readonly template: RevisionTemplate
  /** Percent of the latest revision; undefined = all. KServe does not check its range, we do. */
  readonly canaryTrafficPercent?: number
}

export interface DesiredCanary {
  readonly name: string
  readonly trafficPercent: number
  readonly component: DesiredComponent
}
