import { milliOfQuantity, doubleOfQuantity, parseQuantity } from './quantity.ts'
import type { Milli } from './milli.ts'
import type {
  HpaBehaviorSpec,
  HpaMetricSpec,
  HpaScalingPolicySpec,
  HpaScalingRulesSpec,
  HpaSpec,
  HpaTargetSpec,
} from './spec.ts'
import type { Tolerance } from './tolerance.ts'

/** All that decides how a revision of class `hpa` scales, in one frozen value: plain data. */
export interface HpaPolicy extends HpaSettings {
  readonly class: 'hpa'
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly metrics: readonly HpaMetric[]
  /** undefined: without `behavior` other rules hold than with an empty one. */
  readonly behavior: HpaBehavior | undefined
}

/** What kube-controller-manager is told by its flags and feature gates. */
export interface HpaSettings {
  /** Where `behavior` gives none. */
  readonly tolerance: Tolerance
  /** How long a higher recommendation holds against scaling down. */
  readonly downscaleStabilizationMs: number
  readonly cpuInitializationPeriodMs: number
  readonly initialReadinessDelayMs: number
  /** Gate HPAScaleToZero. */
  readonly scaleToZero: boolean
  /** Gate PodLevelResources. */
  readonly podLevelResources: boolean
}

/** Kubernetes 1.37 as it is shipped. */
export const defaultHpaSettings: HpaSettings = Object.freeze({
  tolerance: Object.freeze({ down: 0.1, up: 0.1 }),
  downscaleStabilizationMs: 300_000,
  cpuInitializationPeriodMs: 300_000,
  initialReadinessDelayMs: 30_000,
  scaleToZero: true,
  podLevelResources: true,
})

export type HpaMetric =
  | {
      readonly type: 'Resource' | 'ContainerResource'
      readonly resource: string
      readonly container?: string
      readonly target: HpaTarget
    }
  | { readonly type: 'Pods'; readonly metric: string; readonly target: HpaTarget }
  | { readonly type: 'Object'; readonly metric: string; readonly kind: string; readonly target: HpaTarget }
  | { readonly type: 'External'; readonly metric: string; readonly target: HpaTarget }
  /** Of a type that does not exist, or without the part that its type names. */
  | { readonly type: 'Invalid'; readonly error: string }

export interface HpaTarget {
  readonly type?: string
  readonly averageUtilization?: number
  readonly averageValue?: Milli
  readonly value?: Milli
}

export interface HpaBehavior {
  readonly scaleUp: ScalingRules
  readonly scaleDown: ScalingRules
}

export interface ScalingRules {
  readonly stabilizationWindowMs: number
  /** Of several policies the one that changes most, the one that changes least, or no change at all. */
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled'
  readonly policies: readonly ScalingPolicy[]
  readonly tolerance: number
}

export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent'
  readonly value: number
  readonly periodMs: number
}

/** The policy that a spec means, with the defaults of autoscaling/v2 and of the controller in it. */
export function hpaPolicyOf(spec: HpaSpec, settings: HpaSettings = defaultHpaSettings): HpaPolicy {
  const metrics = spec.metrics ?? []
  return Object.freeze({
    ...settings,
    class: 'hpa',
    minReplicas: spec.minReplicas ?? 1,
    maxReplicas: spec.maxReplicas,
    metrics: (metrics.length === 0 ? [defaultMetric] : metrics).map(metricOf),
    behavior: behaviorOf(spec.behavior, settings),
  })
}

const defaultMetric: HpaMetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
}

function metricOf(spec: HpaMetricSpec): HpaMetric {
  const { type, resource, containerResource, pods, object, external } = spec
  if (type === 'Resource' && resource !== undefined) {
    return { type, resource: resource.name, target: targetOf(resource.target) }
  }
  if (type === 'ContainerResource' && containerResource !== undefined) {
    const { name, container, target } = containerResource
    return { type, resource: name, container, target: targetOf(target) }
  }
  if (type === 'Pods' && pods !== undefined) {
    return { type, metric: pods.metric.name, target: targetOf(pods.target) }
  }
  if (type === 'Object' && object !== undefined) {
    const { metric, describedObject, target } = object
    return { type, metric: metric.name, kind: describedObject.kind, target: targetOf(target) }
  }
  if (type === 'External' && external !== undefined) {
    return { type, metric: external.metric.name, target: targetOf(external.target) }
  }
  const isKnown = ['Resource', 'ContainerResource', 'Pods', 'Object', 'External'].includes(type)
  const error = isKnown ? `has nothing for its type ${type}` : `unknown metric source type "${type}"`
  return { type: 'Invalid', error }
}

/** What is no amount above 0 counts as absent, so that nothing is divided by it: refusing it is admission's part. */
function targetOf({ type, averageUtilization, averageValue, value }: HpaTargetSpec = {}): HpaTarget {
  const average = positiveMilliOf(averageValue)
  const whole = positiveMilliOf(value)
  return {
    ...(type === undefined ? {} : { type }),
    ...(averageUtilization !== undefined && averageUtilization > 0 ? { averageUtilization } : {}),
    ...(average === undefined ? {} : { averageValue: average }),
    ...(whole === undefined ? {} : { value: whole }),
  }
}

function positiveMilliOf(text: string | number | undefined): Milli | undefined {
  const quantity = text === undefined ? undefined : parseQuantity(text)
  return quantity === undefined || quantity.digits <= 0n ? undefined : milliOfQuantity(quantity)
}

/** `behavior: {}` is not the same as none: every rule in it gets its default. */
function behaviorOf(
  spec: HpaBehaviorSpec | null | undefined,
  { tolerance, downscaleStabilizationMs }: HpaSettings,
): HpaBehavior | undefined {
  if (spec === null || spec === undefined) return undefined
  const percent: ScalingPolicy = { type: 'Percent', value: 100, periodMs: 15_000 }
  const pods: ScalingPolicy = { type: 'Pods', value: 4, periodMs: 15_000 }
  return {
    scaleUp: rulesOf(spec.scaleUp, { windowMs: 0, policies: [pods, percent], tolerance: tolerance.up }),
    scaleDown: rulesOf(spec.scaleDown, {
      windowMs: downscaleStabilizationMs,
      policies: [percent],
      tolerance: tolerance.down,
    }),
  }
}

interface RulesDefault {
  readonly windowMs: number
  readonly policies: readonly ScalingPolicy[]
  readonly tolerance: number
}

function rulesOf(spec: HpaScalingRulesSpec | null | undefined, absent: RulesDefault): ScalingRules {
  const { stabilizationWindowSeconds, selectPolicy, policies, tolerance } = spec ?? {}
  const ownTolerance = tolerance === null || tolerance === undefined ? undefined : parseQuantity(tolerance)
  return {
    stabilizationWindowMs: secondsOf(stabilizationWindowSeconds) ?? absent.windowMs,
    selectPolicy: selectPolicy === 'Min' || selectPolicy === 'Disabled' ? selectPolicy : 'Max',
    // A list replaces the default as a whole.
    policies: policies?.map(scalingPolicyOf) ?? absent.policies,
    tolerance: ownTolerance === undefined ? absent.tolerance : doubleOfQuantity(ownTolerance),
  }
}

function scalingPolicyOf({ type, value, periodSeconds }: HpaScalingPolicySpec): ScalingPolicy {
  return { type: type === 'Percent' ? 'Percent' : 'Pods', value, periodMs: periodSeconds * 1000 }
}

function secondsOf(seconds: number | null | undefined): number | undefined {
  return seconds === null || seconds === undefined ? undefined : seconds * 1000
}

/** The tolerance of each direction: that of its rules, else of the controller. */
export function toleranceOf({ behavior, tolerance }: HpaPolicy): Tolerance {
  if (behavior === undefined) return tolerance
  return { down: behavior.scaleDown.tolerance, up: behavior.scaleUp.tolerance }
}

/** Object and External metrics are there without any replica, so from them zero can be left again. */
export function measuresAtZero({ metrics }: HpaPolicy): boolean {
  return metrics.some(({ type }) => type === 'Object' || type === 'External')
}
