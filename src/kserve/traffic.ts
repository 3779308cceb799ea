import { childName, revisionChildName } from '../core/names.ts'
import { tagRoutingKey } from './keys.ts'
import type { InferenceService } from './schema/inference-service.ts'

/** A target of a Knative Service, as KServe asks for it. */
export interface TrafficTarget {
  readonly revision: string
  readonly percent: number
  readonly tag: string
}

/** `sklearn-iris-predictor`; `{isvc}-{name}-predictor` for a named predictor or a canary. */
export function componentName(isvc: string, kind: string, name?: string): string {
  return childName(isvc, name === undefined || name === '' ? `-${kind}` : `-${name}-${kind}`)
}

/**
 * The predictor's traffic once the service has been deployed: a canary percent shares it with the first
 * revision, which by then is rolled out. Source: ksvc_reconciler.go.
 */
export function trafficAfterDeploy({ metadata, spec }: InferenceService): readonly TrafficTarget[] {
  const percent = spec.predictor.canaryTrafficPercent
  const tag = metadata.annotations?.[tagRoutingKey] === 'true' ? 'latest' : '-'
  const latest = { revision: 'latest', percent: percent ?? 100, tag }
  if (percent === undefined || percent >= 100) return [latest]
  const component = componentName(metadata.name ?? '', 'predictor', spec.predictor.name)
  return [latest, { revision: revisionChildName(component, 1), percent: 100 - percent, tag: 'prev' }]
}

/** Replicas of a canary: its own minReplicas, or its share of the stable ones. */
export function canaryReplicas(stableMin: number, percent: number, minReplicas: number | undefined): number {
  return minReplicas ?? Math.ceil((stableMin * percent) / 100)
}
