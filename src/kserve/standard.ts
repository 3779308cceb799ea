import { autoscalerClassKey } from './keys.ts'
import type { ScalingView } from './knative.ts'
import type { AutoScaling, Extension } from './schema/inference-service.ts'

/** A Deployment, for the queries of KEDA's OpenTelemetry scaler. */
export interface DeploymentName {
  readonly namespace: string
  readonly name: string
}

/**
 * What KServe makes of a component in Standard mode: a HorizontalPodAutoscaler, a ScaledObject, or a fixed
 * number. Source: its hpa, keda and deployment reconcilers.
 */
export function standardScaling(
  component: Extension,
  annotations: Readonly<Record<string, string>>,
  deployment: DeploymentName,
): ScalingView {
  const min = component.minReplicas ?? 1
  switch (annotations[autoscalerClassKey]) {
    case 'none':
      return { autoscaler: 'none/external', min: String(min), max: String(min), metric: '', target: '' }
    case 'external':
      return { autoscaler: 'none/external', min: 'unset', max: 'unset', metric: '', target: '' }
    case 'keda': {
      const max = Math.max(component.maxReplicas ?? 0, min)
      return {
        autoscaler: 'keda',
        min: String(min),
        max: String(max),
        ...kedaTriggers(component, deployment),
      }
    }
    default: {
      // An HPA cannot reach zero, and without maxReplicas it cannot move at all.
      const lowest = Math.max(1, min)
      const highest = Math.max(component.maxReplicas ?? 0, lowest)
      return { autoscaler: 'hpa', min: String(lowest), max: String(highest), ...hpaMetrics(component) }
    }
  }
}

interface Measured {
  readonly metric: string
  readonly target: string
}

/** An HPA without metrics: Kubernetes then takes CPU at 80 %. */
const noMetrics: Measured = { metric: '(none: k8s defaults to cpu)', target: '80 Utilization' }

function hpaMetrics({ autoScaling, scaleMetric = 'cpu', scaleTarget }: Extension): Measured {
  const resources = (autoScaling?.metrics ?? []).flatMap(({ resource }) =>
    resource === undefined ? [] : [resourceMetric(resource)],
  )
  if (resources.length > 0) return joined(resources)
  if (scaleMetric === 'cpu') return { metric: 'cpu', target: `${scaleTarget ?? 80} Utilization` }
  if (scaleMetric === 'memory' && scaleTarget !== undefined) {
    return { metric: 'memory', target: `${scaleTarget} Utilization` }
  }
  return noMetrics
}

function kedaTriggers({ autoScaling }: Extension, deployment: DeploymentName): Measured {
  const triggers = (autoScaling?.metrics ?? []).map(({ resource, external, podmetric }): Measured => {
    if (external !== undefined) {
      const { backend = 'prometheus', query = '' } = external.metric ?? {}
      return { metric: `${backend}/${query}`, target: String(external.target?.value ?? '') }
    }
    if (podmetric !== undefined) {
      const { namespace, name } = deployment
      const query = `sum(${podmetric.metric?.query ?? ''}{namespace="${namespace}", deployment="${name}"})`
      return { metric: `external/${query}`, target: String(podmetric.target?.value ?? '') }
    }
    return resourceMetric(resource ?? {})
  })
  return joined(triggers)
}

type Resource = NonNullable<NonNullable<AutoScaling['metrics']>[number]['resource']>

function resourceMetric({ name = 'cpu', target }: Resource): Measured {
  if (target?.type === 'AverageValue') {
    return { metric: name, target: `${String(target.averageValue ?? '')} AverageValue` }
  }
  return { metric: name, target: `${target?.averageUtilization ?? 80} Utilization` }
}

function joined(measured: readonly Measured[]): Measured {
  return {
    metric: measured.map(({ metric }) => metric).join('; '),
    target: measured.map(({ target }) => target).join('; '),
  }
}
