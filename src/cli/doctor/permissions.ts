/** What a service account has to be allowed, as the rules of the chart grant it; a test compares the two. */
export interface Permission {
  readonly group: string
  /** With its subresource: `deployments/scale`. */
  readonly resource: string
  readonly verbs: readonly string[]
  /** Only in the namespace of the installation; otherwise everywhere. */
  readonly isLocal?: boolean
  readonly resourceName?: string
}

const READ = ['list', 'watch'] as const
/** Looked at before it is first written: what somebody else made is left alone. */
const OWN = ['get', ...READ, 'create', 'patch', 'delete'] as const
const GATEWAY_API = 'gateway.networking.k8s.io'
const KSERVE = 'serving.kserve.io'

const GATEWAY: readonly Permission[] = [
  { group: 'pilotlight.dev', resource: 'inferenceroutes', verbs: READ },
  { group: '', resource: 'pods', verbs: READ },
  { group: 'apps', resource: 'deployments/scale', verbs: ['get', 'patch'] },
]

const CONTROLLER: readonly Permission[] = [
  { group: KSERVE, resource: 'inferenceservices', verbs: READ },
  { group: KSERVE, resource: 'servingruntimes', verbs: READ },
  { group: KSERVE, resource: 'clusterservingruntimes', verbs: READ },
  { group: KSERVE, resource: 'clusterstoragecontainers', verbs: READ },
  { group: KSERVE, resource: 'inferenceservices/status', verbs: ['patch'] },
  { group: 'pilotlight.dev', resource: 'inferenceroutes', verbs: [...READ, 'create', 'patch'] },
  { group: 'apps', resource: 'deployments', verbs: [...READ, 'create', 'delete'] },
  { group: 'apps', resource: 'deployments/scale', verbs: ['patch'] },
  { group: '', resource: 'pods', verbs: [...READ, 'patch'] },
  { group: 'metrics.k8s.io', resource: 'pods', verbs: ['list'] },
  { group: '', resource: 'services', verbs: OWN },
  { group: '', resource: 'serviceaccounts', verbs: ['get'] },
  { group: '', resource: 'secrets', verbs: ['get'] },
  { group: '', resource: 'events', verbs: ['create', 'patch'] },
  { group: 'authentication.k8s.io', resource: 'tokenreviews', verbs: ['create'] },
  { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verbs: ['create'] },
  { group: 'coordination.k8s.io', resource: 'leases', verbs: ['create'], isLocal: true },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'update'],
    isLocal: true,
    resourceName: 'pilotlight-controller',
  },
]

/** What the controllers need, by how they are configured. */
export function controllerPermissions(config: {
  /** It brings runtimes: not beside a KServe, which has its own. */
  readonly shipsRuntimes: boolean
  readonly usesGatewayApi: boolean
  readonly usesIngress: boolean
}): readonly Permission[] {
  return [
    ...CONTROLLER,
    ...(config.shipsRuntimes
      ? ['clusterservingruntimes', 'clusterstoragecontainers'].map((resource) => ({
          group: KSERVE,
          resource,
          verbs: ['create', 'patch'],
        }))
      : []),
    ...(config.usesGatewayApi
      ? [
          { group: GATEWAY_API, resource: 'httproutes', verbs: OWN },
          {
            group: GATEWAY_API,
            resource: 'referencegrants',
            verbs: [...READ, 'create', 'patch', 'delete'],
            isLocal: true,
          },
        ]
      : []),
    ...(config.usesIngress ? [{ group: 'networking.k8s.io', resource: 'ingresses', verbs: OWN }] : []),
  ]
}

/** What the gateways need. */
export function gatewayPermissions(): readonly Permission[] {
  return GATEWAY
}
