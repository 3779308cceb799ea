import { dropManagedFields, type KubeObject } from './api/index.ts'

/** Of a container, as `replicas/pod.ts` reads it: environment, volumes and commands are most of a pod. */
const CONTAINER = ['name', 'image', 'ports', 'readinessProbe', 'restartPolicy']
const POD_SPEC = ['nodeName', 'readinessGates']
const POD_STATUS = [
  'phase',
  'reason',
  'message',
  'podIP',
  'conditions',
  'containerStatuses',
  'initContainerStatuses',
]

/** What we read of a pod: there may be tens of thousands, in every gateway and controller. */
export function keptOfPod(pod: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, spec, status } = dropManagedFields(pod)
  return {
    apiVersion,
    kind,
    metadata,
    spec: {
      ...pick(spec, POD_SPEC),
      ...containersOf(spec, 'containers'),
      ...containersOf(spec, 'initContainers'),
    },
    status: pick(status, POD_STATUS),
  }
}

/** What we read of a Deployment: how many, and what became of them. */
export function keptOfDeployment(deployment: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, spec, status } = dropManagedFields(deployment)
  return {
    apiVersion,
    kind,
    metadata,
    spec: pick(spec, ['replicas']),
    ...(status === undefined ? {} : { status }),
  }
}

/** What we read of an object that is known by the hash of what we applied. */
export function keptOfApplied(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = dropManagedFields(object)
  return { apiVersion, kind, metadata }
}

function containersOf(spec: unknown, field: 'containers' | 'initContainers'): Record<string, unknown> {
  const containers = pick(spec, [field])[field]
  return Array.isArray(containers)
    ? { [field]: containers.map((container: unknown) => pick(container, CONTAINER)) }
    : {}
}

function pick(value: unknown, fields: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([name]) => fields.includes(name)))
}
