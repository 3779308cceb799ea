import type { ReplicaTemplate } from '../core/revision.ts'
import type { Container } from './schema/kubernetes.ts'
import type { Predictor } from './schema/inference-service.ts'

const mountPath = '/mnt/models'

/** Where a predictor's model comes from, and where its container looks for it. */
export function storageOf(predictor: Predictor): ReplicaTemplate['storage'] {
  const { model, storageUris = [], containers = [] } = predictor
  if (storageUris.length > 0) {
    return storageUris.map(({ uri = '', mountPath: path = mountPath }) => ({ uri, mountPath: path }))
  }
  if (model?.storageUri !== undefined) return [{ uri: model.storageUri, mountPath }]
  const spec = model?.storage
  const bucket = spec?.parameters?.['bucket']
  if (spec?.path !== undefined && bucket !== undefined) {
    // `storage.key` names an entry of a cluster's secret; its type is S3 unless the manifest says otherwise.
    return [{ uri: `${spec.parameters?.['type'] ?? 's3'}://${bucket}/${spec.path}`, mountPath }]
  }
  return containers.slice(0, 1).flatMap(containerStorage)
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
