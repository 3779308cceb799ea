import { rfc3339, type Clock, type Timer } from '../../core/clock.ts'
import { silentLog, type Log } from '../../core/telemetry.ts'
import type { ApiClient } from './api-client.ts'
import { isApiError } from './api-error.ts'
import { KINDS } from './kinds.ts'
import type { KubeObject } from './kube-object.ts'

export interface EventRecorderOptions {
  readonly clock: Clock
  readonly log?: Log
  /** Who says it: `pilotlight-controller`, in the column FROM of `kubectl describe`. */
  readonly component: string
}

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning'
  /** One word in CamelCase, for machines: `RevisionReady`. */
  readonly reason: string
  /** One sentence, for people. Cut after 1,024 characters, which is what the API takes. */
  readonly message: string
}

/** Each object may have so many events at once, and then one more each second. */
const BURST = 5
const REFILL_MS = 1_000
/** Equal events within this time are one with a count. After it the first is old news, and Kubernetes has dropped it soon. */
const SAME_MS = 600_000
/** Different events that are remembered or wait, of all objects together; beyond it the oldest go. */
const REMEMBERED_MAX = 2_000
/** How often one that could not be written is tried again. */
const TRIES_MAX = 3
const MESSAGE_MAX = 1_024

/** One event as it was said so far. */
interface Entry {
  readonly object: KubeObject
  readonly event: RecordedEvent
  readonly name: string
  readonly firstMs: number
  lastMs: number
  count: number
  /** How many of `count` the API server knows. */
  written: number
  tries: number
  isDue: boolean
}

/**
 * Tells people what happened to an object: `kubectl describe` shows it. Equal ones become one with a count, a burst is
 * slowed down to one each second and object, and none of it is ever worth more than the work that it tells of: `record`
 * returns at once and never throws, and what cannot be written is dropped after a few tries. Core `v1` Events, because
 * one can count on them: `events.k8s.io/v1` keeps its counts in a series that kubectl shows half of.
 */
export class EventRecorder implements Disposable {
  readonly #client: ApiClient
  readonly #clock: Clock
  readonly #log: Log
  readonly #component: string
  /** By object and content, oldest first. */
  readonly #entries = new Map<string, Entry>()
  /** By object: what it may still say. */
  readonly #buckets = new Map<string, { left: number; atMs: number }>()
  readonly #timers = new Set<Timer>()
  #nth = 0
  #sending = 0
  #idle: PromiseWithResolvers<void> | undefined
  #isDisposed = false

  constructor(client: ApiClient, options: EventRecorderOptions) {
    this.#client = client
    this.#clock = options.clock
    this.#log = options.log ?? silentLog
    this.#component = options.component
  }

  record(object: KubeObject, event: RecordedEvent): void {
    if (this.#isDisposed) return
    const now = this.#clock.now()
    const message = event.message.slice(0, MESSAGE_MAX)
    const key = JSON.stringify([objectOf(object), event.type, event.reason, message])
    const known = this.#entries.get(key)
    let entry: Entry
    if (known !== undefined && now - known.lastMs < SAME_MS) {
      known.count += 1
      known.lastMs = now
      entry = known
    } else {
      this.#nth += 1
      // Unique among all who write events: microseconds, and a count within one.
      const suffix = `${Math.floor(now * 1000).toString(16)}${(this.#nth % 256).toString(16).padStart(2, '0')}`
      const name = `${object.metadata.name.slice(0, 200)}.${suffix}`
      const said = { ...event, message }
      const begun = { firstMs: now, lastMs: now, count: 1, written: 0, tries: 0, isDue: false }
      entry = { object, event: said, name, ...begun }
    }
    // The newest is last, so that the oldest can be forgotten first.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > REMEMBERED_MAX) this.#forget()
    this.#plan(key, entry, this.#waitMs(entry))
  }

  /** Resolves when everything that may be written now has been answered. */
  whenIdle(): Promise<void> {
    if (this.#sending === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers<void>()
    return this.#idle.promise
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** A place in the bucket of its object, and how long it has to wait for it. One that waits already takes no other. */
  #waitMs(entry: Entry): number {
    if (entry.isDue) return 0
    const now = this.#clock.now()
    const object = objectOf(entry.object)
    const bucket = this.#buckets.get(object) ?? { left: BURST, atMs: now }
    bucket.left = Math.min(BURST, bucket.left + (now - bucket.atMs) / REFILL_MS) - 1
    bucket.atMs = now
    this.#buckets.delete(object)
    this.#buckets.set(object, bucket)
    if (this.#buckets.size > REMEMBERED_MAX) this.#buckets.delete(firstOf(this.#buckets.keys()) ?? '')
    return Math.max(0, -bucket.left * REFILL_MS)
  }

  #plan(key: string, entry: Entry, waitMs: number): void {
    if (entry.isDue || this.#isDisposed) return
    entry.isDue = true
    if (waitMs === 0) {
      void this.#send(key, entry)
      return
    }
    const timer = this.#clock.after(
      waitMs,
      () => {
        this.#timers.delete(timer)
        void this.#send(key, entry)
      },
      { keepAlive: false },
    )
    this.#timers.add(timer)
  }

  async #send(key: string, entry: Entry): Promise<void> {
    this.#sending += 1
    const { count } = entry
    try {
      await this.#write(entry, count)
      entry.written = count
      entry.tries = 0
    } catch (error) {
      entry.tries += 1
      this.#log.debug({ event: entry.event, tries: entry.tries, error }, 'an event was not written')
      if (isRefused(error) || entry.tries > TRIES_MAX) {
        // As if it had been: the next equal one tries again.
        entry.written = entry.count
        entry.tries = 0
        if (this.#entries.get(key) === entry) this.#entries.delete(key)
      }
    }
    entry.isDue = false
    const waitMs = entry.tries === 0 ? this.#waitOfRest(entry) : REFILL_MS * 4 ** entry.tries
    if (entry.written < entry.count) this.#plan(key, entry, waitMs)
    this.#sending -= 1
    if (this.#sending === 0) {
      this.#idle?.resolve()
      this.#idle = undefined
    }
  }

  /** Those that were said while the one before was being written. */
  #waitOfRest(entry: Entry): number {
    return entry.written < entry.count ? this.#waitMs(entry) : 0
  }

  async #write(entry: Entry, count: number): Promise<void> {
    const namespace = entry.object.metadata.namespace ?? 'default'
    const lastTimestamp = rfc3339(entry.lastMs)
    if (entry.written > 0) {
      try {
        await this.#client.patch(KINDS.events, namespace, entry.name, { count, lastTimestamp })
        return
      } catch (error) {
        // Kubernetes forgets events after an hour.
        if (!isApiError(error, 'NotFound')) throw error
      }
    }
    const { apiVersion, kind, metadata } = entry.object
    const { name, uid, resourceVersion } = metadata
    await this.#client.create({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: entry.name, namespace },
      involvedObject: { apiVersion, kind, name, namespace: metadata.namespace, uid, resourceVersion },
      ...entry.event,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: '',
      firstTimestamp: rfc3339(entry.firstMs),
      lastTimestamp,
      count,
    })
  }

  #forget(): void {
    const oldest = firstOf(this.#entries.keys())
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}

function objectOf({ kind, metadata }: KubeObject): string {
  return metadata.uid ?? `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
}

function firstOf<T>(items: IterableIterator<T>): T | undefined {
  const next = items.next()
  return next.done === true ? undefined : next.value
}

/** For good, as in a namespace that is being deleted. */
function isRefused(error: unknown): boolean {
  return isApiError(error) && error.status >= 400 && error.status < 500 && error.status !== 429
}
