import { parse } from 'yaml'
import { parseRfc3339 } from '../../core/rfc3339.ts'
import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import { GATEWAY_PODS } from '../../kubernetes/members.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { podFacts, type PodFacts } from '../cluster/pods.ts'
import { attempt, ifThere } from './attempt.ts'
import type {
  DeploymentFacts,
  InstallationFacts,
  InstalledConfig,
  LeaseFacts,
  MissingPermission,
  ServiceFacts,
} from './facts.ts'
import type { Read } from './finding.ts'
import { controllerPermissions, gatewayPermissions, type Permission } from './permissions.ts'

const COMPONENT = 'app.kubernetes.io/component'
const OURS = 'app.kubernetes.io/name=pilotlight'
const LEASE = 'pilotlight-controller'

export async function readInstallation(
  cluster: Cluster,
  namespace: string,
  controllers: Read<readonly PodFacts[]>,
): Promise<InstallationFacts> {
  const { client } = cluster
  const podsOf = async (labelSelector: string): Promise<readonly PodFacts[]> =>
    (await client.list(KINDS.pods, { namespace, labelSelector })).items.map(podFacts)
  const [deployments, config] = await Promise.all([
    attempt(readDeployments(cluster, namespace)),
    attempt(readInstalledConfig(cluster, namespace)),
  ])
  const [gateways, redis, lease, gatewayService, missingPermissions] = await Promise.all([
    attempt(podsOf(GATEWAY_PODS)),
    attempt(podsOf(`${OURS},${COMPONENT}=redis`)),
    attempt(readLease(cluster, namespace)),
    attempt(readGatewayService(cluster, namespace)),
    attempt(readMissingPermissions(cluster, namespace, { deployments, config })),
  ])
  return {
    namespace,
    deployments,
    controllers,
    gateways,
    redis,
    lease,
    config,
    gatewayService,
    missingPermissions,
  }
}

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number
    readonly template?: { readonly spec?: { readonly serviceAccountName?: string } }
  }
}

async function readDeployments(
  { client }: Cluster,
  namespace: string,
): Promise<ReadonlyMap<string, DeploymentFacts>> {
  const { items } = await client.list<Deployment>(KINDS.deployments, { namespace, labelSelector: OURS })
  return new Map(
    items.map(({ metadata, spec }) => [
      metadata.labels?.[COMPONENT] ?? '',
      {
        name: metadata.name,
        wanted: spec?.replicas ?? 1,
        serviceAccount: spec?.template?.spec?.serviceAccountName ?? 'default',
      },
    ]),
  )
}

/** The file that gateways and controllers read; defaults where there is none. */
async function readInstalledConfig({ client }: Cluster, namespace: string): Promise<InstalledConfig> {
  const labelSelector = `${OURS},${COMPONENT}=config`
  const { items } = await client.list<KubeObject & { readonly data?: Readonly<Record<string, string>> }>(
    KINDS.configMaps,
    { namespace, labelSelector },
  )
  const text = items.map(({ data }) => data?.['pilotlight.yaml']).find((one) => one !== undefined) ?? '{}'
  const { kubernetes }: { kubernetes?: Partial<KubernetesSection> } = parse(text) ?? {}
  return {
    adopt: kubernetes?.adopt ?? false,
    parentRefs: kubernetes?.gatewayApi?.parentRefs?.length ?? 0,
    ingressClassName: kubernetes?.ingressClassName,
  }
}

interface KubernetesSection {
  readonly adopt: boolean
  readonly gatewayApi: { readonly parentRefs?: readonly unknown[] }
  readonly ingressClassName: string
}

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly renewTime?: string
    readonly leaseDurationSeconds?: number
  }
}

async function readLease({ client }: Cluster, namespace: string): Promise<LeaseFacts | undefined> {
  const lease = await ifThere(client.get<Lease>(KINDS.leases, namespace, LEASE))
  if (lease === undefined) return undefined
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 0 } = lease.spec ?? {}
  return {
    // The pod's name, and what tells its processes apart.
    holder: holderIdentity.replace(/_[^_]*$/, ''),
    renewedAtMs: parseRfc3339(renewTime) ?? 0,
    durationMs: leaseDurationSeconds * 1000,
  }
}

interface Service extends KubeObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly { readonly nodePort?: number }[] }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
    }
  }
}

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[]
}

/** The Service that callers use: of those of the gateway, the one without a cluster-internal port only. */
async function readGatewayService({ client }: Cluster, namespace: string): Promise<ServiceFacts | undefined> {
  const { items } = await client.list<Service>(KINDS.services, { namespace, labelSelector: OURS })
  const service = items.find(({ metadata }) => metadata.name.endsWith('-gateway'))
  if (service === undefined) return undefined
  const { name } = service.metadata
  const labelSelector = `kubernetes.io/service-name=${name}`
  const slices = await client.list<EndpointSlice>(KINDS.endpointSlices, { namespace, labelSelector })
  const { type = 'ClusterIP', ports = [] } = service.spec ?? {}
  const balanced = service.status?.loadBalancer?.ingress ?? []
  return {
    name,
    type,
    readyEndpoints: slices.items
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false).length,
    externalAddresses:
      type === 'NodePort'
        ? ports.flatMap(({ nodePort }) => (nodePort === undefined ? [] : [`port ${nodePort} of every node`]))
        : balanced.flatMap(({ ip, hostname }) => ip ?? hostname ?? []),
  }
}

/** Asks the API server about each rule that an account needs. */
async function readMissingPermissions(
  cluster: Cluster,
  namespace: string,
  { deployments, config }: Pick<InstallationFacts, 'deployments' | 'config'>,
): Promise<readonly MissingPermission[]> {
  if (!('value' in deployments)) throw new Error(deployments.refused)
  if (!('value' in config)) throw new Error(config.refused)
  const { adopt, parentRefs, ingressClassName } = config.value
  const needed: Readonly<Record<string, readonly Permission[]>> = {
    controller: controllerPermissions({
      shipsRuntimes: !adopt,
      usesGatewayApi: parentRefs > 0,
      usesIngress: ingressClassName !== undefined,
    }),
    gateway: gatewayPermissions(),
  }
  const asked = [...deployments.value].flatMap(([component, { serviceAccount: account }]) =>
    (needed[component] ?? []).flatMap((permission) =>
      permission.verbs.map(async (verb) => {
        const missing = { account, permission, verb }
        return (await mayDo(cluster, namespace, missing)) ? [] : [missing]
      }),
    ),
  )
  return (await Promise.all(asked)).flat()
}

async function mayDo(
  { client }: Cluster,
  namespace: string,
  { account, permission, verb }: MissingPermission,
): Promise<boolean> {
  const [resource, subresource] = permission.resource.split('/')
  const review: { readonly status?: { readonly allowed?: boolean } } = await client.raw(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${namespace}:${account}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
          resourceAttributes: {
            group: permission.group,
            resource,
            subresource,
            verb,
            name: permission.resourceName,
            ...(permission.isLocal === true ? { namespace } : {}),
          },
        },
      },
    },
  )
  return review.status?.allowed === true
}
