import { isApiError, type KubeObject } from '../../kubernetes/api/index.ts'
import { typeLabel } from '../apply.ts'
import { applyOne } from '../cluster/changes.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ResourceKinds } from '../cluster/kinds.ts'
import { asCliError, orCliError } from '../cluster/refusals.ts'
import { ifThere } from '../doctor/attempt.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readManifest } from './manifest.ts'
import { refuseObstacles, refuseOthers } from './obstacles.ts'
import { untilEstablished, untilRolledOut } from './rollout.ts'
import { withSettings } from './settings.ts'

export interface InstallOptions {
  readonly namespace: string
  readonly set?: readonly string[]
  readonly dryRun: boolean
  readonly wait: boolean
  /** For the CRDs, and again for the pods, in seconds; 0 = for ever. */
  readonly timeout: number
}

/** `pilotlight install`: the plain file of the chart, applied in order. Done again it updates. */
export async function install(io: Io, cluster: Cluster, options: InstallOptions): Promise<void> {
  const { namespace, dryRun, wait } = options
  const objects = withSettings(readManifest(namespace), options.set ?? [])
  await refuseOthers(cluster, namespace, 'install')
  await refuseObstacles(cluster, objects)
  const kinds = new ResourceKinds(cluster.client)
  const of = (...wanted: readonly string[]): readonly KubeObject[] =>
    objects.filter(({ kind }) => wanted.includes(kind))
  const crds = of('CustomResourceDefinition')
  const rest = objects.filter((object) => object.kind !== 'Namespace' && !crds.includes(object))
  if (dryRun) {
    for (const object of objects) io.out(await tried(cluster, kinds, object))
    return
  }
  const timeoutMs = options.timeout * 1000
  for (const object of [...of('Namespace'), ...crds]) io.out(await applied(cluster, kinds, object))
  await untilEstablished(io, cluster, crds, timeoutMs)
  for (const object of rest) io.out(await applied(cluster, kinds, object))
  if (wait) await untilRolledOut(io, cluster, of('Deployment'), timeoutMs)
  io.out(nextSteps(namespace, wait))
}

async function applied(cluster: Cluster, kinds: ResourceKinds, object: KubeObject): Promise<string> {
  const what = `${object.kind} ${object.metadata.name}`
  const kind = await kindOf(cluster, kinds, object)
  const { outcome } = await orCliError(cluster, what, applyOne(cluster, object, kind))
  return `${typeLabel(object)}/${object.metadata.name} ${outcome}\n`
}

/** Asks the API server about an object without writing it. */
async function tried(cluster: Cluster, kinds: ResourceKinds, object: KubeObject): Promise<string> {
  const { client } = cluster
  const { name, namespace } = object.metadata
  const what = `${object.kind} ${name}`
  const kind = await kindOf(cluster, kinds, object)
  const live = await orCliError(cluster, what, ifThere(client.get(kind, namespace, name)))
  await client.apply(object, { kind, dryRun: true }).catch((error: unknown) => {
    // Into a namespace that is still to be made nothing can be tried.
    if (!isApiError(error, 'NotFound') || namespace === undefined) throw asCliError(cluster, what, error)
  })
  return `${typeLabel(object)}/${name} ${live === undefined ? 'created' : 'configured'} (dry run)\n`
}

async function kindOf(cluster: Cluster, kinds: ResourceKinds, object: KubeObject) {
  const kind = await orCliError(cluster, `${object.kind} ${object.metadata.name}`, kinds.of(object))
  if (kind !== undefined) return kind
  throw new CliError(
    'failed',
    `this cluster has no kind ${object.kind} in ${object.apiVersion}; Pilotlight needs Kubernetes 1.30 or newer`,
  )
}

function nextSteps(namespace: string, isReady: boolean): string {
  return `
Pilotlight ${isReady ? 'runs' : 'is applied'} in namespace ${namespace}. Next:
  pilotlight doctor                              what is missing around it
  kubectl apply -f my-inferenceservice.yaml      serve a model
  kubectl -n ${namespace} port-forward service/pilotlight-gateway 8080:80
                                                 reach the gateway for a trial
`
}
