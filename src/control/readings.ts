import {
  milliOfText,
  milliOfUnits,
  type EngineReading,
  type HpaPod,
  type Milli,
  type Reading,
  type Readings,
} from '../../autoscaler/index.ts'
import type {
  GatewayMetric,
  Measured,
  MeasuredReplica,
  Measurements,
  ReplicaMetric,
  ResourceUsage,
} from '../core/measurements.ts'
import type { Replica } from '../core/replica.ts'
import type { Revision, ScalingMetric } from '../core/revision.ts'

/** All that a class that goes by metrics is told of one revision. */
export interface Seen {
  readonly revision: Revision
  readonly replicas: readonly Replica[]
  /** undefined: nobody measures. */
  readonly measured: Measurements | undefined
  /** What gateways reported of the revision as a whole; NaN: nothing. */
  readonly gateway: (metric: GatewayMetric) => number
  readonly nowMs: number
}

/** What metric sources said, as `decide` takes it; undefined for a class that needs none. */
export function readingsOf(seen: Seen): Readings | undefined {
  switch (seen.revision.template.scaling.class) {
    case 'hpa':
      return hpaReadings(seen)
    case 'llm':
      return { engines: (seen.measured?.replicas ?? []).map(engineReading) }
    case 'kpa':
    case 'fixed':
    case 'external':
      return undefined
    default:
      return seen.revision.template.scaling.class satisfies never
  }
}

function hpaReadings(seen: Seen): Readings {
  const { metrics = [] } = seen.revision.template.scaling
  let queries = 0
  let series = 0
  return {
    pods: seen.replicas.map((replica) => podOf(replica, seen.revision)),
    metrics: metrics.map((metric) => {
      const nth = metric.kind === 'prometheus' ? queries++ : metric.kind === 'series' ? series++ : 0
      return readingOf(metric, nth, seen)
    }),
  }
}

/** @param nth which one it is of its kind. */
function readingOf(metric: ScalingMetric, nth: number, { measured, gateway }: Seen): Reading {
  if (metric.kind === 'gateway') {
    const value = milliOfUnits(gateway(metric.metric))
    return value === undefined
      ? { kind: 'unavailable', error: 'no gateway reported it lately' }
      : { kind: 'external', values: [value] }
  }
  if (measured === undefined) return { kind: 'unavailable', error: 'nothing measures it' }
  switch (metric.kind) {
    case 'resource':
      return resourceReading(measured.replicas)
    case 'replica':
      return podsReading(measured.replicas, ({ metrics }) => metrics[metric.metric])
    case 'series':
      return podsReading(measured.replicas, (replica) => replica.series[nth])
    case 'prometheus':
      return queryReading(measured.queries[nth])
    default:
      return metric satisfies never
  }
}

function queryReading(measured: Measured<readonly number[]> | undefined): Reading {
  if (measured === undefined) return { kind: 'unavailable', error: 'not asked yet' }
  if ('absent' in measured) return { kind: 'unavailable', error: measured.detail }
  return { kind: 'external', values: measured.value.flatMap((value) => milliOfUnits(value) ?? []) }
}

function podsReading(
  replicas: readonly MeasuredReplica[],
  valueOf: (replica: MeasuredReplica) => Measured<number> | undefined,
): Reading {
  const values: { pod: string; value: Milli }[] = []
  let gap: string | undefined
  for (const replica of replicas) {
    const measured = valueOf(replica)
    const value = measured !== undefined && 'value' in measured ? milliOfUnits(measured.value) : undefined
    if (value !== undefined) values.push({ pod: replica.replica, value })
    else gap ??= `${replica.replica}: ${gapOf(measured)}`
  }
  if (values.length > 0) return { kind: 'pods', values }
  return { kind: 'unavailable', error: gap ?? 'there is no ready replica' }
}

function resourceReading(replicas: readonly MeasuredReplica[]): Reading {
  const pods = replicas.flatMap(({ replica, usage }) =>
    usage !== undefined && 'value' in usage ? [usageOf(replica, usage.value, usage.atMs)] : [],
  )
  if (pods.length > 0) return { kind: 'resource', pods }
  const [first] = replicas
  if (first === undefined) return { kind: 'unavailable', error: 'there is no ready replica' }
  return { kind: 'unavailable', error: `${first.replica}: ${gapOf(first.usage)}` }
}

function usageOf(pod: string, { windowMs, containers }: ResourceUsage, atMs: number) {
  return {
    pod,
    atMs,
    windowMs,
    containers: containers.map(({ name, cpuCores, memoryBytes }) => ({
      name,
      usage: { cpu: milliOfUnits(cpuCores) ?? 0, memory: milliOfUnits(memoryBytes) ?? 0 },
    })),
  }
}

function gapOf(measured: Measured<unknown> | undefined): string {
  if (measured === undefined) return 'not measured'
  return 'absent' in measured ? measured.detail : 'no number'
}

/** A replica as the HPA knows a pod. One that failed is tried again, as a pod's container is: it still counts. */
function podOf({ name, phase, createdAtMs, sinceMs }: Replica, revision: Revision): HpaPod {
  const isPlaced = phase !== 'scheduling' && phase !== 'pulling'
  return {
    name,
    phase: isPlaced ? 'Running' : 'Pending',
    ...(phase === 'draining' ? { deleted: true } : {}),
    startMs: isPlaced ? createdAtMs : null,
    ready: { status: phase === 'ready' ? 'True' : 'False', transitionMs: sinceMs },
    containers: containersOf(revision),
  }
}

const requestsOfRevision = new WeakMap<Revision, NonNullable<HpaPod['containers']>>()

function containersOf(revision: Revision): NonNullable<HpaPod['containers']> {
  const known = requestsOfRevision.get(revision)
  if (known !== undefined) return known
  const { podSpec, requests } = revision.template.replica
  const [own, ...others] = Array.isArray(podSpec['containers']) ? podSpec['containers'].map(containerOf) : []
  const containers = [{ name: own?.name ?? 'kserve-container', requests: milliRequests(requests) }, ...others]
  requestsOfRevision.set(revision, containers)
  return containers
}

/** A container beside the one that serves, as the manifest has it. */
function containerOf(container: unknown): { name: string; requests: Readonly<Record<string, Milli>> } {
  const { name, resources } = fieldsOf(container)
  return {
    name: typeof name === 'string' ? name : 'kserve-container',
    requests: milliRequests(fieldsOf(fieldsOf(resources)['requests'])),
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function milliRequests(requests: Readonly<Record<string, unknown>>): Readonly<Record<string, Milli>> {
  return Object.fromEntries(
    Object.entries(requests).flatMap(([resource, quantity]) => {
      const amount =
        typeof quantity === 'string' || typeof quantity === 'number' ? milliOfText(quantity) : undefined
      return amount === undefined ? [] : [[resource, amount]]
    }),
  )
}

/** What makes a reading of nothing, and not of an engine that lacks a field. */
const SILENT = new Set(['not scraped', 'stale', 'engine unknown'])
/** A field that the engine does not have, or nothing to take a mean of. */
const LEFT_OUT = new Set([
  'not exported',
  'nothing counted',
  'one scrape so far',
  'counter went back',
  'series changed',
])

const ENGINE_FIELDS = [
  ['running', 'running'],
  ['waiting', 'waiting'],
  ['kv', 'kv-cache'],
  ['capacity', 'running-max'],
  ['ttftMs', 'ttft'],
  ['itlMs', 'itl'],
] as const satisfies readonly (readonly [string, ReplicaMetric])[]

function engineReading({ replica, metrics }: MeasuredReplica): EngineReading {
  const fields: Partial<Record<(typeof ENGINE_FIELDS)[number][0], number>> = {}
  let atMs = Infinity
  let silence: string | undefined
  for (const [field, metric] of ENGINE_FIELDS) {
    const measured = metrics[metric]
    if (measured === undefined) continue
    if ('value' in measured) {
      fields[field] = measured.value
      atMs = Math.min(atMs, measured.atMs)
    } else if (SILENT.has(measured.absent)) silence ??= measured.detail
    // Whatever was read in place of a number is handed on, so that the decision can say so.
    else if (!LEFT_OUT.has(measured.absent)) fields[field] = Number.NaN
  }
  if (Number.isFinite(atMs)) return { replica, atMs, ...fields }
  return { replica, error: silence ?? 'its engine says nothing of its load' }
}
