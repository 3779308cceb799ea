import type { PublishedTables } from '../../src/gateway/index.ts'

/** What the soak and its gateway process say to each other. */
export type ToGateway =
  | { readonly kind: 'publish'; readonly tables: PublishedTables }
  | { readonly kind: 'sample' }
  | { readonly kind: 'drain' }

export type FromGateway =
  | { readonly kind: 'listening'; readonly port: number }
  /** Requests wait for a revision without replicas. */
  | { readonly kind: 'wake'; readonly revision: string }
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'drained' }

/** The gateway process at one moment, after its garbage was collected. */
export interface Sample {
  readonly atMs: number
  readonly rssBytes: number
  readonly heapBytes: number
  /** Buffers outside of the heap. */
  readonly externalBytes: number
  /** What keeps the process alive, by kind: sockets, servers, timers. */
  readonly handles: Readonly<Record<string, number>>
  /** Connections of clients that are open. */
  readonly connections: number
  /** Requests that are being answered, as the gateway counts them, and that wait or run, as the activator does. */
  readonly underWay: number
  readonly revisions: Readonly<Record<string, { readonly waiting: number; readonly inFlight: number }>>
  /** Requests that are over, by the status that the client got. */
  readonly finished: Readonly<Record<string, number>>
}
