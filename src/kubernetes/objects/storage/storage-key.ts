import type { ModelSource } from '../../../core/revision.ts'
import type { Fields } from '../json.ts'
import { StorageError, type StorageConfig } from './settings.ts'

const unknownScheme = '<scheme-placeholder>://'
const types = ['s3', 'hdfs', 'webhdfs']

/** Where a model really is, and what its downloader has to know for that. */
export interface StorageAddress {
  readonly uri: string
  readonly env: readonly Fields[]
}

/**
 * Resolves `storage.key`, `storage.path` and `storage.parameters` with the secret's entry. The entry itself reaches the
 * downloader by reference alone. Source: KServe's CreateStorageSpecSecretEnvs.
 * @throws StorageError if neither the manifest nor the entry says what kind of storage it is, or which bucket.
 */
export function addressOf(source: ModelSource, { secretName, entries }: StorageConfig): StorageAddress {
  const { key, parameters = {} } = source
  if (key === undefined) return { uri: schemeForInitializer(source.uri), env: [] }
  const known = Object.keys(entries)
  const fallback = parameters['type'] === undefined ? 'default' : `default_${parameters['type']}`
  const entryName = key === '' ? fallback : key
  const entry = entries[entryName]
  if (entry === undefined && key !== '' && known.length > 0) {
    throw new StorageError(
      `storage.key: secret ${secretName} has no entry ${key}; it has ${known.toSorted().join(', ')}`,
    )
  }
  if (entry?.problem !== undefined) throw new StorageError(`storage.key: ${entry.problem}`)
  // An entry that is named is referred to even where it cannot be seen yet: the pod then says what it waits for.
  const isReferred = entry !== undefined || key !== ''
  const caBundle = entry?.caBundleConfigMap
  const env: Fields[] = [
    ...(caBundle === undefined ? [] : [{ name: 'AWS_CA_BUNDLE_CONFIGMAP', value: caBundle }]),
    ...(isReferred
      ? [{ name: 'STORAGE_CONFIG', valueFrom: { secretKeyRef: { name: secretName, key: entryName } } }]
      : []),
    ...(Object.keys(parameters).length === 0
      ? []
      : [{ name: 'STORAGE_OVERRIDE_CONFIG', value: JSON.stringify(parameters) }]),
  ]
  return { uri: uriOf(source, { type: entry?.type, bucket: entry?.bucket, entryName, secretName }), env }
}

function uriOf(
  { uri, parameters = {} }: ModelSource,
  found: {
    readonly type: string | undefined
    readonly bucket: string | undefined
    readonly entryName: string
    readonly secretName: string
  },
): string {
  const entry = `entry ${found.entryName} of secret ${found.secretName}`
  const type = parameters['type'] ?? found.type
  const bucket = parameters['bucket'] ?? found.bucket
  if (type !== undefined && !types.includes(type)) {
    throw new StorageError(`storage: type ${type} is not supported; allowed are ${types.join(', ')}`)
  }
  const path = uri.startsWith(unknownScheme) ? uri.slice(unknownScheme.length) : undefined
  if (path === undefined) {
    // With a bucket in the manifest S3 was assumed; the entry may know better.
    return type === undefined ? uri : uri.replace(/^[^:]+/, type)
  }
  if (type === undefined) {
    throw new StorageError(
      `storage: what kind of storage is meant? Set storage.parameters.type to one of ${types.join(', ')}, or "type" in ${entry}`,
    )
  }
  if (type !== 's3') return `${type}://${path}`
  if (bucket === undefined) {
    throw new StorageError(
      `storage: s3 needs a bucket: set storage.parameters.bucket, or "bucket" in ${entry}`,
    )
  }
  return `s3://${bucket}/${path}`
}

/** The downloader knows images as `oci://` only. */
function schemeForInitializer(uri: string): string {
  return uri.replace(/^oci\+fetch:\/\//, 'oci://')
}
