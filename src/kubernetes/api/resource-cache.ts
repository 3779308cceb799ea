import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Log } from '../../core/telemetry.ts'
import type { ApiClient } from './api-client.ts'
import { isApiError, type ApiError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import type { ResourceKind } from './kinds.ts'
import { compareResourceVersions, keyOf, type KubeObject } from './kube-object.ts'
import type { WatchEvent } from './watch-stream.ts'

const PAGE = 500
const BACKOFF = { firstMs: 200, longestMs: 10_000 }
/** The server ends a watch after 280..300 s: many caches that began at once do not come back at once. */
const WATCH_SECONDS = { shortest: 280, spread: 21 }
/** The API server sends a bookmark about once a minute. A watch without a sign of life for longer may be dead. */
const SILENCE_MAX_MS = 90_000
/** A watch that lived so long was a good one, even when nothing happened. */
const GOOD_WATCH_MS = 1_000

export interface ResourceCacheOptions<T extends KubeObject> {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** What is kept of an object. Default: all but `metadata.managedFields`, which nobody here reads. */
  readonly trim?: (object: T) => T
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** `object` is undefined when it is gone, `before` when it is new. */
export interface Change<T extends KubeObject> {
  readonly key: string
  readonly object: T | undefined
  readonly before: T | undefined
}

/**
 * All objects of a kind, or those of a selector, kept up to date by a list and a watch. An object is replaced whole and
 * keeps its identity as long as its resourceVersion does. Nothing that fails empties the cache: while the API server
 * is away it goes on saying what was true last. Each event costs the same however many objects there are.
 */
export class ResourceCache<T extends KubeObject = KubeObject> {
  readonly #client: ApiClient
  readonly #kind: ResourceKind
  readonly #options: ResourceCacheOptions<T>
  readonly #trim: (object: T) => T
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #synced = Promise.withResolvers<void>()
  #objects = new Map<string, T>()
  /** All that happened up to here is known; undefined when it has to be listed again. */
  #version: string | undefined
  #isSynced = false
  #isOpen = false
  #heardAtMs: number
  #failures = 0

  constructor(client: ApiClient, kind: ResourceKind, options: ResourceCacheOptions<T>) {
    this.#client = client
    this.#kind = kind
    this.#options = options
    this.#trim = options.trim ?? dropManagedFields
    this.#heardAtMs = options.clock.now()
  }

  get kind(): ResourceKind {
    return this.#kind
  }

  /** Whether the objects were listed once. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** Resolves after the first list, once its listeners have been told; not at all when `run` ends before. */
  get whenSynced(): Promise<void> {
    return this.#synced.promise
  }

  get size(): number {
    return this.#objects.size
  }

  /** By `namespace/name`, or the name for objects of the whole cluster. */
  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  /** To be read in one go: it follows what happens. */
  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  get isWatching(): boolean {
    return this.#isOpen
  }

  /** For how long nothing has been heard of the API server; 0 while a watch is open. */
  get staleMs(): number {
    return this.#isOpen ? 0 : Math.max(0, this.#options.clock.now() - this.#heardAtMs)
  }

  /**
   * Tells each change once it can be read here; after a list that is each object that differs. A listener that throws is
   * logged and told of the next one all the same. @returns what ends it when disposed.
   */
  onChange(listener: (change: Change<T>) => void): Disposable {
    // A function of its own, so that one given twice is told twice and each ends alone.
    const own = (change: Change<T>): void => listener(change)
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  /** Keeps it up to date until the signal is aborted; then resolves. Never gives up and never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      try {
        if (this.#version === undefined) await this.#list(signal)
        await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) break
        this.#failed(error)
      }
      if (this.#failures > 0) {
        await clock.sleep(backoffMs(this.#failures, BACKOFF, random), signal).catch(() => {})
      }
    }
  }

  #failed(error: unknown): void {
    if (isTooOld(error)) this.#version = undefined
    this.#failures += 1
    const { namespace, log } = this.#options
    const fields = { kind: this.#kind.kind, namespace, failures: this.#failures, error }
    // A first one is everyday (the API server restarts); then at 2, 4, 8, ... so that an outage fills no disk.
    const isWorthALine = this.#failures > 1 && Number.isInteger(Math.log2(this.#failures))
    if (isWorthALine) log.warn(fields, 'objects cannot be watched, the last known ones stay')
    else log.debug(fields, 'a watch is begun again')
  }

  #heard(): void {
    this.#heardAtMs = this.#options.clock.now()
  }

  #worked(): void {
    if (this.#failures > 1) this.#options.log.info({ kind: this.#kind.kind }, 'objects are watched again')
    this.#failures = 0
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { namespace, labelSelector, fieldSelector, clock, random } = this.#options
    let openedAtMs: number | undefined
    const events = this.#client.watch<T>(
      this.#kind,
      {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#version ?? '',
        timeoutSeconds: WATCH_SECONDS.shortest + random.below(WATCH_SECONDS.spread),
        silenceMaxMs: SILENCE_MAX_MS,
        onOpen: () => {
          openedAtMs = clock.now()
          this.#isOpen = true
        },
      },
      signal,
    )
    try {
      for await (const event of events) {
        this.#take(event)
        this.#worked()
      }
      // One that is ended at once again and again must not be begun without a wait.
      if (openedAtMs !== undefined && clock.now() - openedAtMs >= GOOD_WATCH_MS) this.#worked()
      else if (!signal.aborted) this.#failures += 1
    } finally {
      if (openedAtMs !== undefined) this.#heard()
      this.#isOpen = false
    }
  }

  #take({ type, object }: WatchEvent<T>): void {
    const version = object.metadata.resourceVersion ?? ''
    const isNews = compareResourceVersions(version, this.#version ?? '') > 0
    if (isNews) this.#version = version
    if (type === 'BOOKMARK') return
    const key = keyOf(object)
    const before = this.#objects.get(key)
    if (type === 'DELETED') {
      // Some servers say with which version it was last seen, not with which it went.
      if (before === undefined || !(isNews || isEndOf(before, object))) return
      this.#objects.delete(key)
      this.#tell({ key, object: undefined, before })
    } else if (isNews) {
      // Events come in the order of their versions: what is not beyond the last one has been seen before.
      const kept = this.#trim(object)
      this.#objects.set(key, kept)
      this.#tell({ key, object: kept, before })
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, version } = await this.#pages(signal)
    const before = this.#objects
    const now = new Map<string, T>()
    const changes: Change<T>[] = []
    for (const item of items) {
      const key = keyOf(item)
      const known = before.get(key)
      if (known !== undefined && isSame(known, item)) now.set(key, known)
      else {
        const kept = this.#trim(item)
        now.set(key, kept)
        changes.push({ key, object: kept, before: known })
      }
    }
    for (const [key, known] of before) {
      if (!now.has(key)) changes.push({ key, object: undefined, before: known })
    }
    this.#objects = now
    this.#version = version
    this.#isSynced = true
    this.#heard()
    for (const change of changes) this.#tell(change)
    this.#synced.resolve()
  }

  async #pages(signal: AbortSignal): Promise<{ readonly items: T[]; readonly version: string }> {
    const { namespace, labelSelector, fieldSelector } = this.#options
    const selection = { namespace, labelSelector, fieldSelector }
    const items: T[] = []
    let token: string | undefined
    for (;;) {
      try {
        const at = token === undefined ? {} : { continue: token }
        const page = await this.#client.list<T>(this.#kind, { ...selection, ...at, limit: PAGE }, signal)
        for (const item of page.items) items.push(item)
        token = page.metadata.continue
        if (token === undefined || token === '')
          return { items, version: page.metadata.resourceVersion ?? '' }
      } catch (error) {
        if (token === undefined || !isApiError(error) || error.status !== 410) throw error
        // The pages were too slow and their snapshot is gone: all in one piece then.
        const whole = await this.#client.list<T>(this.#kind, selection, signal)
        return { items: [...whole.items], version: whole.metadata.resourceVersion ?? '' }
      }
    }
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        const fields = { kind: this.#kind.kind, key: change.key, error }
        this.#options.log.error(fields, 'a listener failed on a change')
      }
    }
  }
}

/** The default `trim`: who wrote which field is a third of most objects. */
export function dropManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion
}

function isEndOf(known: KubeObject, deleted: KubeObject): boolean {
  const [from, to] = [known.metadata, deleted.metadata]
  return (
    from.uid === to.uid && compareResourceVersions(from.resourceVersion ?? '', to.resourceVersion ?? '') <= 0
  )
}

/**
 * Whether the watch cannot go on from where it stood: the version is forgotten (410), lies in the future of a store that
 * was restored from a backup, or is refused for a reason that only a list can mend. Who may not look, or was slowed
 * down, asks the same again later.
 */
function isTooOld(error: unknown): error is ApiError {
  if (!isApiError(error)) return false
  if (error.causes.some(({ reason }) => reason === 'ResourceVersionTooLarge')) return true
  return error.status >= 400 && error.status < 500 && ![401, 403, 429].includes(error.status)
}
