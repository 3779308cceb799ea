import type { Socket } from 'node:net'
import type { Address } from '../../core/replica.ts'
import { WheelTimer, type TimerWheel } from '../timer-wheel.ts'
import type { Transport } from '../upstream.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import {
  CODE,
  Http2Session,
  type Http2Error,
  type Http2Stream,
  type SessionHooks,
  type SlabPool,
  type StreamOwner,
} from './session/index.ts'

/** Requests at a time on one connection, whatever more a replica allows: they share one TCP stream and one window. */
const STREAMS_MAX = 100
/** What a replica may send on one stream before it is read: replicas are near, so the default of HTTP/2 is enough. */
const STREAM_WINDOW_BYTES = 65_535
/** A credit, not an allocation: clients that are slow do not stop the others. */
const CONNECTION_WINDOW_BYTES = STREAMS_MAX * STREAM_WINDOW_BYTES
/** Bytes of an answer's head: servers send more than clients, a cookie each. */
const LIST_BYTES_MAX = 262_144
/** How long a replica may take to close after we have said our last. */
const CLOSE_TIMEOUT_MS = 30_000

export interface ReplicaSessionOptions {
  readonly wheel: TimerWheel
  readonly slabs: SlabPool
  readonly endOfTurn: EndOfTurn
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
export class ReplicaSession extends WheelTimer implements SessionHooks {
  readonly address: Address
  readonly #socket: Socket
  readonly #options: ReplicaSessionOptions
  readonly #opened = Promise.withResolvers<void>()
  /** undefined until the socket is connected. */
  #session: Http2Session | undefined
  #state: 'connecting' | 'open' | 'leaving' | 'ended' = 'connecting'
  #isEnding = false
  #streams = 0
  #streamsMax = STREAMS_MAX
  #failure: Error | undefined

  constructor(socket: Socket, address: Address, transport: Transport, options: ReplicaSessionOptions) {
    super(undefined)
    this.address = address
    this.#socket = socket
    this.#options = options
    socket.once(transport.tls ? 'secureConnect' : 'connect', () => this.#begin())
    socket.on('error', (error) => (this.#failure ??= error))
    // Before the session hears of it: its streams ask whether this has ended.
    socket.once('close', () => this.#ended())
    // Without takers it may fail unheard.
    this.#opened.promise.catch(() => undefined)
    if (options.connectTimeoutMs > 0) options.wheel.arm(this, options.connectTimeoutMs)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get hasEnded(): boolean {
    return this.#state === 'ended' || this.#socket.destroyed
  }

  /** Requests on it and on their way to it. */
  get streams(): number {
    return this.#streams
  }

  get hasRoom(): boolean {
    if (this.#socket.destroyed || this.#isEnding) return false
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

  /** Takes the place of one request. */
  enter(): void {
    if (this.#streams === 0 && this.#state === 'open') this.#options.wheel.cancel(this)
    this.#streams += 1
  }

  /** Gives it back. */
  leave(): void {
    this.#streams -= 1
    this.#rest()
  }

  /** undefined when the replica takes no more. */
  request(fields: readonly string[], endStream: boolean, owner: StreamOwner): Http2Stream | undefined {
    return this.#session?.open(fields, endStream, owner)
  }

  /** Takes no more requests, and ends after those it has. */
  retire(): void {
    if (this.#state === 'connecting' && this.#streams === 0) this.#socket.destroy()
    else if (this.#state === 'open') {
      this.#state = 'leaving'
      this.#options.wheel.cancel(this)
      this.#session?.drain()
    }
  }

  onSettings(): void {
    this.#streamsMax = Math.min(STREAMS_MAX, this.#session?.streamsMax ?? STREAMS_MAX)
    if (this.#state !== 'connecting') return
    this.#state = 'open'
    this.#options.wheel.cancel(this)
    this.#opened.resolve()
    // Those that waited may have gone.
    this.#rest()
  }

  onGoaway(code: number): void {
    if (this.#state === 'open') {
      this.#state = 'leaving'
      this.#options.wheel.cancel(this)
    }
    // No more comes after an error; but first the streams hear that the replica has not looked at.
    if (code !== CODE.noError) {
      this.#failure ??= new Error(`the replica ended the connection with code ${code}`)
      queueMicrotask(() => this.#session?.destroy(CODE.cancel))
    }
  }

  onError(error: Http2Error): void {
    // A stream's owner hears of its own.
    if (error.scope === 'stream') return
    this.#failure ??= error
    this.#opened.reject(error)
  }

  onEnding(): void {
    this.#isEnding = true
    if (this.#state === 'open') this.#state = 'leaving'
    this.#options.wheel.arm(this, CLOSE_TIMEOUT_MS)
  }

  /** The socket tells, also before there is a session. */
  onClose(): void {}

  override fire(): void {
    if (this.#state === 'connecting' && !this.#isEnding)
      this.#fail(new Error(`no HTTP/2 connection within ${this.#options.connectTimeoutMs} ms`))
    else if (this.#isEnding) this.#socket.destroy()
    else this.retire()
  }

  #begin(): void {
    const socket = this.#socket
    if ('alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
      this.#fail(new Error('the replica does not speak HTTP/2 over TLS: it did not agree on h2'))
      return
    }
    const { wheel, slabs, endOfTurn } = this.#options
    socket.setNoDelay(true)
    this.#session = new Http2Session(socket, {
      role: 'client',
      hooks: this,
      slabs,
      endOfTurn,
      nowMs: () => wheel.nowMs,
      windowBytes: STREAM_WINDOW_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      listBytesMax: LIST_BYTES_MAX,
    })
  }

  #rest(): void {
    const { wheel, idleTimeoutMs } = this.#options
    if (this.#streams === 0 && this.#state === 'open' && idleTimeoutMs > 0) wheel.arm(this, idleTimeoutMs)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#socket.destroy()
  }

  #ended(): void {
    this.#state = 'ended'
    this.#options.wheel.cancel(this)
    this.#opened.reject(this.#failure ?? new Error('the connection was closed before it was open'))
    this.#options.onEnd(this)
  }
}
