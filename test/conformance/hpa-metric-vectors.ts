import { z } from 'zod'
import { hpaPolicyOf, type HpaMetricSpec, type Reading } from '../../autoscaler/hpa/index.ts'
import { milliOf } from '../../autoscaler/hpa/milli.ts'
import { classifyPods } from '../../autoscaler/hpa/pods.ts'
import { propose, type Proposal } from '../../autoscaler/hpa/propose.ts'
import { podRequestsOf } from '../../autoscaler/hpa/requests.ts'
import { resourceSamples } from '../../autoscaler/hpa/samples.ts'
import { difference, first } from './compare.ts'
import {
  externalMetric,
  externalReading,
  gates,
  milli,
  NOW_MS,
  objectMetric,
  objectReading,
  podOf,
  podShape,
  podsMetric,
  podsReading,
  quantityOf,
  resourceMetrics,
  resourceReading,
  settingsOf,
} from './hpa-shapes.ts'
import { vectorKind } from './vector-kind.ts'

/** Replicas proposed by one metric alone. */

const situation = z.object({
  current_replicas: z.number(),
  tolerance_down: z.number().nullish(),
  tolerance_up: z.number().nullish(),
  cpu_initialization_period_ms: z.number().nullish(),
  initial_readiness_delay_ms: z.number().nullish(),
  feature_gates: gates,
  pods: z.array(podShape).nullish(),
})
type Situation = z.infer<typeof situation>

const estimate = z.object({
  replicas: z.number().optional(),
  utilization: z.number().optional(),
  average_milli: milli.optional(),
  usage_milli: milli.optional(),
  error: z.string().optional(),
  platform_defined: z.array(z.string()).optional(),
})

function proposed(input: Situation, metric: HpaMetricSpec, reading: Reading): Proposal {
  const policy = hpaPolicyOf({ maxReplicas: 1000, metrics: [metric] }, settingsOf(input))
  const [spec] = policy.metrics
  if (spec === undefined) throw new Error('the policy has no metric')
  return propose(policy, spec, reading, {
    nowMs: NOW_MS,
    replicas: input.current_replicas,
    present: input.current_replicas,
    pods: (input.pods ?? []).map(podOf),
    readings: [reading],
  })
}

/** @param words whether the text of an error is compared as well: some name Kubernetes' own objects. */
function compare(
  proposal: Proposal,
  expected: z.infer<typeof estimate>,
  words: 'same words' | 'any words',
): string | undefined {
  if (!proposal.ok || expected.error !== undefined) {
    const error = proposal.ok ? undefined : proposal.error
    if (words === 'same words') return difference('error', error, expected.error)
    return difference('fails', error !== undefined, expected.error !== undefined)
  }
  const { replicas, utilization, averageValue, value } = proposal
  const average = averageValue === undefined ? undefined : milliOf(averageValue)
  const usage = average ?? (value === undefined ? undefined : milliOf(value))
  const isCompared = (field: string): boolean => !(expected.platform_defined ?? []).includes(field)
  return first([
    isCompared('replicas') ? difference('replicas', replicas, expected.replicas) : undefined,
    difference('utilization', utilization, expected.utilization),
    expected.average_milli === undefined
      ? undefined
      : difference('average_milli', average, expected.average_milli),
    expected.usage_milli === undefined || !isCompared('usage_milli')
      ? undefined
      : difference('usage_milli', usage, expected.usage_milli),
  ])
}

const resourceInput = situation.extend({
  resource: z.string(),
  container: z.string().nullish(),
  resource_metrics: resourceMetrics.nullish(),
})

function resourceMetricSpec(
  { resource, container }: z.infer<typeof resourceInput>,
  target: { readonly averageUtilization?: number; readonly averageValue?: string },
): HpaMetricSpec {
  return container
    ? { type: 'ContainerResource', containerResource: { name: resource, container, target } }
    : { type: 'Resource', resource: { name: resource, target } }
}

const resourceCase = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('resource_utilization'),
    input: resourceInput.extend({ target_utilization: z.number() }),
    expected: estimate,
  }),
  z.object({
    op: z.literal('resource_average_value'),
    input: resourceInput.extend({ target_milli: milli }),
    expected: estimate,
  }),
  z.object({
    op: z.literal('group_pods'),
    input: resourceInput,
    expected: z.object({
      ready_pod_count: z.number(),
      unready: z.array(z.string()).nullish(),
      missing: z.array(z.string()).nullish(),
      ignored: z.array(z.string()).nullish(),
    }),
  }),
  z.object({
    op: z.literal('pod_requests'),
    input: resourceInput,
    expected: z.object({
      requests_milli: z.record(z.string(), milli).optional(),
      error: z.string().optional(),
    }),
  }),
])

export const hpaResourceUtilization = vectorKind('hpa_resource_utilization', resourceCase, (vector) => {
  const { input } = vector
  const reading = resourceReading(input.resource_metrics)
  switch (vector.op) {
    case 'resource_utilization': {
      const target = { averageUtilization: vector.input.target_utilization }
      return compare(
        proposed(input, resourceMetricSpec(input, target), reading),
        vector.expected,
        'same words',
      )
    }
    case 'resource_average_value': {
      const target = { averageValue: quantityOf(vector.input.target_milli) }
      return compare(
        proposed(input, resourceMetricSpec(input, target), reading),
        vector.expected,
        'same words',
      )
    }
    case 'group_pods':
      return compareClasses(input, reading, vector.expected)
    case 'pod_requests':
      return compareRequests(input, vector.expected)
    default:
      return vector satisfies never
  }
})

function compareClasses(
  input: z.infer<typeof resourceInput>,
  reading: Reading,
  expected: Extract<z.infer<typeof resourceCase>, { op: 'group_pods' }>['expected'],
): string | undefined {
  const samples = resourceSamples(reading, { resource: input.resource })
  const { cpuInitializationPeriodMs, initialReadinessDelayMs } = settingsOf(input)
  const classes = classifyPods((input.pods ?? []).map(podOf), samples.ok ? samples.value : new Map(), {
    nowMs: NOW_MS,
    cpuInitializationPeriodMs,
    initialReadinessDelayMs,
    resource: input.resource,
  })
  return first([
    difference('ready_pod_count', classes.ready, expected.ready_pod_count),
    ...(['unready', 'missing', 'ignored'] as const).map((name) =>
      difference(name, classes[name].toSorted(), expected[name] ?? []),
    ),
  ])
}

function compareRequests(
  input: z.infer<typeof resourceInput>,
  expected: Extract<z.infer<typeof resourceCase>, { op: 'pod_requests' }>['expected'],
): string | undefined {
  const asked = podRequestsOf((input.pods ?? []).map(podOf), {
    resource: input.resource,
    container: input.container ?? undefined,
    podLevelResources: settingsOf(input).podLevelResources,
  })
  if (!asked.ok) return difference('error', asked.error, expected.error)
  const requests = [...asked.requests].map(([name, request]) => [name, milliOf(request)] as const)
  return first([
    difference('error', undefined, expected.error),
    difference(
      'requests_milli',
      requests.toSorted(([a], [b]) => a.localeCompare(b)),
      Object.entries(expected.requests_milli ?? {}).toSorted(([a], [b]) => a.localeCompare(b)),
    ),
  ])
}

export const hpaPodsMetric = vectorKind(
  'hpa_pods_metric',
  z.object({
    op: z.literal('pods_average_value'),
    input: situation.extend({ target_milli: milli, pods_metric: podsMetric.nullish() }),
    expected: estimate,
  }),
  ({ input, expected }) => {
    const target = { averageValue: quantityOf(input.target_milli) }
    const metric = { type: 'Pods', pods: { metric: { name: 'm' }, target } }
    return compare(proposed(input, metric, podsReading(input.pods_metric)), expected, 'same words')
  },
)

export const hpaExternalObject = vectorKind(
  'hpa_external_object',
  z.object({
    op: z.enum(['object_value', 'object_average_value', 'external_value', 'external_average_value']),
    input: situation.extend({
      target_milli: milli,
      object_metric: objectMetric.nullish(),
      external_metric: externalMetric.nullish(),
    }),
    expected: estimate,
  }),
  ({ op, input, expected }) => {
    const quantity = quantityOf(input.target_milli)
    const target = op.endsWith('average_value')
      ? { type: 'AverageValue', averageValue: quantity }
      : { type: 'Value', value: quantity }
    const metric = { name: 'm' }
    const describedObject = { kind: 'Service', name: 'svc' }
    const proposal = op.startsWith('object')
      ? proposed(
          input,
          { type: 'Object', object: { describedObject, metric, target } },
          objectReading(input.object_metric),
        )
      : proposed(
          input,
          { type: 'External', external: { metric, target } },
          externalReading(input.external_metric),
        )
    return compare(proposal, expected, 'any words')
  },
)
