import { isApiError, KINDS, type KubeObject } from '../../kubernetes/api/index.ts'
import { typeLabel } from '../apply.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ResourceKinds } from '../cluster/kinds.ts'
import { asCliError, orCliError } from '../cluster/refusals.ts'
import { ifThere } from '../doctor/attempt.ts'
import { CliError } from '../errors.ts'
import type { Io } from '../io.ts'
import { readManifest } from './manifest.ts'
import { liveCrds, refuseOthers } from './obstacles.ts'

export interface UninstallOptions {
  readonly namespace: string
  readonly crds: boolean
  readonly yes: boolean
}

/**
 * `pilotlight uninstall`: what `install` has made, but for the namespace. CRDs, and with them every InferenceService, go
 * only with --crds, and only after what that takes away was shown and --yes was given.
 */
export async function uninstall(io: Io, cluster: Cluster, options: UninstallOptions): Promise<void> {
  const { namespace } = options
  const objects = readManifest(namespace)
  await refuseOthers(cluster, namespace, 'uninstall')
  const crds = options.crds ? await ownCrds(cluster, objects) : []
  if (options.crds) {
    io.out(await plan(cluster, crds))
    if (!options.yes) {
      throw new CliError(
        'failed',
        'nothing was deleted; to delete all of this and Pilotlight itself, add --yes',
      )
    }
  }
  const kinds = new ResourceKinds(cluster.client)
  for (const crd of crds) io.out(await removed(cluster, kinds, crd))
  const kept = new Set(['Namespace', 'CustomResourceDefinition'])
  const others = objects.filter(({ kind }) => !kept.has(kind)).toReversed()
  const lines: string[] = []
  for (const object of others) lines.push(await removed(cluster, kinds, object))
  io.out(lines.join(''))
  if (crds.length === 0 && lines.every((line) => line === '')) {
    io.err(`Nothing of Pilotlight is in namespace ${namespace}.\n`)
    return
  }
  const left = options.crds ? [] : ['its CRDs, all InferenceServices with their pods, and the runtimes']
  io.out(`Left: ${[...left, `namespace ${namespace} (kubectl delete namespace ${namespace})`].join('; ')}\n`)
}

async function ownCrds(cluster: Cluster, objects: readonly KubeObject[]): Promise<readonly KubeObject[]> {
  const live = await liveCrds(cluster, objects)
  const ours = new Set(live.filter(({ isOurs }) => isOurs).map(({ name }) => name))
  return objects.filter(
    ({ kind, metadata }) => kind === 'CustomResourceDefinition' && ours.has(metadata.name),
  )
}

/** What goes with the CRDs. */
async function plan(cluster: Cluster, crds: readonly KubeObject[]): Promise<string> {
  const list = ifThere(cluster.client.list(KINDS.inferenceServices))
  const services = crds.some(({ metadata }) => metadata.name.startsWith('inferenceservices.'))
    ? ((await orCliError(cluster, 'the InferenceServices', list))?.items ?? [])
    : []
  const lines = [
    ...crds.map(({ metadata }) => `  CustomResourceDefinition ${metadata.name} and all its objects`),
    ...services.map(
      ({ metadata }) => `  InferenceService ${metadata.namespace}/${metadata.name} and its pods`,
    ),
  ]
  return lines.length === 0
    ? "No CRD of Pilotlight's own is in this cluster.\n"
    : `With --crds these go, for good:\n${lines.join('\n')}\n`
}

/** A line about what was deleted; none for what was not there. */
async function removed(cluster: Cluster, kinds: ResourceKinds, object: KubeObject): Promise<string> {
  const { name, namespace } = object.metadata
  const what = `${object.kind} ${name}`
  const kind = await orCliError(cluster, what, kinds.of(object))
  if (kind === undefined) return ''
  try {
    await cluster.client.delete(kind, namespace, name, { propagation: 'Background' })
    return `${typeLabel(object)} "${name}" deleted\n`
  } catch (error) {
    if (isApiError(error, 'NotFound')) return ''
    throw asCliError(cluster, what, error)
  }
}
