import type { SharedHandle, SharedIndexes } from '../../../activator/index.ts'
import type { Config } from '../../core/config.ts'
import type { RevisionName } from '../../core/names.ts'
import type { Report } from '../../core/report.ts'
import type { Listening, PublishedTables } from '../../gateway/index.ts'
import type { Dump, LogLevel } from '../../telemetry/index.ts'

/** What the main thread and those that carry requests say to each other: plain data, as `postMessage` clones it. */

/** What a thread is born with. */
export interface ThreadBirth {
  readonly config: Pick<Config, 'gateway' | 'queue'>
  readonly log: { readonly level: LogLevel; readonly pretty: boolean; readonly colour: boolean }
  /** Its number among those that share the slots. */
  readonly number: number
  readonly slots: SharedHandle
  readonly cursors: Int32Array<SharedArrayBuffer>
  /** Open connections, one cell per number. */
  readonly connections: Int32Array<SharedArrayBuffer>
}

export type ToThread =
  | {
      readonly kind: 'tables'
      /** Undefined: as before. */
      readonly routes: PublishedTables['routes'] | undefined
      readonly revisions: PublishedTables['revisions'] | undefined
      readonly replicas: PublishedTables['replicas']
      readonly indexes: SharedIndexes
      /** Where the cursor of each route stands, by routeKey. */
      readonly cursors: ReadonlyMap<string, number> | undefined
    }
  | { readonly kind: 'dump'; readonly living: ReadonlySet<string> }
  | { readonly kind: 'drain' }
  /** Do not wait for requests to end. */
  | { readonly kind: 'hurry' }

export type FromThread =
  | { readonly kind: 'listening'; readonly bound: Listening }
  | { readonly kind: 'failed'; readonly message: string; readonly isConfig: boolean }
  | { readonly kind: 'report'; readonly reports: readonly Report[] }
  | { readonly kind: 'wake'; readonly revision: RevisionName }
  | { readonly kind: 'dump'; readonly dump: Dump }
  | { readonly kind: 'drained' }
