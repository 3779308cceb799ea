import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Address } from '../../src/core/replica.ts'
import type { RequestLimits } from '../../src/core/revision.ts'
import type { ReplayableBody } from './replayable-body.ts'
import type { Headers } from './request-headers.ts'

/** One request and its answer, as a forwarder needs them. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: ReplayableBody
  /** What to ask the replica for. */
  readonly path: string
  readonly headers: Headers
  /** Names and values that the answer carries besides the replica's own. */
  readonly extraHeaders: readonly string[]
}

/**
 * How an attempt ended:
 * - `answered`: the whole answer has gone to the client
 * - `unreachable`: no connection; the replica saw nothing
 * - `reset`: the connection broke before the head of an answer; `stale` if it had been idle in the pool before
 * - `cut`: the answer broke off; the client's connection has been reset
 */
export type ForwardResult =
  | { readonly outcome: 'answered' }
  | { readonly outcome: 'unreachable'; readonly cause: Error }
  | { readonly outcome: 'reset'; readonly cause: Error; readonly stale: boolean }
  | { readonly outcome: 'cut' }

export interface Forwarder {
  /**
   * Sends the request to the replica and its answer to the client, streaming both ways with back-pressure.
   * @param options.fresh do not reuse a connection.
   * @throws Refusal RESPONSE_START_TIMEOUT; the signal's reason when it is aborted before the answer began.
   */
  forward(
    exchange: Exchange,
    address: Address,
    limits: Pick<RequestLimits, 'responseStartTimeoutMs' | 'idleTimeoutMs'>,
    options: { readonly signal: AbortSignal; readonly fresh: boolean },
  ): Promise<ForwardResult>
  /** Ends idle connections. */
  close(): void
}
