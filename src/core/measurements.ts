import type { ReplicaName, RevisionName } from './names.ts'
import type { Replica } from './replica.ts'
import type { Revision } from './revision.ts'

/**
 * What engines and GPUs say of one replica, by the names that manifests use. Shares are 0 to 1, times are ms.
 *
 *     running, running-max, waiting    requests within the engine
 *     kv-cache                         share of the KV cache in use
 *     gpu-utilization, gpu-memory      shares, means over the replica's GPUs
 *     ttft, itl                        time to the first token, between two tokens; means of what ended lately
 *     generated-tokens, prompt-tokens  per second
 */
export const REPLICA_METRICS = [
  'running',
  'running-max',
  'waiting',
  'kv-cache',
  'gpu-utilization',
  'gpu-memory',
  'ttft',
  'itl',
  'generated-tokens',
  'prompt-tokens',
] as const
export type ReplicaMetric = (typeof REPLICA_METRICS)[number]

/** Those whose target may be a percentage. */
export const SHARE_METRICS: ReadonlySet<ReplicaMetric> = new Set([
  'kv-cache',
  'gpu-utilization',
  'gpu-memory',
])

/** What gateways report of a revision: requests in queues, mean ms in them, tokens per second that answers' `usage` says. */
export const GATEWAY_METRICS = ['queue-depth', 'queue-wait', 'tokens-per-second'] as const
export type GatewayMetric = (typeof GATEWAY_METRICS)[number]

/** What was measured, or why there is nothing. Plain data; a number is always finite. */
export type Measured<T> =
  | {
      readonly value: T
      /** When it was so, epoch ms. */
      readonly atMs: number
      /** What it was read from: `vllm:num_requests_running`. */
      readonly from: string
    }
  | {
      /** A word for the reason: `not scraped`, `stale`. */
      readonly absent: string
      /** A sentence with the names and numbers. */
      readonly detail: string
    }

/** What one replica uses: a mean over the last `windowMs`. */
export interface ResourceUsage {
  readonly windowMs: number
  readonly containers: readonly {
    readonly name: string
    readonly cpuCores: number
    readonly memoryBytes: number
  }[]
}

/** Shares from 0 to 1 over all GPUs that the replica has. */
export interface GpuUsage {
  readonly utilization: Measured<number>
  readonly memory: Measured<number>
}

export interface MeasuredReplica {
  readonly replica: ReplicaName
  /** Those that were asked for. */
  readonly metrics: Readonly<Partial<Record<ReplicaMetric, Measured<number>>>>
  /** Absent where no metric is of kind `resource`. */
  readonly usage?: Measured<ResourceUsage>
  /** One for each metric of kind `series`, in their order. */
  readonly series: readonly Measured<number>[]
}

/** What is known of one revision now; a value that is too old is absent. */
export interface Measurements {
  /** The ready ones. */
  readonly replicas: readonly MeasuredReplica[]
  /** One for each metric of kind `prometheus`, in their order; a number for each series of the answer. */
  readonly queries: readonly Measured<readonly number[]>[]
}

/** Asks replicas and servers again and again, and knows what they said last. */
export interface MetricSources {
  /**
   * Measures from now on what the revision's scaling asks for, of these replicas, in place of what was said before. Cheap
   * where nothing has changed. A revision whose class needs no metrics is forgotten.
   */
  watch(revision: Revision, replicas: readonly Replica[]): void
  forget(revision: RevisionName): void
  /** Never waits. undefined: it is not watched. */
  measured(revision: RevisionName): Measurements | undefined
}

/** Reads CPU and memory of replicas where they run. All that were asked for have an entry. */
export interface UsageSource {
  usage(
    replicas: readonly Replica[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaName, Measured<ResourceUsage>>>
}

/** Reads what the GPUs of replicas do, without asking the replicas. All that were asked for have an entry. */
export interface GpuSource {
  gpus(replicas: readonly Replica[], signal: AbortSignal): Promise<ReadonlyMap<ReplicaName, GpuUsage>>
}

/** Measures nothing: for tests and simulation. */
export const noMetricSources: MetricSources = {
  watch() {},
  forget() {},
  measured: () => undefined,
}
