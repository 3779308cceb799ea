import type { FloodGuard } from './floods.ts'
import type { FrameWriter } from './frame-writer.ts'
import { FRAME_BYTES_MAX, WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from './frames.ts'
import type { HpackEncoder } from '../hpack/index.ts'
import type { PeerSettings } from './settings.ts'
import type { SessionStream, Waiting } from './stream.ts'

/** One stream's share of a round where the peer takes large frames. */
const SHARE_BYTES_MAX = 4 * FRAME_BYTES_MAX

export interface StreamSenderOptions {
  readonly writer: FrameWriter
  readonly encoder: HpackEncoder
  readonly peer: PeerSettings
  readonly floods: FloodGuard
  /** Data waits in the streams while so much waits in the socket. */
  readonly backlogBytesMax: number
  /** All of the stream has been said. */
  readonly onLocalEnd: (stream: SessionStream) => void
  /** A head was larger than any that is said. */
  readonly onTooLarge: (stream: SessionStream) => void
  /** What a reset waited for has left. */
  readonly onReset: (stream: SessionStream) => void
}

/**
 * Sends what streams say, within the windows of the peer and what the socket takes. Streams whose data waits go round, a
 * frame each:
 *
 *     first -> stream 5 -> stream 9 -> stream 1 -> last
 */
export class StreamSender {
  readonly #options: StreamSenderOptions
  readonly #writer: FrameWriter
  readonly #peer: PeerSettings
  #window = WINDOW_BYTES_DEFAULT
  #first: SessionStream | undefined
  #last: SessionStream | undefined

  constructor(options: StreamSenderOptions) {
    this.#options = options
    this.#writer = options.writer
    this.#peer = options.peer
  }

  sendHeaders(stream: SessionStream, fields: readonly string[], endStream: boolean): void {
    if (stream.isClosed || stream.isLocalEnded) return
    const waiting = stream.waiting
    if (waiting !== undefined) {
      if (waiting.endStream || waiting.trailers !== undefined) return
      waiting.trailers = fields
      return
    }
    this.#headers(stream, fields, endStream)
  }

  sendData(stream: SessionStream, chunk: Buffer, endStream: boolean): boolean {
    if (stream.isClosed || stream.isLocalEnded) return true
    const waiting = stream.waiting
    if (waiting !== undefined) {
      if (waiting.endStream || waiting.trailers !== undefined) return true
      if (chunk.length > 0) waiting.chunks.push(chunk)
      waiting.endStream = endStream
      return false
    }
    const { length } = chunk
    if (length === 0) {
      if (endStream) {
        this.#writer.data(stream.id, chunk, 0, 0, true)
        this.#end(stream)
      }
      return true
    }
    let at = 0
    // Whoever waits already goes first.
    if (this.#first === undefined)
      while (at < length && this.#mayWrite(stream)) at = this.#frame(stream, chunk, at, endStream)
    if (at === length) {
      if (endStream) this.#end(stream)
      return true
    }
    stream.waiting = { chunks: [chunk], at, endStream, trailers: undefined, isReset: false }
    this.#enter(stream)
    return false
  }

  /** Sends what windows and socket take now. Called when either takes more. */
  pump(): void {
    while (this.#first !== undefined && this.#window > 0 && !this.#isBlocked) {
      const stream = this.#first
      this.#first = stream.next
      if (this.#first === undefined) this.#last = undefined
      stream.next = undefined
      stream.isInRound = false
      const waiting = stream.waiting
      if (waiting !== undefined && stream.sendWindow > 0) this.#share(stream, waiting)
    }
  }

  /** @returns false when the window of the connection would become too large. */
  widen(bytes: number): boolean {
    this.#window += bytes
    if (this.#window > WINDOW_BYTES_MAX) return false
    this.pump()
    return true
  }

  /** @returns false when the window of the stream would become too large. */
  widenStream(stream: SessionStream, bytes: number): boolean {
    stream.sendWindow += bytes
    if (stream.sendWindow > WINDOW_BYTES_MAX) return false
    if (stream.waiting !== undefined && stream.sendWindow > 0) {
      this.#enter(stream)
      this.pump()
    }
    return true
  }

  get #isBlocked(): boolean {
    return this.#writer.backlogBytes >= this.#options.backlogBytesMax
  }

  #mayWrite(stream: SessionStream): boolean {
    return stream.sendWindow > 0 && this.#window > 0 && !this.#isBlocked
  }

  /** What a stream may send in one round: a frame, of its first chunk. */
  #share(stream: SessionStream, waiting: Waiting): void {
    const chunk = waiting.chunks[0]!
    waiting.at = this.#frame(stream, chunk, waiting.at, waiting.endStream && waiting.chunks.length === 1)
    if (waiting.at === chunk.length) {
      waiting.chunks.shift()
      waiting.at = 0
    }
    if (waiting.chunks.length === 0) this.#emptied(stream, waiting)
    else this.#enter(stream)
  }

  #emptied(stream: SessionStream, waiting: Waiting): void {
    stream.waiting = undefined
    if (waiting.trailers !== undefined) this.#headers(stream, waiting.trailers, true)
    else if (waiting.endStream) this.#end(stream)
    if (waiting.isReset) this.#options.onReset(stream)
    // Also after the end: whoever waited may have something to consume. A stream that was reset has no owner.
    else stream.owner?.onWritable()
  }

  /** @returns where in the chunk the frame ended. */
  #frame(stream: SessionStream, chunk: Buffer, at: number, endStream: boolean): number {
    const bytes = Math.min(
      chunk.length - at,
      stream.sendWindow,
      this.#window,
      this.#peer.frameBytesMax,
      SHARE_BYTES_MAX,
    )
    const end = at + bytes
    stream.sendWindow -= bytes
    this.#window -= bytes
    this.#options.floods.useful(bytes)
    this.#writer.data(stream.id, chunk, at, end, endStream && end === chunk.length)
    return end
  }

  #headers(stream: SessionStream, fields: readonly string[], endStream: boolean): void {
    this.#options.floods.useful(0)
    const isSaid = this.#writer.headers(stream.id, fields, {
      endStream,
      encoder: this.#options.encoder,
      frameBytesMax: Math.min(this.#peer.frameBytesMax, SHARE_BYTES_MAX),
    })
    if (!isSaid) this.#options.onTooLarge(stream)
    else if (endStream) this.#end(stream)
  }

  #end(stream: SessionStream): void {
    stream.isLocalEnded = true
    this.#options.onLocalEnd(stream)
  }

  #enter(stream: SessionStream): void {
    if (stream.isInRound || stream.sendWindow <= 0) return
    stream.isInRound = true
    if (this.#last === undefined) this.#first = stream
    else this.#last.next = stream
    this.#last = stream
  }
}
