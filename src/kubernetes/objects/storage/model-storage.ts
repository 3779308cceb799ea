import type { ModelSource, ReplicaTemplate } from '../../../core/revision.ts'
import type { Fields } from '../json.ts'
import { initializersFor, PROVISION_VOLUME } from './initializer.ts'
import { StorageError, type StorageSettings } from './settings.ts'

/** What a pod needs for its models. */
export interface ModelStorage {
  readonly initContainers: readonly Fields[]
  readonly volumes: readonly Fields[]
  /** For the containers that serve. */
  readonly volumeMounts: readonly Fields[]
}

const readOnlyKey = 'storage.kserve.io/readonly'

/**
 * Claims and images are mounted as they are; everything else is fetched by an init container into a volume that the
 * pod's containers share. Source: KServe's storage_initializer_injector.go.
 * @throws StorageError for a model that cannot be fetched as the manifest says.
 */
export function modelStorageOf(template: ReplicaTemplate, settings: StorageSettings): ModelStorage {
  const { storage, podMetadata } = template
  const readOnly = podMetadata?.annotations[readOnlyKey] !== 'false'
  const mounted: ModelStorage[] = []
  const fetched: ModelSource[] = []
  for (const source of storage) {
    const way = wayOf(source.uri, settings.initializer.oci)
    if (way === 'fetch') fetched.push(source)
    else if (way === 'claim') mounted.push(claimOf(source, readOnly, mounted.length))
    else mounted.push(imageOf(source, mounted.length))
  }
  const downloads = fetched.length === 0 ? [] : [downloadsOf(fetched, template, settings, readOnly)]
  const parts = [...downloads, ...mounted]
  return {
    initContainers: parts.flatMap(({ initContainers }) => initContainers),
    volumes: parts.flatMap(({ volumes }) => volumes),
    volumeMounts: parts.flatMap(({ volumeMounts }) => volumeMounts),
  }
}

function wayOf(uri: string, oci: 'native' | 'fetch'): 'claim' | 'image' | 'fetch' {
  if (uri.startsWith('pvc://')) return 'claim'
  if (uri.startsWith('oci+native://')) return 'image'
  return uri.startsWith('oci://') && oci === 'native' ? 'image' : 'fetch'
}

/** `pvc://models/iris/v1` is the folder iris/v1 of the claim models. */
function claimOf({ uri, mountPath }: ModelSource, readOnly: boolean, index: number): ModelStorage {
  const [claimName = '', ...path] = uri.slice('pvc://'.length).split('/')
  if (claimName === '')
    throw new StorageError(`storageUri ${uri}: allowed is pvc://claim or pvc://claim/folder`)
  const subPath = path.filter((part) => part !== '').join('/')
  const name = numbered('kserve-pvc-source', index)
  return {
    initContainers: [],
    volumes: [{ name, persistentVolumeClaim: { claimName } }],
    volumeMounts: [{ name, mountPath, ...(subPath === '' ? {} : { subPath }), readOnly }],
  }
}

/** An image with its model in /models, as KServe's modelcars have it. */
function imageOf({ uri, mountPath }: ModelSource, index: number): ModelStorage {
  const reference = uri.replace(/^oci(?:\+native)?:\/\//, '')
  const name = numbered('kserve-oci-source', index)
  return {
    initContainers: [],
    volumes: [{ name, image: { reference, pullPolicy: 'IfNotPresent' } }],
    volumeMounts: [{ name, mountPath, subPath: 'models', readOnly: true }],
  }
}

function downloadsOf(
  sources: readonly ModelSource[],
  template: ReplicaTemplate,
  settings: StorageSettings,
  readOnly: boolean,
): ModelStorage {
  const mountPath = commonFolder(sources.map((source) => source.mountPath))
  const { initContainers, volumes } = initializersFor(sources, mountPath, template, settings)
  // A mount inside this one needs a folder to be mounted on, which could not be made in a read-only one.
  const holdsOthers = template.storage.some(
    (source) => !sources.includes(source) && source.mountPath.startsWith(`${mountPath}/`),
  )
  return {
    initContainers,
    volumes: [{ name: PROVISION_VOLUME, emptyDir: {} }, ...volumes],
    volumeMounts: [{ name: PROVISION_VOLUME, mountPath, readOnly: readOnly && !holdsOthers }],
  }
}

/** `/mnt/models/base` and `/mnt/models/lora` share `/mnt/models`; one folder is its own. */
function commonFolder(paths: readonly string[]): string {
  const split = paths.map((path) => path.split('/').filter((part) => part !== ''))
  const [first = []] = split
  const differs = first.findIndex((part, index) => split.some((other) => other[index] !== part))
  return `/${(differs < 0 ? first : first.slice(0, differs)).join('/')}`
}

/** The first has KServe's own name. */
function numbered(name: string, index: number): string {
  return index === 0 ? name : `${name}-${index + 1}`
}
