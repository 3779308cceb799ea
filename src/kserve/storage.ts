/** Which storage URIs a model can come from. Source: KServe's storage initializer. */

const schemes = [
  'gs://',
  's3://',
  'pvc://',
  'file://',
  'https://',
  'http://',
  'hdfs://',
  'webhdfs://',
  'oci://',
  'oci+native://',
  'oci+fetch://',
  'hf://',
  'modelscope://',
  'git://',
  'git+https://',
  'git+http://',
  'git+ssh://',
] as const

/** The scheme of a URI without `://`, lower case; '' for a local path. */
export function schemeOf(uri: string): string {
  return (/^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(uri)?.[1] ?? '').toLowerCase()
}

/** KServe's message if nothing can fetch this URI; local paths, absolute or relative, are always allowed. */
export function unsupportedStorage(uri: string): string | undefined {
  const scheme = schemeOf(uri)
  if (scheme === '' || schemes.some((known) => known === `${scheme}://`)) return undefined
  return (
    `StorageURI not supported: storageUri, must be one of: [${schemes.join(', ')}] or match ` +
    `https://{}.blob.core.windows.net/{}/{} or be an absolute or relative local path. StorageUri [${uri}] is not supported.`
  )
}
