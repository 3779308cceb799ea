import type { Duplex } from 'node:stream'
import { HpackDecoder, HpackEncoder } from '../hpack/index.ts'
import { CODE, Http2Error } from './errors.ts'
import { FloodGuard } from './floods.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { PREFACE, STREAM_ID_MAX } from './frames.ts'
import { Inbound, type ConnectionFrames } from './inbound.ts'
import { Messages } from './messages.ts'
import { limitsOf, type SessionHooks, type SessionLimits, type SessionOptions } from './options.ts'
import { Pings } from './pings.ts'
import { HEADER_TABLE_BYTES, PeerSettings, saidSettings, type Role } from './settings.ts'
import { StreamSender } from './stream-sender.ts'
import { StreamTable } from './stream-table.ts'
import type { Http2Stream, StreamOwner } from './stream.ts'

/** A `net.Socket` or `tls.TLSSocket`, as far as a session needs it. */
export interface SessionSocket extends Duplex {
  readonly connecting: boolean
  destroySoon(): void
}

/** A peer that leaves so much unread would not read why the connection closes either. */
const STUCK_BYTES = 65_536

/**
 * One HTTP/2 connection on a socket of its own (RFC 9113), as a server or as a client:
 *
 *     socket --> FrameReader --> Inbound --> Messages --> owners of streams
 *     socket <-- FrameWriter <-- StreamSender <-- streams
 *
 *     open --drain, GOAWAY--> draining --last stream closed--> ending --peer closes--> closed
 *       \---------error, destroy-----------------------------> closed
 *
 * It has no timers: whoever owns it watches for idle, silent and lingering peers with `ping` and the hooks.
 */
export class Http2Session implements ConnectionFrames {
  readonly #socket: SessionSocket
  readonly #role: Role
  readonly #hooks: SessionHooks
  readonly #limits: SessionLimits
  readonly #peer = new PeerSettings()
  readonly #encoder = new HpackEncoder()
  readonly #decoder = new HpackDecoder(HEADER_TABLE_BYTES)
  readonly #writer: FrameWriter
  readonly #reader: FrameReader
  readonly #sender: StreamSender
  readonly #streams: StreamTable
  readonly #messages: Messages
  readonly #pings: Pings
  #state: 'open' | 'draining' | 'ending' | 'closed' = 'open'
  /** Of the client's preface: bytes that have not come. */
  #prefaceBytesLeft: number
  /** The last stream of the peer that we take. */
  #lastTakenId = STREAM_ID_MAX
  #nextId = 1
  #isPeerGoing = false
  #wasConnected: boolean
  #error: Error | undefined

  /** @param socket plain, its preface unread or unshifted; or TLS that agreed on `h2`. Nobody else may listen for its data. */
  constructor(socket: SessionSocket, options: SessionOptions) {
    const limits = limitsOf(options)
    const { role, hooks } = options
    this.#socket = socket
    this.#role = role
    this.#hooks = hooks
    this.#limits = limits
    this.#prefaceBytesLeft = role === 'server' ? PREFACE.length : 0
    this.#wasConnected = !socket.connecting
    const floods = new FloodGuard(limits.floods, options.nowMs)
    const peer = this.#peer
    const writer = new FrameWriter(socket, {
      slabs: options.slabs,
      endOfTurn: options.endOfTurn,
      onFlushed: () => this.#sender.pump(),
    })
    const streams = new StreamTable({
      ...limits,
      writer,
      peer,
      floods,
      onError: (error) => hooks.onError?.(error),
      onEmpty: () => this.#emptied(),
    })
    const sender = new StreamSender({
      ...limits,
      writer,
      peer,
      floods,
      encoder: this.#encoder,
      onLocalEnd: (stream) => streams.ended(stream),
      onTooLarge: (stream) => streams.breakOff(stream, CODE.internal),
      onReset: (stream) => streams.reset(stream, CODE.noError),
    })
    streams.use(sender)
    const messages = new Messages({
      role,
      streams,
      streamsMax: limits.streamsMax,
      lastTakenId: () => this.#lastTakenId,
      onStream: (stream, fields, endStream) => hooks.onStream?.(stream, fields, endStream),
    })
    this.#writer = writer
    this.#sender = sender
    this.#streams = streams
    this.#messages = messages
    this.#pings = new Pings(writer)
    const { listBytesMax } = limits
    this.#reader = new FrameReader(
      new Inbound({
        connection: this,
        streams,
        messages,
        sender,
        writer,
        floods,
        decoder: this.#decoder,
        listBytesMax,
      }),
    )
    this.#listen()
    if (role === 'client') writer.raw(PREFACE)
    writer.settings(saidSettings(role, limits))
    streams.start()
  }

  /** Streams that are open. */
  get size(): number {
    return this.#streams.size
  }

  /** Whether `open` would give a stream. */
  get hasRoom(): boolean {
    return (
      this.#state === 'open' && this.#streams.size < this.#peer.streamsMax && this.#nextId <= STREAM_ID_MAX
    )
  }

  /** The peer has said its SETTINGS: it speaks HTTP/2. */
  get isAgreed(): boolean {
    return this.#peer.hasSpoken
  }

  /** How many streams the peer lets us open at a time. */
  get streamsMax(): number {
    return this.#peer.streamsMax
  }

  /**
   * Opens a stream: a client's sessions only, also while the socket connects.
   * @returns undefined when the peer allows no more at a time, or the session comes to its end.
   */
  open(fields: readonly string[], endStream: boolean, owner: StreamOwner): Http2Stream | undefined {
    if (this.#role !== 'client') throw new Error('a server opens no streams')
    if (!this.hasRoom) return undefined
    const stream = this.#streams.add(this.#nextId)
    this.#nextId += 2
    stream.owner = owner
    for (let at = 0; at < fields.length && fields[at]!.startsWith(':'); at += 2)
      if (fields[at] === ':method') stream.isBodyless = fields[at + 1] === 'HEAD'
    stream.sendHeaders(fields, endStream)
    return stream
  }

  /** Asks the peer for a sign of life. @returns false when too many are unanswered. */
  sendPing(onPong: () => void): boolean {
    return this.#isOver || this.#pings.send(onPong)
  }

  /**
   * Comes to an end: streams that are open go on, and the last closes the session. A server first says that it will (GOAWAY
   * with 2^31-1), and takes requests that are on their way until the client has answered a PING, or until this is called
   * again.
   */
  drain(): void {
    if (this.#state === 'open') {
      this.#state = 'draining'
      if (this.#role === 'server') {
        this.#writer.goaway(STREAM_ID_MAX, CODE.noError, '')
        if (this.#pings.send(() => this.#takeNoMore())) return
      }
    }
    if (this.#state === 'draining') this.#takeNoMore()
  }

  /** Ends every stream and the connection now; owners hear `code`. */
  destroy(code: number = CODE.cancel, reason = ''): void {
    if (this.#state === 'closed') return
    this.#close(code, reason, undefined)
  }

  settings(bytes: Buffer, start: number, end: number): void {
    const windowBytes = this.#peer.windowBytes
    this.#peer.take(bytes, start, end, this.#role)
    this.#encoder.setTableBytesMax(this.#peer.headerTableBytes)
    this.#writer.settingsAck()
    this.#streams.peerWindowsChanged(this.#peer.windowBytes - windowBytes)
    this.#checkControlBacklog()
    this.#hooks.onSettings?.()
  }

  settingsAcknowledged(): void {
    this.#streams.settingsAcknowledged()
    this.#decoder.acknowledged()
  }

  ping(bytes: Buffer, start: number): void {
    this.#writer.ping(true, bytes, start)
    this.#checkControlBacklog()
  }

  pong(bytes: Buffer, start: number): void {
    this.#pings.take(bytes, start)
  }

  goaway(lastStreamId: number, code: number): void {
    if (this.#state === 'open') this.#state = 'draining'
    this.#isPeerGoing = true
    this.#hooks.onGoaway?.(code)
    if (this.#role === 'client') this.#streams.refusedAbove(lastStreamId, CODE.refusedStream)
    if (this.#streams.size === 0) this.#end()
  }

  get #isOver(): boolean {
    return this.#state === 'ending' || this.#state === 'closed'
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', this.#receive)
    socket.on('drain', () => this.#sender.pump())
    socket.on('error', (error) => (this.#error ??= error))
    socket.on('close', () => this.#closed())
    // HTTP/2 does not go on without one direction.
    socket.on('end', () => socket.destroy())
    if (!this.#wasConnected) socket.once('connect', () => (this.#wasConnected = true))
  }

  readonly #receive = (chunk: Buffer): void => {
    if (this.#isOver) return
    try {
      const at = this.#prefaceBytesLeft === 0 ? 0 : this.#preface(chunk)
      if (at < chunk.length) this.#reader.receive(at === 0 ? chunk : chunk.subarray(at))
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      this.#fail(error)
    }
    this.#messages.endTurn()
  }

  /** @returns where in the chunk the preface ends. */
  #preface(chunk: Buffer): number {
    const from = PREFACE.length - this.#prefaceBytesLeft
    const bytes = Math.min(this.#prefaceBytesLeft, chunk.length)
    if (PREFACE.compare(chunk, 0, bytes, from, from + bytes) !== 0)
      throw new Http2Error(CODE.protocol, 'no preface of HTTP/2')
    this.#prefaceBytesLeft -= bytes
    return bytes
  }

  #checkControlBacklog(): void {
    if (this.#writer.controlBacklogBytes > this.#limits.floods.controlBacklogBytesMax)
      throw new Http2Error(CODE.enhanceYourCalm, 'answers to control frames are not read')
  }

  #fail(error: Http2Error): void {
    if (this.#state === 'closed') return
    this.#hooks.onError?.(error)
    this.#close(error.code, error.message, error)
  }

  #takeNoMore(): void {
    if (this.#state !== 'draining') return
    if (this.#role === 'server') this.#lastTakenId = this.#streams.lastId
    this.#writer.goaway(this.#role === 'server' ? this.#streams.lastId : 0, CODE.noError, '')
    if (this.#streams.size === 0) this.#end()
  }

  #emptied(): void {
    this.#hooks.onIdle?.()
    const takesMore = this.#role === 'server' && this.#lastTakenId === STREAM_ID_MAX && !this.#isPeerGoing
    if (this.#state === 'draining' && !takesMore) this.#end()
  }

  /** All is said: what the peer still sends is dropped, since closing now could cost it the last answer. */
  #end(): void {
    if (this.#isOver) return
    this.#state = 'ending'
    this.#reader.stop()
    this.#writer.flush()
    this.#socket.end()
    this.#hooks.onEnding?.()
  }

  #close(code: number, reason: string, error: Error | undefined): void {
    const wasEnding = this.#state === 'ending'
    const isStuck = this.#writer.backlogBytes >= STUCK_BYTES
    this.#state = 'closed'
    this.#error ??= error
    this.#reader.stop()
    if (!wasEnding && !this.#socket.destroyed) {
      this.#writer.goaway(this.#role === 'server' ? this.#streams.lastId : 0, code, reason)
      this.#writer.flush()
    }
    this.#writer.close()
    if (isStuck) this.#socket.destroy()
    else this.#socket.destroySoon()
    this.#streams.refusedAbove(0, code)
    if (!this.#socket.destroyed) this.#hooks.onEnding?.()
  }

  #closed(): void {
    this.#state = 'closed'
    this.#reader.stop()
    this.#writer.close()
    // What never left for the peer, it has not looked at.
    this.#streams.refusedAbove(0, this.#wasConnected ? CODE.cancel : CODE.refusedStream)
    this.#hooks.onClose(this.#error)
  }
}
