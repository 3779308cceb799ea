import type { Replica } from '../core/replica.ts'
import type { Route } from '../core/route.ts'
import type { Revision } from '../core/revision.ts'
import type { ServiceState } from './service-state.ts'

/** What gateways work with, as one whole value: published when any part of it changes. */
export interface Tables {
  readonly routes: readonly Route[]
  /** Every revision that may get requests or still has some. */
  readonly revisions: readonly Revision[]
  readonly replicas: readonly Replica[]
}

/** Hands tables out when a part of them is different; what did not change stays the same object. */
export class TablePublisher {
  readonly #publish: (tables: Tables) => void
  #routed: Omit<Tables, 'replicas'> | undefined
  #published: Tables | undefined

  constructor(publish: (tables: Tables) => void) {
    this.#publish = publish
  }

  /** A service has other routes or revisions, or is gone. */
  outdated(): void {
    this.#routed = undefined
  }

  publish(services: Iterable<ServiceState>, replicas: readonly Replica[]): void {
    this.#routed ??= routedOf(services)
    const { routes, revisions } = this.#routed
    if (this.#published?.routes === routes && this.#published.replicas === replicas) return
    this.#published = { routes, revisions, replicas }
    this.#publish(this.#published)
  }
}

function routedOf(services: Iterable<ServiceState>): Omit<Tables, 'replicas'> {
  const results = [...services].flatMap(({ result }) => result ?? [])
  return {
    routes: results.flatMap(({ routes }) => routes),
    revisions: results.flatMap(({ revisions }) => revisions),
  }
}
