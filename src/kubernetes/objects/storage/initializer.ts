import type { ModelSource, ReplicaTemplate } from '../../../core/revision.ts'
import { strategicMerge } from '../../../kserve/index.ts'
import { fieldsIn, textIn, type Fields } from '../json.ts'
import { addressOf } from './storage-key.ts'
import {
  StorageError,
  supports,
  type InitializerSettings,
  type StorageContainer,
  type StorageSettings,
} from './settings.ts'

/** The name that a pod's phase is read from; further ones have a number behind it. */
export const STORAGE_INITIALIZER = 'storage-initializer'
/** The volume that it fetches models into. */
export const PROVISION_VOLUME = 'kserve-provision-location'

const caVolume = 'cabundle-cert'
const registryVolume = 'oci-fetch-docker-config'
const registryPath = '/mnt/oci-fetch-auth'

/** Init containers and the volumes that only they need. */
export interface Initializers {
  readonly initContainers: readonly Fields[]
  readonly volumes: readonly Fields[]
}

/**
 * The init containers that fetch models: one for all that the same ClusterStorageContainer fetches, with arguments
 * `from to from to`. Source: KServe's storage_initializer_injector.go.
 */
export function initializersFor(
  sources: readonly ModelSource[],
  mountPath: string,
  template: Pick<ReplicaTemplate, 'podSpec'>,
  settings: StorageSettings,
): Initializers {
  const groups = groupsOf(sources, settings)
  const volumes = new Map<string, Fields>()
  const initContainers = groups.map(({ storage, sources: own }, index) => {
    const built = containerOf(own, mountPath, template, settings)
    for (const volume of built.volumes) volumes.set(textIn(volume, 'name') ?? '', volume)
    const merged = strategicMerge(built.container, storage?.container ?? {})
    const name = index === 0 ? STORAGE_INITIALIZER : `${STORAGE_INITIALIZER}-${index + 1}`
    // What a storage container says of the model's arguments is not meant: they are the model's.
    return { ...merged, name, args: built.container['args'] }
  })
  return { initContainers, volumes: [...volumes.values()] }
}

interface Group {
  readonly storage: StorageContainer | undefined
  readonly sources: ModelSource[]
}

function groupsOf(
  sources: readonly ModelSource[],
  { containers, config }: StorageSettings,
): readonly Group[] {
  const groups: Group[] = []
  for (const source of sources) {
    const storage = storageFor(source, addressOf(source, config).uri, containers)
    const isShared = storage?.multiModel ?? true
    const group = isShared ? groups.find((other) => other.storage === storage) : undefined
    if (group === undefined) groups.push({ storage, sources: [source] })
    else group.sources.push(source)
  }
  return groups
}

function storageFor(
  { container: wanted }: ModelSource,
  uri: string,
  containers: readonly StorageContainer[],
): StorageContainer | undefined {
  if (wanted === undefined) return containers.find((candidate) => supports(candidate, uri))
  const named = containers.find(({ name }) => name === wanted)
  if (named === undefined) {
    throw new StorageError(
      `storageContainerName: there is no ClusterStorageContainer ${wanted} for init containers; ` +
        `there are ${containers.map(({ name }) => name).join(', ') || 'none'}`,
    )
  }
  if (!supports(named, uri)) {
    throw new StorageError(`storageContainerName: ClusterStorageContainer ${wanted} does not support ${uri}`)
  }
  return named
}

function containerOf(
  sources: readonly ModelSource[],
  mountPath: string,
  { podSpec }: Pick<ReplicaTemplate, 'podSpec'>,
  { initializer, credentials, config }: StorageSettings,
): { readonly container: Fields; readonly volumes: readonly Fields[] } {
  const addresses = sources.map((source) => addressOf(source, config))
  const args = sources.flatMap(({ mountPath: path }, index) => [addresses[index]?.uri ?? '', path])
  // As in KServe: a model with a key of its own does not get the account's credentials.
  const keyed = addresses.flatMap(({ env }) => env)
  const account = sources.some(({ key }) => key === undefined) ? credentials : undefined
  const env = [
    ...(account?.env ?? []),
    ...keyed,
    ...(sources.some(({ uri }) => uri.startsWith('hf://')) ? huggingFaceEnv : []),
  ]
  const ca = caBundle(env, initializer)
  const registry = sources.some(({ uri }) => uri.startsWith('oci'))
    ? registryAccess(podSpec, initializer)
    : nothing
  const variables = [...env, ...ca.env, ...registry.env]
  const container: Fields = {
    name: STORAGE_INITIALIZER,
    image: initializer.image,
    args,
    ...(variables.length === 0 ? {} : { env: variables }),
    resources: { requests: initializer.requests, limits: initializer.limits },
    // Why a download failed is in its last lines; KServe shows them, and so do we.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: PROVISION_VOLUME, mountPath },
      ...(account?.volumeMounts ?? []),
      ...ca.volumeMounts,
      ...registry.volumeMounts,
    ],
  }
  return { container, volumes: [...(account?.volumes ?? []), ...ca.volumes, ...registry.volumes] }
}

/** Faster downloads, as KServe sets them. */
const huggingFaceEnv = [
  { name: 'HF_HUB_ENABLE_HF_TRANSFER', value: '1' },
  { name: 'HF_XET_HIGH_PERFORMANCE', value: '1' },
  { name: 'HF_XET_NUM_CONCURRENT_RANGE_GETS', value: '8' },
]

interface Access {
  readonly env: readonly Fields[]
  readonly volumes: readonly Fields[]
  readonly volumeMounts: readonly Fields[]
}

const nothing: Access = { env: [], volumes: [], volumeMounts: [] }

/** The CAs of storage: those of the whole cluster, or those that the credentials name. */
function caBundle(env: readonly Fields[], { caBundle: ours }: InitializerSettings): Access {
  const valueOf = (name: string): string | undefined => {
    const variable = env.find((candidate) => candidate['name'] === name)
    return variable === undefined ? undefined : textIn(variable, 'value')
  }
  const configMapName = valueOf('AWS_CA_BUNDLE_CONFIGMAP') ?? ours?.configMapName
  if (configMapName === undefined) return nothing
  const file = valueOf('AWS_CA_BUNDLE')
  const mountPath = file?.replace(/\/[^/]*$/, '') ?? ours?.mountPath ?? '/etc/ssl/custom-certs'
  return {
    env: [
      { name: 'CA_BUNDLE_CONFIGMAP_NAME', value: configMapName },
      { name: 'CA_BUNDLE_VOLUME_MOUNT_POINT', value: mountPath },
    ],
    volumes: [{ name: caVolume, configMap: { name: configMapName } }],
    volumeMounts: [{ name: caVolume, mountPath, readOnly: true }],
  }
}

/** A registry is shown the pod's first pull secret. */
function registryAccess(podSpec: Fields, { ociInsecureRegistry }: InitializerSettings): Access {
  const insecure = ociInsecureRegistry ? [{ name: 'KSERVE_OCI_INSECURE_REGISTRY', value: 'true' }] : []
  const [first] = fieldsIn(podSpec['imagePullSecrets'])
  const secretName = first === undefined ? undefined : textIn(first, 'name')
  if (secretName === undefined) return { ...nothing, env: insecure }
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }]
  return {
    env: [{ name: 'KSERVE_OCI_DOCKER_CONFIG', value: `${registryPath}/config.json` }, ...insecure],
    // 0400: for the container's own user alone.
    volumes: [{ name: registryVolume, secret: { secretName, defaultMode: 0o400, items } }],
    volumeMounts: [{ name: registryVolume, mountPath: registryPath, readOnly: true }],
  }
}
