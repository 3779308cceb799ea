import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  type ClientSessionRequestOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Address } from '../../core/replica.ts'
import type { Transport } from '../upstream.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'

/** Requests at a time on one connection, whatever more a replica allows: they share one TCP stream and one window. */
const STREAMS_MAX = 100
/** What a replica may send before it is read; each stream is bounded by its own window of 65,535 bytes. */
const CONNECTION_WINDOW_BYTES = 1_048_576

const SESSION_OPTIONS: ClientSessionOptions & { readonly strictSingleValueFields: boolean } = {
  settings: { enablePush: false },
  maxHeaderListPairs: 256,
  maxSessionMemory: 64,
  // A field that comes twice is the client's and the replica's matter.
  strictSingleValueFields: false,
}

export interface ReplicaSessionOptions {
  readonly wheel: TimerWheel
  /** Until the replica has said its settings; 0 = as long as the system tries. */
  readonly connectTimeoutMs: number
  /** How long it may lie idle; 0 = as long as the replica keeps it. */
  readonly idleTimeoutMs: number
  readonly onEnd: (session: ReplicaSession) => void
}

/**
 * One connection to a replica:
 *
 *     connecting -- settings of the replica --> open -- GOAWAY, retired --> leaving -- last stream ends --> ended
 *              \--------------------------------- \------------------------- \--- breaks, timeout --------> ended
 *
 * It is open when the replica has said its settings: then it surely speaks HTTP/2, and how many requests it takes at a
 * time is known.
 */
export class ReplicaSession {
  readonly address: Address
  readonly #session: ClientHttp2Session
  readonly #options: ReplicaSessionOptions
  readonly #timer = new WheelTimer(() => this.#timedOut())
  readonly #opened = Promise.withResolvers<void>()
  #state: 'connecting' | 'open' | 'leaving' | 'ended' = 'connecting'
  #streams = 0
  #streamsMax = STREAMS_MAX
  #lastStreamId = Number.MAX_SAFE_INTEGER
  #failure: Error | undefined

  constructor(socket: Socket, address: Address, transport: Transport, options: ReplicaSessionOptions) {
    this.address = address
    this.#options = options
    const host = address.host.includes(':') ? `[${address.host}]` : address.host
    const session = connect(`${transport.tls ? 'https' : 'http'}://${host}:${address.port}`, {
      ...SESSION_OPTIONS,
      createConnection: () => socket,
    })
    this.#session = session
    session.once('connect', () => {
      if (transport.tls && session.alpnProtocol !== 'h2')
        session.destroy(new Error('the replica does not speak HTTP/2 over TLS: it did not agree on h2'))
      else if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    })
    session.on('remoteSettings', ({ maxConcurrentStreams }) => this.#said(maxConcurrentStreams))
    session.on('goaway', (_code, lastStreamId) => this.#leaves(lastStreamId))
    session.on('error', (error) => (this.#failure ??= error))
    session.on('close', () => this.#ended())
    // Without takers it may fail unheard.
    this.#opened.promise.catch(() => undefined)
    if (options.connectTimeoutMs > 0) options.wheel.arm(this.#timer, options.connectTimeoutMs)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get hasEnded(): boolean {
    return this.#state === 'ended' || this.#session.destroyed
  }

  /** Requests on it and on their way to it. */
  get streams(): number {
    return this.#streams
  }

  get hasRoom(): boolean {
    return (this.#state === 'open' || this.#state === 'connecting') && this.#streams < this.#streamsMax
  }

  /** More requests came while it was connecting than the replica takes at a time. */
  get isOverfull(): boolean {
    return this.#streams > this.#streamsMax
  }

  /** Why it broke, if it did. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Settles when it is open, or with the reason why it will not be. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** The replica said that it did not and will not work on this stream. */
  disowned(streamId: number | undefined): boolean {
    return streamId === undefined || streamId > this.#lastStreamId
  }

  /** Takes the place of one request. */
  enter(): void {
    if (this.#streams === 0 && this.#state === 'open') this.#options.wheel.cancel(this.#timer)
    this.#streams += 1
  }

  /** Gives it back. */
  leave(): void {
    this.#streams -= 1
    const { wheel, idleTimeoutMs } = this.#options
    if (this.#streams === 0 && this.#state === 'open' && idleTimeoutMs > 0)
      wheel.arm(this.#timer, idleTimeoutMs)
  }

  /** @throws Error of node:http2 for fields that it does not send. */
  request(flat: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    return this.#session.request(flat, options)
  }

  /** Takes no more requests, and ends after those it has. */
  retire(): void {
    if (this.#state === 'connecting' && this.#streams === 0) this.#session.destroy()
    else if (this.#state === 'open') {
      this.#state = 'leaving'
      this.#session.close()
    }
  }

  #said(maxConcurrentStreams: number | undefined): void {
    this.#streamsMax = Math.min(STREAMS_MAX, maxConcurrentStreams ?? STREAMS_MAX)
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.#options.wheel.cancel(this.#timer)
    this.#opened.resolve()
    // Those that waited may have gone.
    if (this.#streams === 0 && this.#options.idleTimeoutMs > 0)
      this.#options.wheel.arm(this.#timer, this.#options.idleTimeoutMs)
  }

  #leaves(lastStreamId: number | undefined): void {
    if (lastStreamId !== undefined) this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId)
    if (this.#state === 'open') this.#state = 'leaving'
  }

  #timedOut(): void {
    if (this.#state === 'connecting')
      this.#session.destroy(new Error(`no HTTP/2 connection within ${this.#options.connectTimeoutMs} ms`))
    else this.retire()
  }

  #ended(): void {
    this.#state = 'ended'
    this.#options.wheel.cancel(this.#timer)
    this.#opened.reject(this.#failure ?? new Error('the connection was closed before it was open'))
    this.#options.onEnd(this)
  }
}
