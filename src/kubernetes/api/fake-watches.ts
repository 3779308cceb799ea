import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { selects } from './fake-selectors.ts'
import type { FakeStore, StoredEvent } from './fake-store.ts'
import { apiVersionOf, type ResourceKind } from './kinds.ts'
import type { KubeObject } from './kube-object.ts'

export interface FakeWatch {
  readonly kind: ResourceKind
  readonly namespace: string | undefined
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly response: ServerResponse
  /** Takes part in nothing any more, though its connection stands: as after a network that swallows packets. */
  frozen: boolean
}

/** The open watches of the fake API server, and what can go wrong with them. */
export class FakeWatches {
  readonly #store: FakeStore
  readonly #clock: Clock
  readonly #open = new Set<FakeWatch>()
  readonly #changed: () => void

  constructor(store: FakeStore, clock: Clock, changed: () => void) {
    this.#store = store
    this.#clock = clock
    this.#changed = changed
    store.onEvent((event) => {
      for (const watch of this.#open) if (!watch.frozen) send(watch, event)
    })
  }

  /** How many are open; of one kind if it is given. */
  count(kind?: ResourceKind): number {
    return [...this.#open].filter((watch) => !watch.frozen && (kind === undefined || watch.kind === kind))
      .length
  }

  begin(watch: FakeWatch, resourceVersion: string, timeoutSeconds: number): void {
    const { response } = watch
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (resourceVersion === '' || resourceVersion === '0') {
      for (const object of this.#store.all(watch.kind))
        if (matches(watch, object)) line(watch, 'ADDED', object)
    } else {
      const missed = this.#store.eventsAfter(watch.kind, Number(resourceVersion))
      if (missed === undefined) {
        this.#tellGone(watch)
        return
      }
      for (const event of missed) send(watch, event)
    }
    this.#open.add(watch)
    const timer =
      timeoutSeconds > 0
        ? this.#clock.after(timeoutSeconds * 1000, () => this.#leave(watch).end(), { keepAlive: false })
        : undefined
    response.on('close', () => {
      timer?.cancel()
      this.#open.delete(watch)
      this.#changed()
    })
    this.#changed()
  }

  /** Breaks the connections, in the middle of whatever they say. */
  cut(kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) this.#leave(watch).destroy()
  }

  /** Ends the answers in good order, as the server does after `timeoutSeconds`. */
  end(kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) this.#leave(watch).end()
  }

  /** Tells the last events once more, as they were told then. */
  replay(last = Infinity, kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) {
      const events = this.#store.eventsAfter(watch.kind, -1) ?? []
      for (const event of events.slice(-Math.min(last, events.length))) send(watch, event)
    }
  }

  /** Tells how far the store is, as the server does about once a minute. */
  bookmark(kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) {
      const metadata = { name: '', resourceVersion: String(this.#store.version), creationTimestamp: null }
      const object = { apiVersion: apiVersionOf(watch.kind), kind: watch.kind.kind, metadata }
      watch.response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
    }
  }

  /** The version that each stands at is too old: an event of type ERROR, then the end. */
  gone(kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) this.#tellGone(watch)
  }

  /** Their connections stand and nothing comes any more. New watches are as they should be. */
  freeze(kind?: ResourceKind): void {
    for (const watch of this.#of(kind)) watch.frozen = true
    this.#changed()
  }

  #of(kind: ResourceKind | undefined): readonly FakeWatch[] {
    return [...this.#open].filter((watch) => !watch.frozen && (kind === undefined || watch.kind === kind))
  }

  /** Nothing more is told to it. */
  #leave(watch: FakeWatch): ServerResponse {
    this.#open.delete(watch)
    return watch.response
  }

  #tellGone(watch: FakeWatch): void {
    const object = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: 'too old resource version',
      reason: 'Expired',
      code: 410,
    }
    this.#leave(watch).end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
  }
}

/** A selector sees an object come when it begins to match, and go when it no longer does. */
function send(watch: FakeWatch, event: StoredEvent): void {
  if (event.kind !== watch.kind) return
  const was = event.before !== undefined && matches(watch, event.before)
  const is = event.type !== 'DELETED' && matches(watch, event.object)
  if (is) line(watch, was ? 'MODIFIED' : 'ADDED', event.object)
  else if (was) line(watch, 'DELETED', event.object)
}

function matches(watch: FakeWatch, object: KubeObject): boolean {
  const isThere = watch.namespace === undefined || object.metadata.namespace === watch.namespace
  return isThere && selects(object, watch)
}

function line(watch: FakeWatch, type: StoredEvent['type'], object: KubeObject): void {
  watch.response.write(`${JSON.stringify({ type, object })}\n`)
}
