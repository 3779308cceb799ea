import { z } from 'zod'
import type { Measured, ResourceUsage, UsageSource } from '../core/measurements.ts'
import type { ReplicaName } from '../core/names.ts'
import type { Replica } from '../core/replica.ts'
import { parseRfc3339 } from '../core/rfc3339.ts'
import { quantityOf } from '../kserve/index.ts'
import { isApiError, KINDS, type ObjectLists } from './api/index.ts'
import { LABELS } from './names.ts'

/** Source: k8s.io/metrics pkg/apis/metrics/v1beta1, PodMetrics. */
const podMetrics = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  timestamp: z.string(),
  /** `15.5s`, `1m0s`. */
  window: z.string(),
  containers: z.array(
    z.object({ name: z.string(), usage: z.object({ cpu: z.string(), memory: z.string() }) }),
  ),
})

/** CPU and memory of pods as the resource metrics API has them: of metrics-server, or whoever answers in its place. */
export class MetricsApi implements UsageSource {
  readonly #client: ObjectLists

  constructor(client: ObjectLists) {
    this.#client = client
  }

  async usage(
    replicas: readonly Replica[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, Measured<ResourceUsage>>> {
    const found = await this.#read(signal)
    const none = { absent: 'not measured', detail: 'metrics.k8s.io says nothing of its pod' }
    return new Map(
      replicas.map(({ name }) => [name, found instanceof Map ? (found.get(name) ?? none) : found]),
    )
  }

  /** All pods that are ours, or why there are none. */
  async #read(
    signal: AbortSignal,
  ): Promise<Map<string, Measured<ResourceUsage>> | Extract<Measured<never>, { absent: string }>> {
    try {
      const { items } = await this.#client.list(KINDS.podMetrics, { labelSelector: LABELS.revision }, signal)
      return new Map(items.flatMap((item) => measuredOf(item)))
    } catch (error) {
      if (isApiError(error, 'NotFound')) {
        return {
          absent: 'no metrics API',
          detail: 'the cluster has no metrics.k8s.io: install metrics-server',
        }
      }
      if (isApiError(error, 'ServiceUnavailable')) {
        return { absent: 'no answer', detail: 'metrics.k8s.io does not answer' }
      }
      throw error
    }
  }
}

function measuredOf(item: unknown): [string, Measured<ResourceUsage>][] {
  const parsed = podMetrics.safeParse(item)
  if (!parsed.success) return []
  const { metadata, timestamp, window, containers } = parsed.data
  const value = {
    windowMs: windowMsOf(window),
    containers: containers.map(({ name, usage }) => ({
      name,
      cpuCores: quantityOf(usage.cpu),
      memoryBytes: quantityOf(usage.memory),
    })),
  }
  const atMs = parseRfc3339(timestamp)
  const isNumber = value.containers.every(
    ({ cpuCores, memoryBytes }) => Number.isFinite(cpuCores) && Number.isFinite(memoryBytes),
  )
  const name = `${metadata.namespace}/${metadata.name}`
  return [
    [
      name,
      isNumber && atMs !== undefined
        ? { value, atMs, from: 'metrics.k8s.io' }
        : {
            absent: 'not a number',
            detail: `metrics.k8s.io: ${JSON.stringify({ timestamp, containers })} is no usage`,
          },
    ],
  ]
}

/** A duration as Go writes it, in ms; 0 where it cannot be read. */
function windowMsOf(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0),
    0,
  )
}
