import type { ReplicaMetric } from '../core/measurements.ts'
import type { Revision, ScalingMetric } from '../core/revision.ts'

/** What has to be measured so that a revision can be decided on. */
export interface Wanted {
  readonly metrics: ReadonlySet<ReplicaMetric>
  readonly usage: boolean
  readonly series: readonly Extract<ScalingMetric, { kind: 'series' }>[]
  readonly queries: readonly Extract<ScalingMetric, { kind: 'prometheus' }>[]
}

const LLM: Wanted = {
  metrics: new Set(['running', 'running-max', 'waiting', 'kv-cache', 'ttft', 'itl']),
  usage: false,
  series: [],
  queries: [],
}

/** undefined: its class goes by nothing that has to be measured. */
export function wantedOf({ template }: Revision): Wanted | undefined {
  const { scaling } = template
  if (scaling.class === 'llm') return LLM
  if (scaling.class !== 'hpa') return undefined
  const metrics = scaling.metrics ?? []
  return {
    metrics: new Set(metrics.flatMap((metric) => (metric.kind === 'replica' ? [metric.metric] : []))),
    usage: metrics.some(({ kind }) => kind === 'resource'),
    series: metrics.filter((metric) => metric.kind === 'series'),
    queries: metrics.filter((metric) => metric.kind === 'prometheus'),
  }
}

export function wantsGpus({ metrics }: Wanted): boolean {
  return metrics.has('gpu-utilization') || metrics.has('gpu-memory')
}

/** Whether replicas have to be asked themselves. GPUs are asked for there, too: some engines say it best. */
export function wantsScrapes({ metrics, series }: Wanted): boolean {
  return metrics.size > 0 || series.length > 0
}
