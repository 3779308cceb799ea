import { rfc3339, type Clock } from '../../core/clock.ts'
import type { Status } from './api-error.ts'
import { applied, isEqual, isObject, mergePatch } from './fake-merge.ts'
import type { ResourceKind } from './kinds.ts'
import { apiVersionOf } from './kinds.ts'
import { keyOf, type KubeObject, type ObjectMeta } from './kube-object.ts'

/** What happened to an object, as a watch tells it. `before` lets a selector see what leaves it. */
export interface StoredEvent {
  readonly version: number
  readonly kind: ResourceKind
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

/** An answer other than success. */
export class Refusal extends Error {
  readonly status: number
  readonly reason: string
  readonly details: Status['details']

  constructor(status: number, reason: string, message: string, details?: Status['details']) {
    super(message)
    this.status = status
    this.reason = reason
    this.details = details
  }
}

export interface Write {
  readonly subresource?: string | undefined
  readonly fieldManager?: string
  readonly dryRun?: boolean
}

/** What etcd and the API server's storage layer do, for the fake one: objects, versions, events, who applied what. */
export class FakeStore {
  readonly #clock: Clock
  readonly #objects = new Map<ResourceKind, Map<string, KubeObject>>()
  readonly #events = new Map<ResourceKind, StoredEvent[]>()
  readonly #listeners = new Set<(event: StoredEvent) => void>()
  /** By `kind key manager`: what the manager applied last. */
  readonly #appliedLast = new Map<string, KubeObject>()
  /** Watches from before this version have to list again. */
  #forgottenTo = 0
  #version = 1
  #born = 0
  #owned = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get version(): number {
    return this.#version
  }

  /** Lets versions jump or fall back, as a store that was restored from a backup does. */
  set version(version: number) {
    this.#version = version
    this.#events.clear()
  }

  /** In the order of their keys. */
  all(kind: ResourceKind): readonly KubeObject[] {
    const objects = [...(this.#objects.get(kind)?.entries() ?? [])]
    return objects.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  get(kind: ResourceKind, key: string): KubeObject | undefined {
    return this.#objects.get(kind)?.get(key)
  }

  /** @throws Refusal NotFound */
  need(kind: ResourceKind, key: string): KubeObject {
    const object = this.get(kind, key)
    if (object === undefined)
      throw new Refusal(404, 'NotFound', `${kind.plural} ${JSON.stringify(key)} not found`)
    return object
  }

  onEvent(listener: (event: StoredEvent) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Undefined when some of them are forgotten. */
  eventsAfter(kind: ResourceKind, version: number): readonly StoredEvent[] | undefined {
    if (version < this.#forgottenTo) return undefined
    return (this.#events.get(kind) ?? []).filter((event) => event.version > version)
  }

  /** From now on nobody can go on from a version before the current one. */
  forget(): void {
    this.#forgottenTo = this.#version
    this.#events.clear()
  }

  create(kind: ResourceKind, given: KubeObject, write: Write = {}): KubeObject {
    const name =
      given.metadata.name ??
      `${String(Reflect.get(given.metadata, 'generateName'))}${this.#born.toString(36)}`
    const { status: _, ...rest } = given
    const metadata = { ...given.metadata, name }
    const key = keyOf({ metadata })
    if (this.get(kind, key) !== undefined) {
      throw new Refusal(409, 'AlreadyExists', `${kind.plural} ${JSON.stringify(name)} already exists`)
    }
    return this.#insert(kind, { ...rest, metadata }, write)
  }

  /** Replaces an object, or its status, or its scale. Without a change nothing is written. */
  replace(kind: ResourceKind, key: string, given: KubeObject, write: Write = {}): KubeObject {
    const live = this.need(kind, key)
    const { uid, resourceVersion } = given.metadata
    if (uid !== undefined && uid !== live.metadata.uid) throw conflict(kind, key, 'uid')
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(kind, key, 'version')
    return this.#update(kind, key, live, asWritten(live, given, write.subresource), write)
  }

  mergePatch(kind: ResourceKind, key: string, patch: unknown, write: Write = {}): KubeObject {
    const live = this.need(kind, key)
    const target = write.subresource === 'scale' ? scaleOf(kind, live) : live
    const metadata = isObject(patch) ? patch['metadata'] : undefined
    const uid = isObject(metadata) ? metadata['uid'] : undefined
    if (uid !== undefined && uid !== live.metadata.uid && write.subresource !== 'scale') {
      // A patch is first of all a change, and this is not one that an object can go through.
      const causes = [{ reason: 'FieldValueInvalid', message: 'field is immutable', field: 'metadata.uid' }]
      throw new Refusal(422, 'Invalid', 'metadata.uid: Invalid value: field is immutable', { causes })
    }
    return this.replace(kind, key, asObject(mergePatch(target, patch)), write)
  }

  apply(kind: ResourceKind, key: string, given: KubeObject, write: Write = {}): KubeObject {
    const live = this.get(kind, key)
    const owner = `${kind.plural}.${kind.group} ${key} ${write.fieldManager ?? ''} ${write.subresource ?? ''}`
    const before = this.#appliedLast.get(owner)
    let result: KubeObject
    if (live === undefined) {
      if (write.subresource !== undefined) this.need(kind, key)
      const { uid } = given.metadata
      if (uid !== undefined) throw conflict(kind, key, 'uid')
      result = this.create(kind, given, write)
    } else {
      result = this.replace(kind, key, asObject(applied(live, before, given)), write)
    }
    if (write.dryRun !== true) this.#appliedLast.set(owner, given)
    return result
  }

  /** As the API server does: finalizers and, for pods on a node, the kubelet are waited for. */
  delete(
    kind: ResourceKind,
    key: string,
    options: {
      readonly uid?: string | undefined
      readonly resourceVersion?: string | undefined
      readonly gracePeriodSeconds?: number | undefined
      readonly propagation?: string | undefined
    } = {},
  ): KubeObject {
    const live = this.need(kind, key)
    const { uid, resourceVersion } = options
    if (uid !== undefined && uid !== live.metadata.uid) throw conflict(kind, key, 'uid')
    if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion)
      throw conflict(kind, key, 'version')
    const isOnNode = kind.kind === 'Pod' && isObject(live['spec']) && live['spec']['nodeName'] !== undefined
    const waits =
      (live.metadata.finalizers ?? []).length > 0 || (isOnNode && options.gracePeriodSeconds !== 0)
    if (!waits) return this.remove(kind, key, options.propagation !== 'Orphan') ?? live
    if (live.metadata.deletionTimestamp !== undefined) return live
    const deletionGracePeriodSeconds = options.gracePeriodSeconds ?? (isOnNode ? 30 : 0)
    const deletionTimestamp = rfc3339(this.#clock.now() + deletionGracePeriodSeconds * 1000)
    const metadata = { ...live.metadata, deletionTimestamp, deletionGracePeriodSeconds }
    return this.#write(kind, key, { ...live, metadata }, live)
  }

  /** Writes an object as it stands, status included, whatever was there: what a test begins with. */
  put(kind: ResourceKind, object: KubeObject): KubeObject {
    const key = keyOf(object)
    const live = this.get(kind, key)
    if (live === undefined) return this.#insert(kind, object, {})
    return this.#update(
      kind,
      key,
      live,
      { ...object, metadata: { ...live.metadata, ...object.metadata } },
      {},
    )
  }

  /** Takes an object away at once, and what it alone owns. */
  remove(kind: ResourceKind, key: string, andOwned = true): KubeObject | undefined {
    const live = this.get(kind, key)
    if (live === undefined) return undefined
    this.#version += 1
    const object = withVersion(live, this.#version)
    this.#objects.get(kind)?.delete(key)
    if (live.metadata.ownerReferences !== undefined) this.#owned -= 1
    this.#tell({ version: this.#version, kind, type: 'DELETED', object, before: live })
    const { uid } = live.metadata
    if (andOwned && uid !== undefined && this.#owned > 0) this.#collect(uid)
    return object
  }

  #collect(ownerUid: string): void {
    for (const [kind, objects] of this.#objects) {
      for (const [key, { metadata }] of objects) {
        const owners = metadata.ownerReferences ?? []
        if (!owners.some(({ uid }) => uid === ownerUid)) continue
        const isOwned = owners.some(({ uid }) => uid !== ownerUid && this.#lives(uid))
        if (!isOwned && this.get(kind, key) !== undefined) this.delete(kind, key)
      }
    }
  }

  #lives(uid: string): boolean {
    return [...this.#objects.values()].some((objects) =>
      [...objects.values()].some(({ metadata }) => metadata.uid === uid),
    )
  }

  #insert(kind: ResourceKind, object: KubeObject, write: Write): KubeObject {
    this.#born += 1
    const metadata: ObjectMeta = {
      ...object.metadata,
      uid: object.metadata.uid ?? `00000000-0000-4000-8000-${String(this.#born).padStart(12, '0')}`,
      creationTimestamp: object.metadata.creationTimestamp ?? rfc3339(this.#clock.now()),
      ...('spec' in object ? { generation: 1 } : {}),
    }
    const whole = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata }
    if (write.dryRun === true) return whole
    if (metadata.ownerReferences !== undefined) this.#owned += 1
    return this.#write(kind, keyOf(object), whole, undefined)
  }

  #update(kind: ResourceKind, key: string, live: KubeObject, next: KubeObject, write: Write): KubeObject {
    const fixed = {
      uid: live.metadata.uid,
      creationTimestamp: live.metadata.creationTimestamp,
      resourceVersion: live.metadata.resourceVersion,
      generation: live.metadata.generation,
      deletionTimestamp: live.metadata.deletionTimestamp,
    }
    const given = Object.entries(fixed).filter(([, value]) => value !== undefined)
    let metadata: ObjectMeta = { ...next.metadata, ...Object.fromEntries(given) }
    if (isEqual({ ...next, metadata }, live)) return live
    if (live.metadata.generation !== undefined && !isEqual(next['spec'], live['spec'])) {
      metadata = { ...metadata, generation: live.metadata.generation + 1 }
    }
    const whole = { ...next, metadata }
    if (write.dryRun === true) return whole
    this.#owned +=
      Number(metadata.ownerReferences !== undefined) - Number(live.metadata.ownerReferences !== undefined)
    const written = this.#write(kind, key, whole, live)
    const isFree = metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0
    const hadFinalizers = (live.metadata.finalizers ?? []).length > 0
    return isFree && hadFinalizers ? (this.remove(kind, key) ?? written) : written
  }

  #write(kind: ResourceKind, key: string, object: KubeObject, before: KubeObject | undefined): KubeObject {
    this.#version += 1
    const written = withVersion(object, this.#version)
    let objects = this.#objects.get(kind)
    if (objects === undefined) this.#objects.set(kind, (objects = new Map<string, KubeObject>()))
    objects.set(key, written)
    const type = before === undefined ? 'ADDED' : 'MODIFIED'
    this.#tell({ version: this.#version, kind, type, object: written, before })
    return written
  }

  #tell(event: StoredEvent): void {
    const events = this.#events.get(event.kind)
    if (events === undefined) this.#events.set(event.kind, [event])
    else events.push(event)
    for (const listener of this.#listeners) listener(event)
  }
}

/** The `autoscaling/v1` Scale of a Deployment or ReplicaSet. */
export function scaleOf(kind: ResourceKind, object: KubeObject): KubeObject {
  const spec = isObject(object['spec']) ? object['spec'] : {}
  const status = isObject(object['status']) ? object['status'] : {}
  const selector = isObject(spec['selector']) ? spec['selector']['matchLabels'] : undefined
  const { name } = object.metadata
  const kept = new Set(['namespace', 'uid', 'resourceVersion', 'creationTimestamp'])
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([field]) => kept.has(field)))
  if (!['deployments', 'replicasets', 'statefulsets'].includes(kind.plural)) {
    throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
  }
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { ...metadata, name },
    // As the real one: zero is left out.
    spec: spec['replicas'] === 0 ? {} : { replicas: spec['replicas'] ?? 1 },
    status: {
      replicas: status['replicas'] ?? 0,
      selector: Object.entries(isObject(selector) ? selector : {})
        .map(([label, value]) => `${label}=${String(value)}`)
        .join(','),
    },
  }
}

/** What a write through the object itself, its status or its scale leaves of the object. */
function asWritten(live: KubeObject, given: KubeObject, subresource: string | undefined): KubeObject {
  if (subresource === 'status') return { ...live, status: given['status'] }
  if (subresource === 'scale') {
    const spec = isObject(live['spec']) ? live['spec'] : {}
    const scale = isObject(given['spec']) ? given['spec'] : {}
    return { ...live, spec: { ...spec, replicas: scale['replicas'] ?? 0 } }
  }
  const { status: _, ...rest } = given
  return 'status' in live ? { ...rest, status: live['status'] } : { ...rest }
}

function conflict(kind: ResourceKind, key: string, what: 'uid' | 'version'): Refusal {
  const why =
    what === 'uid'
      ? 'Precondition failed: UID in precondition does not match'
      : 'the object has been modified; please apply your changes to the latest version and try again'
  return new Refusal(409, 'Conflict', `Operation cannot be fulfilled on ${kind.plural} "${key}": ${why}`)
}

function asObject(value: unknown): KubeObject {
  if (isObject(value) && isObject(value['metadata']) && typeof value['metadata']['name'] === 'string') {
    const { name } = value['metadata']
    const { apiVersion, kind } = value
    return {
      ...value,
      apiVersion: String(apiVersion),
      kind: String(kind),
      metadata: { ...value['metadata'], name },
    }
  }
  throw new Refusal(400, 'BadRequest', 'the object has no metadata.name')
}

function withVersion(object: KubeObject, version: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
}
