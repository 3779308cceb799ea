import type { Predictor } from './schema/inference-service.ts'

const defaultMountPath = '/mnt/models'

/** The rules for `storageUris`, in KServe's words. */
export function storageUrisError({ model, storageUris }: Predictor): string | undefined {
  if (storageUris === undefined || storageUris.length === 0) return undefined
  if (model?.storageUri !== undefined) return 'Setting both StorageURI and StorageURIs is not supported.'
  const paths = storageUris.map(({ mountPath = defaultMountPath }) => mountPath)
  for (const { uri = '' } of storageUris) {
    if (uri === '') return 'storage URI cannot be empty'
  }
  for (const path of paths) {
    if (!path.startsWith('/')) return `storage path must be absolute: ${path}`
    if (path.split('/').includes('..'))
      return `storage path cannot contain '..' for security reasons: ${path}`
  }
  const claims = storageUris.flatMap(({ uri = '' }, index) =>
    uri.startsWith('pvc://') ? [paths[index]] : [],
  )
  if (new Set(claims).size < claims.length) return 'PVC storage paths must be unique'
  const roots = new Set(paths.map((path) => path.split('/')[1]))
  if (paths.length > 1 && roots.size > 1) {
    return `storage paths must have a common parent directory. Current paths: ${paths.join(', ')}`
  }
  return undefined
}
