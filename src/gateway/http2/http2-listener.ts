import type { Socket } from 'node:net'
import type { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer } from '../exchange.ts'
import { Roster } from '../roster.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import { ClientConnection } from './client-connection.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import type { SlabPool } from './session/index.ts'

/** Bounds on clients; a time of 0 = for ever. */
export interface Http2Bounds {
  readonly headBytesMax: number
  readonly headersMax: number
  /** From the first byte of a connection to its first request. */
  readonly headTimeoutMs: number
  /** The longest silence of a client in mid-body, gRPC apart, and of one that takes nothing. */
  readonly bodyIdleTimeoutMs: number
  /** How long a connection stays open without a request. */
  readonly keepAliveTimeoutMs: number
  /** Requests of one connection; 0 = any number. */
  readonly requestsPerConnectionMax: number
  /**
   * Requests of one connection at a time. Default: 250, as Go's servers allow: few enough that one connection cannot fill
   * a queue, and with bodies read ahead 16 MB per connection at most; many enough that 200 connections hold 50,000.
   */
  readonly maxConcurrentStreams?: number
}

export interface Http2ListenerOptions {
  readonly wheel: TimerWheel
  /** Shared by all sessions of a thread, those to replicas too. */
  readonly slabs: SlabPool
  readonly endOfTurn: EndOfTurn
  /** The Date header's value now. */
  readonly date: () => string
  readonly bounds: Http2Bounds
  /** Takes each request. */
  readonly handle: (exchange: Exchange) => void
  /** A request or a connection was refused before it came to `handle`. */
  readonly onRefused: (refusal: Refusal) => void
}

/** Serves HTTP/2 on connections that were accepted elsewhere. */
export class Http2Listener {
  readonly #options: Http2ListenerOptions
  readonly #connections = new Roster<ClientConnection>()
  #state: 'serving' | 'draining' | 'closed' = 'serving'

  constructor(options: Http2ListenerOptions) {
    this.#options = options
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size
  }

  /**
   * Serves a connection: a plain socket whose preface is still to be read (or was unshifted), or a TLS socket that agreed
   * on `h2`. Nobody else may listen for its data.
   */
  accept(socket: Socket, peer: Peer): void {
    if (socket.destroyed) return
    if (this.#state === 'closed') {
      socket.destroy()
      return
    }
    const connection = new ClientConnection(socket, peer, {
      ...this.#options,
      isClosed: () => this.#state === 'closed',
      onEnd: () => this.#connections.leave(connection),
    })
    this.#connections.enter(connection)
    if (this.#state === 'draining') connection.drain()
  }

  /** Says GOAWAY on each connection: streams that are open go on, the connection closes after the last one. */
  drain(): void {
    if (this.#state === 'serving') this.#state = 'draining'
    for (const connection of this.#connections) connection.drain()
  }

  /** Resolves when no connection is open. */
  empty(): Promise<void> {
    return this.#connections.empty()
  }

  /** Ends every stream and connection now; exchanges that are open are aborted with SHUTTING_DOWN. */
  closeNow(): void {
    this.#state = 'closed'
    for (const connection of this.#connections) connection.destroy()
  }
}
