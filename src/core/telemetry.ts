import type { Decision } from './decision.ts'
import type { RevisionName } from './names.ts'
import type { RefusalCode } from './refusals.ts'

/** What happened, told to whoever counts it. Each method returns at once and never throws. */
export interface Metrics {
  /** One request is over. `route` and `revision` are '' where none was found. */
  requestFinished(request: {
    readonly route: string
    readonly revision: string
    /** The status that the client got; 0 when the connection was reset before any. */
    readonly status: number
    readonly refusal?: RefusalCode
    readonly durationMs: number
  }): void
  /** A request left the queue of its revision: with a permit, refused, or because its client went away. */
  queueLeft(revision: RevisionName, outcome: 'served' | 'refused' | 'gone', waitMs: number): void
  /** The first request that woke a sleeping revision got its permit after this long. */
  coldStart(revision: RevisionName, durationMs: number): void
  /** A request is tried again on another replica, before the first byte of an answer. */
  retried(revision: RevisionName): void
  decided(revision: RevisionName, decision: Decision): void
}

/** Counts nothing: for tests and simulation. */
export const silentMetrics: Metrics = {
  requestFinished() {},
  queueLeft() {},
  coldStart() {},
  retried() {},
  decided() {},
}

/** A constant sentence plus fields. pino is one. */
export interface Log {
  debug(fields: object, sentence: string): void
  info(fields: object, sentence: string): void
  warn(fields: object, sentence: string): void
  error(fields: object, sentence: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
