import {
  GATEWAY_METRICS,
  REPLICA_METRICS,
  SHARE_METRICS,
  type GatewayMetric,
  type ReplicaMetric,
} from '../core/measurements.ts'
import type { MetricTarget, ScalingMetric } from '../core/revision.ts'
import type { AutoScaling, MetricTarget as WrittenTarget } from './schema/inference-service.ts'

/** What a manifest names a metric by, beside our own names. */
const ALIASES: Readonly<Record<string, ReplicaMetric | GatewayMetric | 'cpu' | 'memory'>> = {
  'cpu-utilization': 'cpu',
  'memory-utilization': 'memory',
  gpu: 'gpu-utilization',
  'gpu-memory-utilization': 'gpu-memory',
  'kv-cache-utilization': 'kv-cache',
  'kv-cache-usage': 'kv-cache',
  'num-requests-running': 'running',
  'requests-running': 'running',
  'num-requests-waiting': 'waiting',
  'requests-waiting': 'waiting',
  'time-to-first-token': 'ttft',
  'inter-token-latency': 'itl',
  tpot: 'itl',
}

/** Where a manifest names a metric and no target. In percent for shares; of others there is no sensible one. */
const DEFAULT_TARGETS: Readonly<Record<string, number>> = {
  cpu: 80,
  memory: 80,
  'gpu-utilization': 70,
  'gpu-memory': 80,
  'kv-cache': 80,
  waiting: 5,
  'queue-depth': 5,
}

export const METRIC_NAMES: readonly string[] = [
  'concurrency',
  'rps',
  'cpu',
  'memory',
  ...REPLICA_METRICS,
  ...GATEWAY_METRICS,
]

/** A number as an annotation or a quantity has it: `70`, `0.5`, `500m`, `1Gi`. */
const QUANTITY = /^\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/

/** `gpu_utilization`, `GPU-Utilization` and `gpu` are one. */
function canonical(name: string): string {
  const plain = name.trim().toLowerCase().replaceAll('_', '-')
  return ALIASES[plain] ?? plain
}

/**
 * The metric of a name and a target, as annotations give them.
 * @param field that names it, for messages
 * @returns the metric; what is wrong with it; undefined for concurrency and rps, which are not for class hpa
 */
export function namedMetric(
  name: string,
  target: string | undefined,
  field: string,
): ScalingMetric | { readonly problem: string } | undefined {
  const known = canonical(name)
  if (known === 'concurrency' || known === 'rps') return undefined
  if (!METRIC_NAMES.includes(known)) {
    return {
      problem: `${field}: ${JSON.stringify(name)} is no metric; ${METRIC_NAMES.join(', ')} are allowed`,
    }
  }
  const isShare = known === 'cpu' || known === 'memory' || [...SHARE_METRICS].some((share) => share === known)
  const value = target ?? DEFAULT_TARGETS[known]
  if (value === undefined) return { problem: `${field}: ${name} needs a target` }
  const problem = isShare ? percentProblem(value) : quantityProblem(value)
  if (problem !== undefined)
    return { problem: `${field}: the target of ${name} is ${JSON.stringify(value)}; ${problem}` }
  const aim: MetricTarget = {
    type: isShare ? 'Utilization' : 'AverageValue',
    value: isShare ? Number(value) : value,
  }
  if (known === 'cpu' || known === 'memory') return { kind: 'resource', resource: known, target: aim }
  const gateway = GATEWAY_METRICS.find((metric) => metric === known)
  if (gateway !== undefined) return { kind: 'gateway', metric: gateway, target: aim }
  const replica = REPLICA_METRICS.find((metric) => metric === known)
  return replica === undefined ? undefined : { kind: 'replica', metric: replica, target: aim }
}

function percentProblem(value: string | number): string | undefined {
  const percent = Number(value)
  // A share of the request may be above it, where there is a limit that is higher.
  return percent > 0 && percent <= 1_000 ? undefined : 'a percentage above 0 is allowed, such as 70'
}

function quantityProblem(value: string | number): string | undefined {
  const text = String(value)
  return QUANTITY.test(text) && Number.parseFloat(text) > 0
    ? undefined
    : 'an amount above 0 is allowed, such as 5, 0.5 or 500m'
}

type WrittenMetric = NonNullable<AutoScaling['metrics']>[number]

/** One of `autoScaling.metrics`, or why it is left out. */
export function writtenMetric(
  metric: WrittenMetric,
  field: string,
): ScalingMetric | { readonly problem: string } {
  switch (metric.type) {
    case 'Resource':
      return resourceMetric(metric, field)
    case 'External':
      return externalMetric(metric, `${field}.external`)
    case 'PodMetric':
      return podMetric(metric, `${field}.podmetric`)
    default:
      return {
        problem: `${field}.type: ${String(metric.type)} is unknown; Resource, External and PodMetric are allowed`,
      }
  }
}

function resourceMetric(
  { resource }: WrittenMetric,
  field: string,
): ScalingMetric | { readonly problem: string } {
  const name = resource?.name
  if (name === undefined) return { problem: `${field}.resource.name is missing; cpu and memory are allowed` }
  const target = targetOf(resource?.target, {
    field: `${field}.resource.target`,
    isShare: true,
    fallback: 80,
  })
  return 'problem' in target ? target : { kind: 'resource', resource: name, target }
}

function externalMetric(
  { external }: WrittenMetric,
  field: string,
): ScalingMetric | { readonly problem: string } {
  const { backend = 'prometheus', query = '', serverAddress = '', namespace = '' } = external?.metric ?? {}
  if (backend !== 'prometheus') {
    return { problem: `${field}.metric.backend: ${backend} is not asked; prometheus is allowed` }
  }
  if (external?.authenticationRef !== undefined) {
    return {
      problem: `${field}.authenticationRef has no effect: the token of metrics.prometheus.bearerTokenFile is sent to metrics.prometheus.url alone`,
    }
  }
  return prometheusMetric({ query, serverAddress, namespace }, external?.target, field)
}

function prometheusMetric(
  {
    query,
    serverAddress,
    namespace = '',
  }: { readonly query: string; readonly serverAddress: string; readonly namespace?: string },
  target: WrittenTarget | undefined,
  field: string,
): ScalingMetric | { readonly problem: string } {
  if (query === '') return { problem: `${field}.metric.query is missing; a PromQL query is allowed` }
  if (serverAddress !== '' && !/^https?:\/\/[^\s/]+/.test(serverAddress)) {
    return {
      problem: `${field}.metric.serverAddress: ${JSON.stringify(serverAddress)} is no address; http://host:port is allowed`,
    }
  }
  const aim = targetOf(target, { field: `${field}.target`, isShare: false })
  if ('problem' in aim) return aim
  return {
    kind: 'prometheus',
    query,
    ...(serverAddress === '' ? {} : { server: serverAddress }),
    ...(namespace === '' ? {} : { namespace }),
    target: aim,
  }
}

const SELECTOR = /^\s*[a-zA-Z_:][\w:]*\s*(?:\{[^{}]*\}\s*)?$/
const OVER_TIME = ['avg', 'max', 'min', 'rate', 'count', 'last_one'] as const

/** KServe hands it to a collector beside each pod; we read it from the replicas themselves. */
function podMetric(
  { podmetric }: WrittenMetric,
  field: string,
): ScalingMetric | { readonly problem: string } {
  const {
    query: written = '',
    metricNames = [],
    serverAddress = '',
    operationOverTime,
  } = podmetric?.metric ?? {}
  const query = written === '' ? (metricNames[0] ?? '') : written
  if (query === '') return { problem: `${field}.metric.query is missing; name{label="value"} is allowed` }
  if (!SELECTOR.test(query)) {
    if (serverAddress !== '') return prometheusMetric({ query, serverAddress }, podmetric?.target, field)
    return {
      problem: `${field}.metric.query: ${JSON.stringify(query)} is no plain series; name{label="value"} is allowed, or a serverAddress of a Prometheus server`,
    }
  }
  const overTime = OVER_TIME.find((known) => known === operationOverTime)
  if (operationOverTime !== undefined && operationOverTime !== '' && overTime === undefined) {
    return {
      problem: `${field}.metric.operationOverTime: ${JSON.stringify(operationOverTime)} is unknown; ${OVER_TIME.join(', ')} are allowed`,
    }
  }
  const target = targetOf(podmetric?.target, { field: `${field}.target`, isShare: false })
  if ('problem' in target) return target
  return { kind: 'series', query, ...(overTime === undefined ? {} : { overTime }), target }
}

/** A target as the manifest has it. KServe's examples put the amount into `value` whatever the type is. */
function targetOf(
  target: WrittenTarget | undefined,
  {
    field,
    isShare,
    fallback,
  }: { readonly field: string; readonly isShare: boolean; readonly fallback?: number },
): MetricTarget | { readonly problem: string } {
  const {
    type = isShare ? 'Utilization' : 'AverageValue',
    value,
    averageValue,
    averageUtilization,
  } = target ?? {}
  const own = { Utilization: averageUtilization, AverageValue: averageValue, Value: value }[type]
  const amount = own ?? value ?? averageValue ?? averageUtilization ?? fallback
  if (amount === undefined)
    return { problem: `${field} has no amount; value, averageValue and averageUtilization are allowed` }
  const problem = type === 'Utilization' ? percentProblem(amount) : quantityProblem(amount)
  return problem === undefined
    ? { type, value: type === 'Utilization' ? Number(amount) : amount }
    : { problem: `${field}: ${JSON.stringify(amount)} is not allowed; ${problem}` }
}
