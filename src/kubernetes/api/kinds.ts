import type { KubeObject } from './kube-object.ts'

/** A kind of objects and where the API server keeps them: `{ group: 'apps', version: 'v1', plural: 'deployments', ... }`. */
export interface ResourceKind {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const namespaced = (group: string, version: string, plural: string, kind: string): ResourceKind =>
  Object.freeze({ group, version, plural, kind, namespaced: true })
const clusterWide = (group: string, version: string, plural: string, kind: string): ResourceKind =>
  Object.freeze({ group, version, plural, kind, namespaced: false })

/** Every kind that Pilotlight reads or writes. */
export const KINDS = {
  pods: namespaced('', 'v1', 'pods', 'Pod'),
  services: namespaced('', 'v1', 'services', 'Service'),
  endpoints: namespaced('', 'v1', 'endpoints', 'Endpoints'),
  events: namespaced('', 'v1', 'events', 'Event'),
  secrets: namespaced('', 'v1', 'secrets', 'Secret'),
  serviceAccounts: namespaced('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  configMaps: namespaced('', 'v1', 'configmaps', 'ConfigMap'),
  persistentVolumeClaims: namespaced('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  resourceQuotas: namespaced('', 'v1', 'resourcequotas', 'ResourceQuota'),
  nodes: clusterWide('', 'v1', 'nodes', 'Node'),
  namespaces: clusterWide('', 'v1', 'namespaces', 'Namespace'),
  deployments: namespaced('apps', 'v1', 'deployments', 'Deployment'),
  replicaSets: namespaced('apps', 'v1', 'replicasets', 'ReplicaSet'),
  leases: namespaced('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  endpointSlices: namespaced('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  ingresses: namespaced('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  ingressClasses: clusterWide('networking.k8s.io', 'v1', 'ingressclasses', 'IngressClass'),
  httpRoutes: namespaced('gateway.networking.k8s.io', 'v1', 'httproutes', 'HTTPRoute'),
  referenceGrants: namespaced('gateway.networking.k8s.io', 'v1beta1', 'referencegrants', 'ReferenceGrant'),
  gateways: namespaced('gateway.networking.k8s.io', 'v1', 'gateways', 'Gateway'),
  podDisruptionBudgets: namespaced('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  customResourceDefinitions: clusterWide(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
  ),
  inferenceServices: namespaced('serving.kserve.io', 'v1beta1', 'inferenceservices', 'InferenceService'),
  servingRuntimes: namespaced('serving.kserve.io', 'v1alpha1', 'servingruntimes', 'ServingRuntime'),
  clusterServingRuntimes: clusterWide(
    'serving.kserve.io',
    'v1alpha1',
    'clusterservingruntimes',
    'ClusterServingRuntime',
  ),
  clusterStorageContainers: clusterWide(
    'serving.kserve.io',
    'v1alpha1',
    'clusterstoragecontainers',
    'ClusterStorageContainer',
  ),
  podMetrics: namespaced('metrics.k8s.io', 'v1beta1', 'pods', 'PodMetrics'),
  inferenceRoutes: namespaced('pilotlight.dev', 'v1alpha1', 'inferenceroutes', 'InferenceRoute'),
} as const satisfies Readonly<Record<string, ResourceKind>>

const byGroupKind = new Map<string, ResourceKind>(
  Object.values(KINDS).map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]),
)

/** `v1` for pods, `apps/v1` for Deployments. */
export function apiVersionOf(kind: ResourceKind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
}

/** The kind of an object, by its `apiVersion` and `kind`. @throws Error for one that is not in `KINDS`. */
export function kindOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): ResourceKind {
  const kind = byGroupKind.get(`${object.apiVersion} ${object.kind}`)
  if (kind === undefined) {
    throw new Error(
      `kind ${object.kind} of apiVersion ${object.apiVersion} is unknown here; known are ${[...byGroupKind.keys()].join(', ')}: ` +
        `hand in its ResourceKind`,
    )
  }
  return kind
}

/**
 * `/apis/apps/v1/namespaces/ml/deployments/iris/scale`; without a name the collection, without a namespace that of all
 * namespaces. @throws Error when a name is asked for in a namespaced kind without a namespace.
 */
export function pathOf(
  kind: ResourceKind,
  at: {
    readonly namespace?: string | undefined
    readonly name?: string | undefined
    readonly subresource?: string | undefined
  } = {},
): string {
  const { namespace, name, subresource } = at
  if (kind.namespaced && name !== undefined && namespace === undefined) {
    throw new Error(`${kind.kind} ${name}: a namespace is needed`)
  }
  let path = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  if (kind.namespaced && namespace !== undefined) path += `/namespaces/${encodeURIComponent(namespace)}`
  path += `/${kind.plural}`
  if (name !== undefined) path += `/${encodeURIComponent(name)}`
  if (subresource !== undefined) path += `/${subresource}`
  return path
}
