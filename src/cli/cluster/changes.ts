import { isApiError, KINDS, type KubeObject, type ResourceKind } from '../../kubernetes/api/index.ts'
import type { Applied, Changes, Removable } from '../backend.ts'
import { CliError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { objectsIn } from './documents.ts'
import { ResourceKinds } from './kinds.ts'
import { asCliError, orCliError, reasonGiven } from './refusals.ts'

interface Wanted {
  readonly object: KubeObject
  readonly kind: ResourceKind
}

/** Changes straight through the Kubernetes API, with what the user of the kubeconfig may do there. */
export function clusterChanges(cluster: Cluster): Changes {
  const { client } = cluster
  const kinds = new ResourceKinds(client)

  const check = async (wanted: readonly Wanted[]): Promise<void> => {
    const coming = new Set(wanted.map(({ object }) => `${object.kind} ${object.metadata.name}`))
    const refused: string[] = []
    for (const { object, kind } of wanted) {
      // What goes into a namespace of the same files cannot be tried before that is there.
      if (coming.has(`Namespace ${object.metadata.namespace}`)) continue
      await client.apply(object, { kind, dryRun: true }).catch((error: unknown) => {
        if (!isApiError(error) || error.status === 0) throw asCliError(cluster, nameOf(object), error)
        refused.push(`${nameOf(object)}: ${reasonGiven(error)}`)
      })
    }
    if (refused.length > 0) throw new CliError('failed', refused.join('\n'))
  }

  return {
    apply: async (yaml) => {
      const wanted = await known(cluster, kinds, objectsIn(yaml, 'apply'))
      await check(wanted)
      const applied: Applied[] = []
      for (const { object, kind } of wanted) {
        applied.push(await orCliError(cluster, nameOf(object), applyOne(cluster, object, kind)))
      }
      return applied
    },
    remove: async (what) => {
      const { kind, name } = what
      const apiVersion = what.apiVersion ?? KSERVE_VERSIONS[kind] ?? ''
      const found = await orCliError(cluster, `${kind} ${name}`, kinds.of({ apiVersion, kind }))
      if (found === undefined)
        throw new CliError('failed', `${kind} ${name}: ${unknownKind(apiVersion, kind)}`)
      const namespace = found.namespaced ? what.namespace : undefined
      await client.delete(found, namespace, name, { propagation: 'Background' }).catch((error: unknown) => {
        throw notFoundOr(cluster, { ...what, namespace: namespace ?? '' }, error)
      })
    },
    setCanary: async (namespace, name, percent) => {
      const patch = { spec: { predictor: { canaryTrafficPercent: percent ?? null } } }
      await client.patch(KINDS.inferenceServices, namespace, name, patch).catch((error: unknown) => {
        throw notFoundOr(cluster, { kind: 'InferenceService', namespace, name }, error)
      })
    },
  }
}

const KSERVE_VERSIONS: Readonly<Record<string, string>> = {
  InferenceService: 'serving.kserve.io/v1beta1',
  ServingRuntime: 'serving.kserve.io/v1alpha1',
  ClusterServingRuntime: 'serving.kserve.io/v1alpha1',
}

/** Each object with its kind, and in `default` where it should be in a namespace and names none. */
async function known(
  cluster: Cluster,
  kinds: ResourceKinds,
  objects: readonly KubeObject[],
): Promise<readonly Wanted[]> {
  if (objects.length === 0) throw new CliError('failed', 'there is nothing to apply: no document')
  const wanted: Wanted[] = []
  const problems: string[] = []
  for (const object of objects) {
    const kind = await orCliError(cluster, nameOf(object), kinds.of(object))
    if (kind === undefined) {
      problems.push(`${nameOf(object)}: ${unknownKind(object.apiVersion, object.kind)}`)
      continue
    }
    const { namespace = 'default', ...metadata } = object.metadata
    wanted.push({
      kind,
      object: { ...object, metadata: kind.namespaced ? { ...metadata, namespace } : metadata },
    })
  }
  if (problems.length > 0) throw new CliError('failed', problems.join('\n'))
  return wanted
}

function unknownKind(apiVersion: string, kind: string): string {
  const advice = apiVersion.startsWith('serving.kserve.io/') ? '. Install it with: pilotlight install' : ''
  return `this cluster has no kind ${kind} in ${apiVersion}${advice}`
}

/** Writes one object, and says what that changed. @throws ApiError */
export async function applyOne(
  { client }: Pick<Cluster, 'client'>,
  object: KubeObject,
  kind: ResourceKind,
): Promise<Applied> {
  const { name, namespace = '' } = object.metadata
  const before = await client
    .get(kind, kind.namespaced ? namespace : undefined, name)
    .catch((error: unknown) => {
      if (isApiError(error, 'NotFound', 'Forbidden')) return undefined
      throw error
    })
  const warnings: string[] = []
  const onWarning = (message: string): void => void warnings.push(message)
  const after = await client.apply(object, { kind, onWarning })
  const outcome =
    before === undefined
      ? 'created'
      : before.metadata.resourceVersion === after.metadata.resourceVersion
        ? 'unchanged'
        : 'configured'
  return { apiVersion: object.apiVersion, kind: object.kind, namespace, name, outcome, warnings }
}

function notFoundOr(cluster: Cluster, { kind, namespace, name }: Removable, error: unknown): CliError {
  if (isApiError(error, 'NotFound')) {
    const where = namespace === '' ? '' : ` in ${namespace}`
    return new CliError('failed', `${kind} "${name}" not found${where}`, { cause: error })
  }
  return asCliError(cluster, namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`, error)
}

function nameOf({ kind, metadata }: KubeObject): string {
  const { name, namespace } = metadata
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`
}
