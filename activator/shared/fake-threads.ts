import type { Clock } from '../../src/core/clock.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { Replica } from '../../src/core/replica.ts'
import { silentMetrics } from '../../src/core/telemetry.ts'
import { Activator, type ActivatorTables } from '../activator.ts'
import type { ActivationBounds } from '../revision-activator.ts'
import { SharedOwner, SharedThread, type SharedIndexes } from './index.ts'

export const IRIS: RevisionName = 'ml/iris-00001'

/** A ready replica of IRIS. */
export function ready(name: string, port = 9_000): Replica {
  const address = { host: '127.0.0.1', port }
  return {
    name: `ml/${name}`,
    revision: IRIS,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    address,
    restarts: 0,
  }
}

/** One of several threads on one memory, all run by one real thread: it reads its mail when told to. */
export class FakeThread {
  readonly #shared: SharedThread
  readonly number: number
  readonly activator: Activator
  /** Revisions for which it told that somebody waits for a replica. */
  readonly woken: RevisionName[] = []

  constructor(owner: SharedOwner, options: { readonly clock: Clock; readonly bounds: ActivationBounds }) {
    this.number = owner.openThread()
    this.#shared = new SharedThread(owner.handle, this.number)
    this.activator = new Activator({
      name: `thread-${this.number}`,
      clock: options.clock,
      bus: { report() {}, wake: (revision) => this.woken.push(revision) },
      metrics: silentMetrics,
      bounds: options.bounds,
      openSlots: (name, limit) => this.#shared.openSlots(name, limit),
    })
  }

  adopt(indexes: SharedIndexes, tables: ActivatorTables): void {
    this.#shared.adopt(indexes, () => this.activator.update(tables))
  }

  readMail(): void {
    this.#shared.readMail((revision) => this.activator.serve(revision))
  }
}
