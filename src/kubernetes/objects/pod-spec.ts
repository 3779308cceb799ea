import { split } from '../../core/names.ts'
import type { Revision } from '../../core/revision.ts'
import { fieldsIn, textIn, type Fields } from './json.ts'
import { fillAll, filler } from './placeholders.ts'
import { replicaPorts } from './replica-ports.ts'
import { servingContainer, sideContainer, TRANSFORMER_CONTAINER } from './serving-container.ts'
import { modelStorageOf } from './storage/model-storage.ts'
import type { StorageSettings } from './storage/settings.ts'

/**
 * The pods of a revision: its containers with the model's volumes mounted, and everything else as the manifest says.
 * @throws StorageError for a model that cannot be fetched as the manifest says.
 */
export function podSpecOf(revision: Revision, settings: StorageSettings): Fields {
  const template = revision.template.replica
  const ports = replicaPorts(revision)
  const fill = filler(template, ports)
  const context = { serviceName: split(revision.service).name, ports, fill }
  const models = modelStorageOf(template, settings)
  const { containers, initContainers, volumes, ...pod } = template.podSpec
  const beside = fieldsIn(containers).slice(1)
  const inits = [...fieldsIn(fillAll(initContainers, fill)), ...models.initContainers]
  const allVolumes = byName([...fieldsIn(volumes), ...models.volumes])
  return {
    // A variable for every Service of the namespace is of no use here, and thousands of them keep a pod from starting.
    enableServiceLinks: false,
    ...pod,
    ...(inits.length === 0 ? {} : { initContainers: inits }),
    containers: [
      mounting(servingContainer(template, context), models.volumeMounts),
      ...beside.map((container) => {
        const built = sideContainer(container, template, context)
        return textIn(container, 'name') === TRANSFORMER_CONTAINER
          ? mounting(built, models.volumeMounts)
          : built
      }),
    ],
    ...(allVolumes.length === 0 ? {} : { volumes: allVolumes }),
  }
}

/** With these mounts too; where the manifest mounts something of its own at the same path, that stays. */
function mounting(container: Fields, mounts: readonly Fields[]): Fields {
  const own = fieldsIn(container['volumeMounts'])
  const taken = new Set(own.map((mount) => textIn(mount, 'mountPath')))
  const all = [...own, ...mounts.filter((mount) => !taken.has(textIn(mount, 'mountPath')))]
  return all.length === 0 ? container : { ...container, volumeMounts: all }
}

/** The manifest's own volume goes before ours of the same name. */
function byName(volumes: readonly Fields[]): readonly Fields[] {
  const seen = new Set<string>()
  return volumes.filter((volume) => {
    const name = textIn(volume, 'name') ?? ''
    return seen.has(name) ? false : seen.add(name)
  })
}
