import { KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { orCliError } from '../cluster/refusals.ts'
import { ifThere, isServed } from '../doctor/attempt.ts'
import { CliError } from '../errors.ts'

const BINDING = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/pilotlight-controller'
const PART_OF = 'app.kubernetes.io/part-of'
const MANAGED_BY = 'app.kubernetes.io/managed-by'
const KSERVE_WEBHOOK =
  '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/inferenceservice.serving.kserve.io'

/** What is in the way of installing from the plain file: it never takes over what is KServe's. @throws CliError */
export async function refuseObstacles(cluster: Cluster, objects: readonly KubeObject[]): Promise<void> {
  if (await orCliError(cluster, "KServe's webhook", isServed(cluster, KSERVE_WEBHOOK))) {
    throw new CliError(
      'failed',
      "KServe's controller is installed in this cluster (ValidatingWebhookConfiguration inferenceservice.serving.kserve.io). " +
        'Beside it: helm install pilotlight charts/pilotlight --set mode=adopt. To replace it, uninstall KServe first and keep its CRDs',
    )
  }
  const foreign = (await liveCrds(cluster, objects)).filter(({ isOurs }) => !isOurs)
  if (foreign.length === 0) return
  throw new CliError(
    'failed',
    `these CRDs are in this cluster and not Pilotlight's: ${foreign.map(({ name }) => name).join(', ')}. If KServe is gone and ` +
      'Pilotlight takes its place: helm install pilotlight charts/pilotlight --take-ownership --set crds.takeOver=true',
  )
}

interface Binding extends KubeObject {
  readonly subjects?: readonly { readonly namespace?: string }[]
}

/**
 * An installation in another namespace, or one that Helm keeps account of: its roles are of the whole cluster, and must
 * be neither bent to another namespace nor deleted with one. @throws CliError
 */
export async function refuseOthers(
  cluster: Cluster,
  namespace: string,
  command: 'install' | 'uninstall',
): Promise<void> {
  const binding = await orCliError(
    cluster,
    'ClusterRoleBinding pilotlight-controller',
    ifThere(cluster.client.raw<Binding>('GET', BINDING)),
  )
  if (binding === undefined) return
  const { labels, annotations } = binding.metadata
  const elsewhere = binding.subjects?.[0]?.namespace ?? namespace
  if (labels?.[MANAGED_BY] === 'Helm') {
    const release = annotations?.['meta.helm.sh/release-name'] ?? 'pilotlight'
    throw new CliError(
      'failed',
      `Helm installed Pilotlight in namespace ${elsewhere} and keeps account of it: use helm ${command === 'install' ? 'upgrade' : 'uninstall'} ${release} -n ${elsewhere}`,
    )
  }
  if (elsewhere !== namespace) {
    throw new CliError(
      'failed',
      `Pilotlight is installed in namespace ${elsewhere}, and a cluster has it once: use pilotlight ${command} -n ${elsewhere}`,
    )
  }
}

/** The CRDs of the file that are in the cluster. @throws CliError */
export async function liveCrds(
  cluster: Cluster,
  objects: readonly KubeObject[],
): Promise<readonly { readonly name: string; readonly isOurs: boolean; readonly isEstablished: boolean }[]> {
  const names = objects
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map(({ metadata }) => metadata.name)
  const work = names.map(async (name) =>
    ifThere(cluster.client.get<Crd>(KINDS.customResourceDefinitions, undefined, name)),
  )
  const found = await orCliError(cluster, 'the CRDs', Promise.all(work))
  return found.flatMap((crd) =>
    crd === undefined
      ? []
      : [
          {
            name: crd.metadata.name,
            isOurs: crd.metadata.labels?.[PART_OF] === 'pilotlight',
            isEstablished:
              crd.status?.conditions?.some(
                ({ type, status }) => type === 'Established' && status === 'True',
              ) ?? false,
          },
        ],
  )
}

interface Crd extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}
