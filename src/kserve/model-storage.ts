import type { ModelSource, ReplicaTemplate } from '../core/revision.ts'
import type { Container } from './schema/kubernetes.ts'
import type { Model, Predictor } from './schema/inference-service.ts'

const mountPath = '/mnt/models'

/** The scheme of a model whose kind of storage, or bucket, only the secret `storage-config` says. Source: KServe. */
const unknownScheme = '<scheme-placeholder>'

/** As much of a component as says where its models come from. */
export type Stored = Pick<Predictor, 'containers' | 'storageUris' | 'storageContainerName'> & {
  readonly model?: Pick<Model, 'storageUri' | 'storage'> | undefined
}

/**
 * Where a component's models come from, and where its container looks for them.
 * @param local replicas are processes: there is no secret that could say more than the manifest.
 */
export function storageOf(component: Stored, local: boolean): ReplicaTemplate['storage'] {
  const { storageContainerName: container } = component
  const sources = sourcesOf(component, local)
  if (local || container === undefined || container === '') return sources
  return sources.map((source) => ({ ...source, container }))
}

function sourcesOf(component: Stored, local: boolean): readonly ModelSource[] {
  const { model, storageUris = [], containers = [] } = component
  if (storageUris.length > 0) {
    return storageUris.map(({ uri = '', mountPath: path = mountPath }) => ({ uri, mountPath: path }))
  }
  if (model?.storageUri !== undefined) return [{ uri: model.storageUri, mountPath }]
  const { path, key, parameters } = model?.storage ?? {}
  if (path === undefined) return containers.slice(0, 1).flatMap(containerStorage)
  const bucket = parameters?.['bucket']
  // `storage.key` names an entry of a cluster's secret; its type is S3 unless the manifest says otherwise.
  const uri =
    bucket === undefined
      ? `${unknownScheme}://${path}`
      : `${parameters?.['type'] ?? 's3'}://${bucket}/${path}`
  if (!local) return [{ uri, mountPath, key: key ?? '', ...(parameters === undefined ? {} : { parameters }) }]
  return bucket === undefined ? [] : [{ uri, mountPath }]
}

/** A custom container asks for its model with the variable STORAGE_URI. */
export function containerStorage({ env = [] }: Container): ReplicaTemplate['storage'] {
  const uri = env.find(({ name }) => name === 'STORAGE_URI')?.value
  return uri === undefined || uri === '' ? [] : [{ uri, mountPath }]
}

/**
 * What the server calls the model: the last `--model_name` among its arguments, which is what the server
 * itself goes by, else the service's name.
 */
export function modelNameOf(args: readonly string[], serviceName: string): string {
  let name = serviceName
  for (const [index, argument] of args.entries()) {
    const [flag = '', value] = argument.split(/=(.*)/s)
    if (!['--model_name', '--model-name', '--served-model-name'].includes(flag)) continue
    name = value ?? args[index + 1] ?? name
  }
  return name
}
