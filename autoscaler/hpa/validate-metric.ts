import { forbidden, invalid, notSupported, required, type Cause } from './cause.ts'
import type { ManifestMetric, ManifestTarget } from './manifest.ts'
import { containerResourceCauses, labelCauses, referenceCauses, segmentCauses } from './names.ts'
import { textOfQuantity, type Quantity } from './quantity.ts'

const TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'] as const

/** The part of a metric that belongs to its type, in the order in which they are looked at. */
const SOURCES = ['object', 'external', 'pods', 'resource', 'containerResource'] as const
const SOURCE_OF = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
} as const satisfies Record<(typeof TYPES)[number], (typeof SOURCES)[number]>

/** What is wrong with one metric. Of several sources only the first is looked into. */
export function metricCauses(field: string, metric: ManifestMetric): Cause[] {
  const type = TYPES.find((known) => known === metric.type)
  const own = type === undefined ? undefined : SOURCE_OF[type]
  const present = SOURCES.filter((source) => metric[source] != null)
  const [first] = present
  return [
    ...(metric.type === '' ? [required(`${field}.type`, 'must specify a metric source type')] : []),
    ...(type === undefined ? [notSupported(`${field}.type`, metric.type, TYPES)] : []),
    ...(first === undefined ? [] : sourceCauses(`${field}.${first}`, first, metric)),
    ...(own !== undefined && metric[own] == null
      ? [required(`${field}.${own}`, 'must populate information for the given metric source')]
      : []),
    ...(present.length === 1 ? [] : present)
      .filter((source) => source !== own)
      .map((source) => forbidden(`${field}.${source}`, 'must populate the given metric source only')),
  ]
}

function sourceCauses(field: string, source: (typeof SOURCES)[number], metric: ManifestMetric): Cause[] {
  const { object, external, pods, resource, containerResource } = metric
  switch (source) {
    case 'object':
      return object == null ? [] : objectCauses(field, object)
    case 'external':
      return external == null ? [] : externalCauses(field, external)
    case 'pods':
      return pods == null ? [] : podsCauses(field, pods)
    case 'resource':
      return resource == null ? [] : resourceCauses(field, resource)
    case 'containerResource':
      return containerResource == null ? [] : containerCauses(field, containerResource)
    default:
      return source satisfies never
  }
}

function objectCauses(field: string, source: NonNullable<ManifestMetric['object']>): Cause[] {
  const { describedObject, metric, target } = source
  const isEmpty = target.value == null && target.averageValue == null
  return [
    ...referenceCauses(`${field}.describedObject`, describedObject, { needsGroup: false }),
    ...nameCauses(`${field}.metric.name`, metric.name),
    ...targetCauses(`${field}.target`, target),
    ...(isEmpty
      ? [required(`${field}.target.averageValue`, 'must set either a target value or averageValue')]
      : []),
  ]
}

function externalCauses(field: string, source: NonNullable<ManifestMetric['external']>): Cause[] {
  const { metric, target } = source
  const hasValue = target.value != null
  const hasAverage = target.averageValue != null
  const neither = 'must set either a target value for metric or a per-pod target'
  const both = 'may not set both a target value for metric and a per-pod target'
  return [
    ...nameCauses(`${field}.metric.name`, metric.name),
    ...targetCauses(`${field}.target`, target),
    ...(!hasValue && !hasAverage ? [required(`${field}.target.averageValue`, neither)] : []),
    ...(hasValue && hasAverage ? [forbidden(`${field}.target.value`, both)] : []),
  ]
}

function podsCauses(field: string, source: NonNullable<ManifestMetric['pods']>): Cause[] {
  const { metric, target } = source
  const isPositive = target.averageValue != null && target.averageValue.digits > 0n
  return [
    ...nameCauses(`${field}.metric.name`, metric.name),
    ...targetCauses(`${field}.target`, target),
    ...(isPositive
      ? []
      : [required(`${field}.target.averageValue`, 'must specify a positive target averageValue')]),
  ]
}

function resourceCauses(field: string, source: NonNullable<ManifestMetric['resource']>): Cause[] {
  return [
    ...(source.name === '' ? [required(`${field}.name`, 'must specify a resource name')] : []),
    ...targetCauses(`${field}.target`, source.target),
    ...shareCauses(`${field}.target`, source.target),
  ]
}

function containerCauses(field: string, source: NonNullable<ManifestMetric['containerResource']>): Cause[] {
  const { name, container, target } = source
  return [
    ...(name === ''
      ? [required(`${field}.name`, 'must specify a resource name')]
      : containerResourceCauses(`${field}.name`, name)),
    ...(container === ''
      ? [required(`${field}.container`, 'must specify a container')]
      : labelCauses(`${field}.container`, container)),
    ...targetCauses(`${field}.target`, target),
    ...shareCauses(`${field}.target`, target),
  ]
}

/** Of a resource either a share of the request or an amount. */
function shareCauses(field: string, { averageUtilization, averageValue }: ManifestTarget): Cause[] {
  if (averageUtilization == null && averageValue == null) {
    const detail = 'must set either a target raw value or a target utilization'
    return [required(`${field}.averageUtilization`, detail)]
  }
  if (averageUtilization == null || averageValue == null) return []
  return [forbidden(`${field}.averageValue`, 'may not set both a target raw value and a target utilization')]
}

function nameCauses(field: string, name: string): Cause[] {
  return name === '' ? [required(field, 'must specify a metric name')] : segmentCauses(field, name)
}

/** The type has to be a known word; it need not be that of the field that is set. */
function targetCauses(field: string, target: ManifestTarget): Cause[] {
  const { type, averageUtilization, averageValue, value } = target
  const isKnown = ['Utilization', 'Value', 'AverageValue'].includes(type)
  return [
    ...(type === '' ? [required(`${field}.type`, 'must specify a metric target type')] : []),
    ...(isKnown
      ? []
      : [invalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...positiveCauses(`${field}.value`, value),
    ...positiveCauses(`${field}.averageValue`, averageValue),
    ...(averageUtilization != null && averageUtilization < 1
      ? [invalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0')]
      : []),
  ]
}

function positiveCauses(field: string, quantity: Quantity | null | undefined): Cause[] {
  if (quantity == null || quantity.digits > 0n) return []
  return [invalid(field, textOfQuantity(quantity), 'must be positive')]
}
