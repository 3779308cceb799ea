import type { Worker } from 'node:worker_threads'
import type { SharedIndexes } from '../../../activator/index.ts'
import { ConfigError } from '../../core/config.ts'
import type { RevisionName } from '../../core/names.ts'
import type { Report } from '../../core/report.ts'
import { sameItems, type PublishedTables } from '../../gateway/index.ts'
import type { Dump } from '../../telemetry/index.ts'
import type { FromThread, ToThread } from './messages.ts'

/** The main thread's end of one thread that carries requests. */
export class GatewayThread {
  readonly #worker: Worker
  #routes: PublishedTables['routes'] | undefined
  #revisions: PublishedTables['revisions'] | undefined
  readonly #listening = Promise.withResolvers<void>()
  readonly #drained = Promise.withResolvers<void>()
  #hasListened = false
  #dump: PromiseWithResolvers<void> | undefined
  /** What it had counted when it was asked last. */
  lastDump: Dump | undefined

  constructor(
    worker: Worker,
    on: {
      readonly onReport: (reports: readonly Report[]) => void
      readonly onWake: (revision: RevisionName) => void
      readonly onError: (error: Error) => void
      readonly onExit: () => void
    },
  ) {
    this.#worker = worker
    // Whoever does not wait for it hears of a failure by the exit.
    this.#listening.promise.catch(() => undefined)
    worker.on('message', (message: FromThread) => {
      switch (message.kind) {
        case 'listening':
          this.#hasListened = true
          this.#listening.resolve()
          break
        case 'failed':
          this.#listening.reject(
            message.isConfig ? new ConfigError(message.message) : new Error(message.message),
          )
          break
        case 'report':
          on.onReport(message.reports)
          break
        case 'wake':
          on.onWake(message.revision)
          break
        case 'dump':
          this.lastDump = message.dump
          this.#dump?.resolve()
          this.#dump = undefined
          break
        case 'drained':
          this.#drained.resolve()
          break
      }
    })
    worker.on('error', (error) => on.onError(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => {
      this.#listening.reject(new Error('a thread that carries requests ended before it listened'))
      this.#drained.resolve()
      this.#dump?.resolve()
      on.onExit()
    })
  }

  /** Resolves when it takes requests; rejects when it never will. */
  get listening(): Promise<void> {
    return this.#listening.promise
  }

  /** Whether it ever took requests. */
  get hasListened(): boolean {
    return this.#hasListened
  }

  /** Sends what has changed since the last time. */
  publish(
    { routes, revisions, replicas }: PublishedTables,
    indexes: SharedIndexes,
    cursors: ReadonlyMap<string, number>,
  ): void {
    const areRoutesNew = this.#routes === undefined || !sameItems(this.#routes, routes)
    const areRevisionsNew = this.#revisions === undefined || !sameItems(this.#revisions, revisions)
    this.#routes = routes
    this.#revisions = revisions
    this.#tell({
      kind: 'tables',
      routes: areRoutesNew ? routes : undefined,
      revisions: areRevisionsNew ? revisions : undefined,
      replicas,
      indexes,
      cursors: areRoutesNew ? cursors : undefined,
    })
  }

  /** What it has counted of the living revisions; what it had counted before if `patience` ends first. */
  async dump(living: ReadonlySet<string>, patience: AbortSignal): Promise<Dump | undefined> {
    // Whoever asks while another waits hears the same: both get the next that comes.
    const asked = (this.#dump ??= Promise.withResolvers<void>())
    const giveUp = (): void => {
      if (this.#dump === asked) this.#dump = undefined
      asked.resolve()
    }
    patience.addEventListener('abort', giveUp, { once: true })
    this.#tell({ kind: 'dump', living })
    await asked.promise
    return this.lastDump
  }

  /** Resolves when its requests are over, or it is. */
  drain(): Promise<void> {
    this.#tell({ kind: 'drain' })
    return this.#drained.promise
  }

  /** Ends its requests. */
  hurry(): void {
    this.#tell({ kind: 'hurry' })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #tell(message: ToThread): void {
    this.#worker.postMessage(message)
  }
}
