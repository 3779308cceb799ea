import { CLOSED, ClosedStreams } from './closed-streams.ts'
import { CODE, Http2Error } from './errors.ts'
import type { FloodGuard } from './floods.ts'
import type { FrameWriter } from './frame-writer.ts'
import { WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from './frames.ts'
import type { PeerSettings } from './settings.ts'
import type { StreamSender } from './stream-sender.ts'
import { SessionStream, type StreamPort } from './stream.ts'
import { ReceiveWindow } from './window.ts'

export interface StreamTableOptions {
  readonly writer: FrameWriter
  readonly peer: PeerSettings
  readonly floods: FloodGuard
  /** What we let the peer send: on the connection, and on each stream. */
  readonly connectionWindowBytes: number
  readonly windowBytes: number
  readonly onError: (error: Http2Error) => void
  /** No stream is open any more. */
  readonly onEmpty: () => void
}

/** The streams of a session, from their first frame to their last. */
export class StreamTable implements StreamPort {
  readonly #options: StreamTableOptions
  readonly #writer: FrameWriter
  readonly #open = new Map<number, SessionStream>()
  readonly #closed = new ClosedStreams()
  readonly #connectionWindow = new ReceiveWindow()
  /** What the peer knows of: the default until it has acknowledged our settings. */
  #windowBytes = WINDOW_BYTES_DEFAULT
  #sender: StreamSender | undefined
  /** The highest that was opened by either side. */
  lastId = 0

  constructor(options: StreamTableOptions) {
    this.#options = options
    this.#writer = options.writer
  }

  get size(): number {
    return this.#open.size
  }

  /** Sends for the streams. */
  use(sender: StreamSender): void {
    this.#sender = sender
  }

  /** Widens the window of the connection to what it shall be. */
  start(): void {
    const more = this.#options.connectionWindowBytes - WINDOW_BYTES_DEFAULT
    if (more <= 0) return
    this.#connectionWindow.change(more)
    this.#writer.windowUpdate(0, more)
  }

  get(id: number): SessionStream | undefined {
    return this.#open.get(id)
  }

  isIdle(id: number): boolean {
    // Servers open none.
    return id > this.lastId || id % 2 === 0
  }

  /** One of CLOSED. */
  howClosed(id: number): number {
    return this.#closed.how(id)
  }

  add(id: number): SessionStream {
    const stream = new SessionStream(id, this, {
      send: this.#options.peer.windowBytes,
      receive: this.#windowBytes,
    })
    this.lastId = id
    this.#open.set(id, stream)
    return stream
  }

  /** The peer has acknowledged our settings: from here on its windows are of our size. */
  settingsAcknowledged(): void {
    const change = this.#options.windowBytes - this.#windowBytes
    this.#windowBytes = this.#options.windowBytes
    if (change !== 0) for (const stream of this.#open.values()) stream.receiveWindow.change(change)
  }

  /** The peer has changed the size of its windows. */
  peerWindowsChanged(change: number): void {
    if (change === 0) return
    // A copy: owners may open streams when they can write, and those have the new size already.
    for (const stream of Array.from(this.#open.values()))
      if (!this.#sender!.widenStream(stream, change))
        throw new Http2Error(
          CODE.flowControl,
          `a window of more than ${WINDOW_BYTES_MAX} bytes by SETTINGS_INITIAL_WINDOW_SIZE`,
        )
  }

  sendHeaders(stream: SessionStream, fields: readonly string[], endStream: boolean): void {
    this.#sender!.sendHeaders(stream, fields, endStream)
  }

  sendData(stream: SessionStream, chunk: Buffer, endStream: boolean): boolean {
    return this.#sender!.sendData(stream, chunk, endStream)
  }

  /** @returns false when the peer sent more than the connection may. */
  receivedOnConnection(bytes: number): boolean {
    return this.#connectionWindow.receive(bytes)
  }

  consumed(stream: SessionStream, bytes: number): void {
    const taken = Math.min(bytes, stream.unconsumedBytes)
    if (taken <= 0) return
    stream.unconsumedBytes -= taken
    this.consumedOnConnection(taken)
    this.consumedOnStream(stream, taken)
  }

  widen(stream: SessionStream, bytes: number): void {
    if (stream.isClosed || stream.isRemoteEnded) return
    stream.receiveWindow.change(bytes)
    this.#writer.windowUpdate(stream.id, bytes)
  }

  consumedOnStream(stream: SessionStream, bytes: number): void {
    if (stream.isClosed || stream.isRemoteEnded) return
    const returned = stream.receiveWindow.consume(bytes, this.#windowBytes)
    if (returned > 0) this.#writer.windowUpdate(stream.id, returned)
  }

  consumedOnConnection(bytes: number): void {
    const returned = this.#connectionWindow.consume(bytes, this.#options.connectionWindowBytes)
    if (returned > 0) this.#writer.windowUpdate(0, returned)
  }

  reset(stream: SessionStream, code: number): void {
    if (stream.isClosed) return
    const waiting = stream.waiting
    if (
      code === CODE.noError &&
      waiting !== undefined &&
      (waiting.endStream || waiting.trailers !== undefined)
    ) {
      waiting.isReset = true
      return
    }
    this.#writer.reset(stream.id, code)
    this.#close(stream, CLOSED.resetByUs)
  }

  /** The peer did something on a stream that it may not. */
  fail(stream: SessionStream, code: number, detail: string): void {
    const error = new Http2Error(code, detail, { scope: 'stream' })
    this.#options.onError(error)
    this.breakOff(stream, code, error)
    this.#options.floods.reset()
  }

  /** Resets the stream, and tells its owner. */
  breakOff(stream: SessionStream, code: number, error?: Http2Error): void {
    const { owner } = stream
    this.reset(stream, code)
    owner?.onReset(code, error)
  }

  /** As `fail`, for a stream that is not open. */
  refuse(id: number, code: number, detail: string): void {
    if (id > this.lastId) this.lastId = id
    this.#writer.reset(id, code)
    this.#closed.add(id, CLOSED.resetByUs)
    this.#options.onError(new Http2Error(code, detail, { scope: 'stream' }))
    this.#options.floods.reset()
  }

  /** What comes on it is dropped without a word. */
  ignore(id: number): void {
    this.lastId = id
    this.#closed.add(id, CLOSED.resetByUs)
  }

  resetByPeer(stream: SessionStream, code: number): void {
    const { owner } = stream
    this.#close(stream, CLOSED.resetByPeer)
    owner?.onReset(code)
  }

  /** Either side has said its last: closed when both have. */
  ended(stream: SessionStream): void {
    if (stream.isLocalEnded && stream.isRemoteEnded) this.#close(stream, CLOSED.whole)
  }

  /** Ends the streams above `id`, which the peer has not looked at. */
  refusedAbove(id: number, code: number): void {
    for (const stream of this.#open.values()) if (stream.id > id) this.resetByPeer(stream, code)
  }

  #close(stream: SessionStream, how: number): void {
    if (stream.isClosed) return
    stream.isClosed = true
    stream.waiting = undefined
    this.#open.delete(stream.id)
    this.#closed.add(stream.id, how)
    // Nothing more is told, also not of the end of the turn.
    if (how !== CLOSED.whole) stream.owner = undefined
    // The other streams shall not wait for an owner that is slow, or that is gone.
    const left = stream.unconsumedBytes
    stream.unconsumedBytes = 0
    if (left > 0) this.consumedOnConnection(left)
    if (this.#open.size === 0) this.#options.onEmpty()
  }
}
