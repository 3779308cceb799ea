import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { controllerPods, DEFAULT_INSTALL_NAMESPACE } from '../cluster/controllers.ts'
import { orCliError } from '../cluster/refusals.ts'
import type { Io } from '../io.ts'
import { attempt, isServed } from './attempt.ts'
import type { Accelerators, ClusterFacts, CrdFacts, NeighbourFacts } from './facts.ts'
import { readInstallation } from './read-installation.ts'

const ADMISSION = '/apis/admissionregistration.k8s.io/v1'
const ACCELERATOR =
  /^(?:nvidia\.com\/(?:gpu|mig-)|amd\.com\/gpu|gpu\.intel\.com\/|google\.com\/tpu|aws\.amazon\.com\/neuron)/

/** Reads all that the checks look at. @throws CliError when the API server does not answer. */
export async function readFacts(io: Pick<Io, 'clock'>, cluster: Cluster): Promise<ClusterFacts> {
  const asked = cluster.client.raw<{ major: string; minor: string; gitVersion: string }>('GET', '/version')
  // If that is not answered, nothing else is.
  const version = { value: await orCliError(cluster, 'the version of the API server', asked) }
  const controllers = await attempt(controllerPods(cluster))
  const [found] = 'value' in controllers ? controllers.value : []
  const namespace = cluster.installNamespace ?? found?.namespace ?? DEFAULT_INSTALL_NAMESPACE
  const [installation, crds, hasAdmissionPolicy, neighbours, accelerators, hasMetricsApi, hasGatewayApi] =
    await Promise.all([
      readInstallation(cluster, namespace, controllers),
      attempt(readCrds(cluster)),
      attempt(isServed(cluster, `${ADMISSION}/validatingadmissionpolicies/inferenceservices.pilotlight.dev`)),
      attempt(readNeighbours(cluster)),
      attempt(readAccelerators(cluster)),
      attempt(isServed(cluster, '/apis/metrics.k8s.io')),
      attempt(isServed(cluster, '/apis/gateway.networking.k8s.io/v1')),
    ])
  return {
    nowMs: io.clock.now(),
    version,
    crds,
    hasAdmissionPolicy,
    installation,
    neighbours,
    accelerators,
    hasMetricsApi,
    hasGatewayApi,
  }
}

interface Crd extends KubeObject {
  readonly spec?: { readonly versions?: readonly { readonly name: string; readonly served: boolean }[] }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

async function readCrds({ client }: Cluster): Promise<readonly CrdFacts[]> {
  const { items } = await client.list<Crd>(KINDS.customResourceDefinitions)
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    isOurs: metadata.labels?.['app.kubernetes.io/part-of'] === 'pilotlight',
    isEstablished:
      status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') ?? false,
    servedVersions: (spec?.versions ?? []).filter(({ served }) => served).map(({ name }) => name),
  }))
}

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number }
}

async function readNeighbours(cluster: Cluster): Promise<NeighbourFacts> {
  const replicasOf = async (labelSelector: string): Promise<number> => {
    const { items } = await cluster.client.list<Deployment>(KINDS.deployments, { labelSelector })
    return items.reduce((sum, { spec }) => sum + (spec?.replicas ?? 1), 0)
  }
  const [kserveReplicas, knativeReplicas, hasKserveWebhook] = await Promise.all([
    replicasOf('control-plane=kserve-controller-manager'),
    replicasOf('app.kubernetes.io/name=knative-serving'),
    isServed(cluster, `${ADMISSION}/validatingwebhookconfigurations/inferenceservice.serving.kserve.io`),
  ])
  return { kserveReplicas, knativeReplicas, hasKserveWebhook }
}

interface Node extends KubeObject {
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> }
}

async function readAccelerators({ client }: Cluster): Promise<readonly Accelerators[]> {
  const { items } = await client.list<Node>(KINDS.nodes)
  const byResource = new Map<string, Accelerators>()
  for (const { status } of items) {
    for (const [resource, quantity] of Object.entries(status?.allocatable ?? {})) {
      const count = Number(quantity)
      if (!ACCELERATOR.test(resource) || !(count > 0)) continue
      const before = byResource.get(resource) ?? { resource, count: 0, nodes: 0 }
      byResource.set(resource, { resource, count: before.count + count, nodes: before.nodes + 1 })
    }
  }
  return [...byResource.values()]
}
