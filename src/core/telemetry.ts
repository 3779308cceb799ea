import type { Decision } from './decision.ts'
import type { RevisionName } from './names.ts'
import type { RefusalCode } from './refusals.ts'

/** How a request left the queue: with a permit, refused, or because its client went away. */
export type QueueOutcome = 'served' | 'refused' | 'gone'

/** What a client's connection speaks. */
export type ConnectionProtocol = 'http/1.1' | 'h2'

/** Why a client's connection was not taken: too many in all, too many of its address, no TLS handshake. */
export type ConnectionRefusal = 'limit' | 'per-address' | 'tls'

/** Whether an attempt got a new connection to its replica, or one from the pool. */
export type UpstreamUse = 'opened' | 'reused'

/** What happened, told to whoever counts it. Each method returns at once and never throws. */
export interface Metrics {
  /** One request is over. `route` and `revision` are '' where none was found. */
  requestFinished(request: {
    readonly route: string
    readonly revision: string
    /** The status that the client got; 0 when the connection was reset before any. */
    readonly status: number
    readonly refusal?: RefusalCode | undefined
    readonly durationMs: number
  }): void
  /** A request left the queue of its revision. */
  queueLeft(revision: RevisionName, outcome: QueueOutcome, waitMs: number): void
  /** An answer said in its `usage` how many tokens it took. */
  tokensUsed(revision: RevisionName, tokens: { readonly prompt: number; readonly generated: number }): void
  /** The first request that woke a sleeping revision got its permit after this long. */
  coldStart(revision: RevisionName, durationMs: number): void
  /** A request is tried again on another replica, before the first byte of an answer. */
  retried(revision: RevisionName): void
  decided(revision: RevisionName, decision: Decision): void
  /** A client's connection was taken, and it is known what it speaks. */
  connectionOpened(protocol: ConnectionProtocol): void
  /** One that was opened is over; with the protocol that was said then. */
  connectionClosed(protocol: ConnectionProtocol): void
  /** A client's connection was not taken. */
  connectionRefused(reason: ConnectionRefusal): void
  /** An attempt has its connection to a replica. */
  upstreamConnection(use: UpstreamUse): void
  /** A replica of the revision was taken out for a while, because it refused or reset connections. */
  replicaEjected(revision: RevisionName): void
}

/** Counts nothing: for tests and simulation. */
export const silentMetrics: Metrics = {
  requestFinished() {},
  queueLeft() {},
  tokensUsed() {},
  coldStart() {},
  retried() {},
  decided() {},
  connectionOpened() {},
  connectionClosed() {},
  connectionRefused() {},
  upstreamConnection() {},
  replicaEjected() {},
}

/** A constant sentence plus fields. pino is one. */
export interface Log {
  debug(fields: object, sentence: string): void
  info(fields: object, sentence: string): void
  warn(fields: object, sentence: string): void
  error(fields: object, sentence: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
