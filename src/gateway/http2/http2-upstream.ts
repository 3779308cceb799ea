import type { Socket } from 'node:net'
import type { Cancellation } from '../../core/cancellation.ts'
import type { Address } from '../../core/replica.ts'
import type { Exchange } from '../exchange.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import {
  placeKey,
  placeKeys,
  type ForwardResult,
  type Onward,
  type Transport,
  type Upstream,
} from '../upstream.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import { Http2Attempt } from './http2-attempt.ts'
import { ReplicaSession } from './replica-session.ts'
import { Http2Error, type SlabPool } from './session/index.ts'

export interface Http2UpstreamOptions {
  readonly wheel: TimerWheel
  /** Shared by all sessions of a thread, those to clients too. */
  readonly slabs: SlabPool
  readonly endOfTurn: EndOfTurn
  /** Opens a socket that is about to connect; with TLS, one that offers `h2` by ALPN. */
  readonly connect: (address: Address, transport: Transport) => Socket
  /** Until a new connection can carry requests; 0 = as long as the system tries. */
  readonly connectTimeoutMs: number
  /** How long a connection may lie idle; 0 = as long as the replica keeps it. */
  readonly idleTimeoutMs: number
  readonly onConnection?: (how: 'opened' | 'reused') => void
}

/** New connections that one request waits for, where the first ones have no room or say GOAWAY at once. */
const TRIES_MAX = 10

/** Connections to replicas that speak HTTP/2, with prior knowledge or over TLS. */
export class Http2Upstream implements Upstream {
  readonly #options: Http2UpstreamOptions
  readonly #byAddress = new Map<string, ReplicaSession[]>()

  constructor(options: Http2UpstreamOptions) {
    this.#options = options
  }

  /** Connections that have not ended. */
  get size(): number {
    let size = 0
    for (const sessions of this.#byAddress.values()) size += sessions.length
    return size
  }

  async forward(exchange: Exchange, onward: Onward): Promise<ForwardResult> {
    const { signal } = exchange
    signal.throwIfAborted()
    let session = this.#take(onward)
    const isReused = session.isOpen
    this.#options.onConnection?.(isReused ? 'reused' : 'opened')
    for (let tries = 1; !session.isOpen; tries++) {
      try {
        await openOrAborted(session, signal)
        if (session.isOpen && !session.isOverfull) break
        if (tries === TRIES_MAX)
          throw new Error('the replica closes its connections as soon as they are open')
      } catch (error) {
        session.leave()
        if (signal.aborted) throw signal.reason
        return notOpen(error)
      }
      session.leave()
      session = this.#take({ ...onward, fresh: false })
    }
    return new Http2Attempt(exchange, onward, { session, isReused, wheel: this.#options.wheel }).run()
  }

  retain(addresses: readonly Address[]): void {
    const kept = placeKeys(addresses)
    for (const [key, sessions] of this.#byAddress) {
      if (!kept.has(key)) for (const session of sessions) session.retire()
    }
  }

  close(): void {
    this.retain([])
  }

  /** A place on the connection with the fewest requests, on a new one if all are full. */
  #take({ address, transport, fresh }: Onward): ReplicaSession {
    const sessions = this.#byAddress.get(placeKey(address, transport.tls)) ?? []
    let least: ReplicaSession | undefined
    if (!fresh) {
      for (const session of sessions)
        if (session.hasRoom && (least === undefined || session.streams < least.streams)) least = session
    }
    least ??= this.#open(address, transport)
    least.enter()
    return least
  }

  #open(address: Address, transport: Transport): ReplicaSession {
    const { connect } = this.#options
    const key = placeKey(address, transport.tls)
    const session = new ReplicaSession(connect(address, transport), address, transport, {
      ...this.#options,
      onEnd: (ended) => this.#forget(key, ended),
    })
    const sessions = this.#byAddress.get(key)
    if (sessions === undefined) this.#byAddress.set(key, [session])
    else sessions.push(session)
    return session
  }

  #forget(key: string, ended: ReplicaSession): void {
    const left = (this.#byAddress.get(key) ?? []).filter((session) => session !== ended)
    if (left.length === 0) this.#byAddress.delete(key)
    else this.#byAddress.set(key, left)
  }
}

/** Settles with `session.opened`, or rejects as soon as the signal is aborted. */
function openOrAborted(session: ReplicaSession, signal: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const listener = { handleEvent: (): void => reject(signal.reason) }
    signal.addEventListener('abort', listener, { once: true })
    session.opened.then(resolve, reject).finally(() => signal.removeEventListener('abort', listener))
  })
}

/** Nothing of the request was sent. What answers with bytes that are no HTTP/2 is there, but speaks something else. */
function notOpen(error: unknown): ForwardResult {
  const cause = error instanceof Error ? error : new Error(String(error))
  return { outcome: cause instanceof Http2Error ? 'invalid' : 'unreachable', cause }
}
