/**
 * The part of an autoscaling/v2 HorizontalPodAutoscaler that a decision is made of, in Kubernetes' own field
 * names. Everything may be absent: what the API server would refuse is found by `validateHpa`, and what comes
 * through all the same makes one metric fail and not the decision.
 */
export interface HpaSpec {
  /** Default 1. */
  readonly minReplicas?: number | null | undefined
  readonly maxReplicas: number
  /** Default: cpu at 80 % of the request. */
  readonly metrics?: readonly HpaMetricSpec[] | null | undefined
  readonly behavior?: HpaBehaviorSpec | null | undefined
}

export interface HpaMetricSpec {
  /** `Resource`, `ContainerResource`, `Pods`, `Object` or `External`. */
  readonly type: string
  readonly resource?: { readonly name: string; readonly target?: HpaTargetSpec } | undefined
  readonly containerResource?:
    | { readonly name: string; readonly container: string; readonly target?: HpaTargetSpec }
    | undefined
  readonly pods?: { readonly metric: HpaMetricName; readonly target?: HpaTargetSpec } | undefined
  readonly object?:
    | {
        readonly describedObject: { readonly kind: string; readonly name: string }
        readonly metric: HpaMetricName
        readonly target?: HpaTargetSpec
      }
    | undefined
  readonly external?: { readonly metric: HpaMetricName; readonly target?: HpaTargetSpec } | undefined
}

/** The selector is for whoever reads the metric; a decision only names the metric. */
export interface HpaMetricName {
  readonly name: string
}

/** Amounts are quantities: `100m`, `1Gi`, 5. */
export interface HpaTargetSpec {
  /** `Utilization`, `AverageValue` or `Value`. */
  readonly type?: string | undefined
  /** Percent of the request. */
  readonly averageUtilization?: number | undefined
  readonly averageValue?: string | number | undefined
  readonly value?: string | number | undefined
}

export interface HpaBehaviorSpec {
  readonly scaleUp?: HpaScalingRulesSpec | null | undefined
  readonly scaleDown?: HpaScalingRulesSpec | null | undefined
}

export interface HpaScalingRulesSpec {
  /** 0 = no stabilization. */
  readonly stabilizationWindowSeconds?: number | null | undefined
  /** `Max`, `Min` or `Disabled`. */
  readonly selectPolicy?: string | null | undefined
  readonly policies?: readonly HpaScalingPolicySpec[] | null | undefined
  /** A fraction as a quantity: `50m` is 5 %. */
  readonly tolerance?: string | number | null | undefined
}

export interface HpaScalingPolicySpec {
  /** `Pods` or `Percent`. */
  readonly type: string
  readonly value: number
  readonly periodSeconds: number
}
