import type { Address, Transport } from '../core/replica.ts'
import type { RequestLimits } from '../core/revision.ts'
import type { Exchange } from './exchange.ts'

export type { Transport }

/** Where a request goes and how it is spoken to there. */
export interface Way {
  readonly address: Address
  readonly transport: Transport
}

export const PLAIN_HTTP1: Transport = { protocol: 'http/1.1', tls: false }

/** What connections can be used again for: the same port may have spoken without TLS a moment ago, for another replica. */
export function placeKey({ host, port }: Address, tls: boolean): string {
  return `${host} ${port}${tls ? ' tls' : ''}`
}

/** The keys of all connections to these. */
export function placeKeys(addresses: readonly Address[]): Set<string> {
  return new Set(addresses.flatMap((address) => [placeKey(address, false), placeKey(address, true)]))
}

/** What a replica hears besides the client's own fields. Host is not among them: it goes on as sent. */
export interface Added {
  /** Mask (pass-on.ts) of the client's fields that are left out: hop-by-hop ones, and those that are said instead. */
  readonly dropped: number
  /** Names and values, lower-case names. */
  readonly list: readonly string[]
  /** The same as HTTP/1.1 writes it: `name: value\r\n` of each. */
  readonly text: string
}

/** Where a request goes and what is said there: decided once per attempt. */
export interface Onward extends Way {
  /** What to ask the replica for: the path less the route's prefix. */
  readonly path: string
  /** What the replica hears besides the client's own fields, and instead of some of them. */
  readonly added: Added
  /** Names and values, lower-case names, that the answer carries besides the replica's own. */
  readonly ours: readonly string[]
  readonly limits: Pick<RequestLimits, 'responseStartTimeoutMs' | 'idleTimeoutMs'>
  /** Do not reuse a connection. */
  readonly fresh: boolean
}

/**
 * How an attempt ended:
 * - `answered`: the whole answer was handed to the reply
 * - `unreachable`: no connection; the replica saw nothing
 * - `reset`: the connection broke before the head of an answer; `stale` if it had been idle in the pool before
 * - `invalid`: what came back is no HTTP that a strict reader takes
 * - `cut`: the answer broke off; the reply has been reset
 */
export type ForwardResult =
  | { readonly outcome: 'answered' }
  | { readonly outcome: 'unreachable'; readonly cause: Error }
  | { readonly outcome: 'reset'; readonly cause: Error; readonly stale: boolean }
  | { readonly outcome: 'invalid'; readonly cause: Error }
  | { readonly outcome: 'cut' }

/** Connections to replicas in one version of HTTP. */
export interface Upstream {
  /**
   * Sends the request to the replica and its answer to the client, streaming both ways with back-pressure.
   * @throws Refusal RESPONSE_START_TIMEOUT; the exchange's signal's reason when it is aborted before the answer began.
   */
  forward(exchange: Exchange, onward: Onward): Promise<ForwardResult>
  /** Ends idle connections to all addresses but these. */
  retain(addresses: readonly Address[]): void
  /** Ends idle connections, and those in use once they are free. */
  close(): void
}
