import type { KubeObject } from '../../api/kube-object.ts'
import { fieldsIn, isFields, textIn, type Fields } from '../json.ts'

/** Why a model cannot be fetched as its manifest says. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
}

/** How models get into pods. */
export interface StorageSettings {
  readonly initializer: InitializerSettings
  /** The ClusterStorageContainers of the cluster, see `storageContainerOf`. */
  readonly containers: readonly StorageContainer[]
  /** Of the service's account, see `credentialsFor`. */
  readonly credentials: StorageCredentials
  /** The secret behind `storage.key` (KServe's `storage-config`), see `storageConfigOf`. */
  readonly config: StorageConfig
}

/** The init container `storage-initializer` where no ClusterStorageContainer says more. KServe's ConfigMap key `storageInitializer`. */
export interface InitializerSettings {
  readonly image: string
  /** Kubernetes quantities. */
  readonly requests: Readonly<Record<string, string>>
  readonly limits: Readonly<Record<string, string>>
  /** A ConfigMap of each service's namespace with the CAs of storage. */
  readonly caBundle?: { readonly configMapName: string; readonly mountPath: string }
  /** What becomes of `oci://`: a volume of the image (Kubernetes 1.33 or newer), or a download. */
  readonly oci: 'native' | 'fetch'
  /** Whether registries of `oci+fetch://` may do without TLS. */
  readonly ociInsecureRegistry: boolean
}

export const DEFAULT_INITIALIZER: InitializerSettings = Object.freeze({
  image: 'kserve/storage-initializer:v0.20.0',
  requests: { cpu: '100m', memory: '100Mi' },
  limits: { cpu: '1', memory: '1Gi' },
  oci: 'native',
  ociInsecureRegistry: false,
})

/** What pods need to get at storage; only references to secrets, never their values. */
export interface StorageCredentials {
  readonly env: readonly Fields[]
  readonly volumes: readonly Fields[]
  readonly volumeMounts: readonly Fields[]
}

export const NO_CREDENTIALS: StorageCredentials = Object.freeze({ env: [], volumes: [], volumeMounts: [] })

/** The secret that `storage.key` names an entry of. */
export interface StorageConfig {
  readonly secretName: string
  /** By key: as much of the entry as is no secret. Empty where the secret is not there. */
  readonly entries: Readonly<Record<string, StorageEntry>>
}

export interface StorageEntry {
  readonly type?: string
  readonly bucket?: string
  readonly caBundleConfigMap?: string
  /** Why it cannot be used; the other entries can. */
  readonly problem?: string
}

/** Which URIs a storage container fetches. */
export type UriFormat = { readonly prefix: string } | { readonly regex: RegExp }

/** A ClusterStorageContainer that can be an init container. */
export interface StorageContainer {
  readonly name: string
  /** What it says of the init container, over our own. */
  readonly container: Fields
  readonly formats: readonly UriFormat[]
  /** Whether one container can fetch several models. */
  readonly multiModel: boolean
}

/**
 * Reads a ClusterStorageContainer; undefined for one that is disabled, or is for something else than init containers.
 * @throws StorageError for a regular expression that cannot be read.
 */
export function storageContainerOf(object: KubeObject): StorageContainer | undefined {
  const { name } = object.metadata
  const spec = isFields(object['spec']) ? object['spec'] : {}
  if (object['disabled'] === true || spec['disabled'] === true) return undefined
  if ((textIn(spec, 'workloadType') ?? 'initContainer') !== 'initContainer') return undefined
  const formats = fieldsIn(spec['supportedUriFormats']).flatMap((format): UriFormat[] => {
    const prefix = textIn(format, 'prefix') ?? ''
    if (prefix !== '') return [{ prefix }]
    const regex = textIn(format, 'regex') ?? ''
    return regex === '' ? [] : [{ regex: regexOf(name, regex) }]
  })
  return {
    name,
    container: isFields(spec['container']) ? spec['container'] : {},
    formats,
    multiModel: spec['supportsMultiModelDownload'] !== false,
  }
}

export function supports({ formats }: StorageContainer, uri: string): boolean {
  return formats.some((format) =>
    'prefix' in format ? uri.startsWith(format.prefix) : format.regex.test(uri),
  )
}

function regexOf(name: string, regex: string): RegExp {
  try {
    return new RegExp(regex)
  } catch {
    throw new StorageError(
      `ClusterStorageContainer ${name}: spec.supportedUriFormats: regex '${regex}' cannot be read; ` +
        'allowed is what both Go and JavaScript know',
    )
  }
}
