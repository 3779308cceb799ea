import type { Http2Error } from './errors.ts'
import { WINDOW_BYTES_DEFAULT } from './frames.ts'
import { ReceiveWindow } from './window.ts'

/** Who uses a stream: told of what comes. */
export interface StreamOwner {
  /**
   * The head of an answer, and before it any 1xx. Names in lower case and values, pseudo fields first. A client's streams
   * only: a server hears of requests by `SessionHooks.onStream`.
   */
  onHeaders(fields: string[], endStream: boolean): void
  /** `chunk` is a view of what was read, and may be kept. It counts as unread until `Http2Stream.consumed`. */
  onData(chunk: Buffer, endStream: boolean): void
  /** The message is whole, and these came after its body. */
  onTrailers(fields: string[]): void
  /** No more in this turn: once for each stream that got something from a read. */
  onTurnEnd(): void
  /**
   * The stream is over and not whole: by the peer's RST_STREAM, by what the peer sent on it, or with the connection. One of
   * CODE; `error` where it is what the peer sent on it. With REFUSED_STREAM the peer has not looked at the request: it can be sent again. Nothing else is told after it.
   */
  onReset(code: number, error?: Http2Error): void
  /** All that waited after a `sendData` that said false has left, and with it the end, where that was said. */
  onWritable(): void
}

/** One request and its answer. Calls after the end or a reset do nothing. */
export interface Http2Stream {
  readonly id: number
  /** Forgotten when the stream is reset. */
  owner: StreamOwner | undefined
  /** Both sides are done, or it was reset. */
  readonly isClosed: boolean
  /** The peer has said all. */
  readonly isRemoteEnded: boolean
  /** We have said all, and nothing of it waits in the stream. */
  readonly isLocalEnded: boolean
  /** Sends a head, a 1xx, or trailers (with `endStream`; they leave after all data). */
  sendHeaders(fields: readonly string[], endStream: boolean): void
  /**
   * Sends data; `chunk` may not be written to afterwards. What was said is taken in any case.
   * @returns false when some of it waits for windows or for the socket: no more until `onWritable`.
   */
  sendData(chunk: Buffer, endStream: boolean): boolean
  /**
   * The peer may send so many bytes more. What `onData` gave and was not consumed counts against the stream and, until the
   * stream is closed, against the whole connection.
   */
  consumed(bytes: number): void
  /** The peer may send so many bytes more before any are consumed, for as long as the stream lives. */
  widen(bytes: number): void
  /**
   * Ends the stream with RST_STREAM: what waits is dropped. With NO_ERROR, after an answer that was said whole, it leaves
   * after the answer: the rest of the request is not wanted (RFC 9113, 8.1). The owner is told nothing more.
   */
  reset(code: number): void
}

/** What a stream asks of its session. */
export interface StreamPort {
  sendHeaders(stream: SessionStream, fields: readonly string[], endStream: boolean): void
  sendData(stream: SessionStream, chunk: Buffer, endStream: boolean): boolean
  consumed(stream: SessionStream, bytes: number): void
  widen(stream: SessionStream, bytes: number): void
  reset(stream: SessionStream, code: number): void
}

/** Data that waits for windows or for the socket, and what comes after it. */
export interface Waiting {
  readonly chunks: Buffer[]
  /** Bytes of the first chunk that have left. */
  at: number
  endStream: boolean
  trailers: readonly string[] | undefined
  isReset: boolean
}

/** A stream as its session sees it: 50,000 of these may be held, so there are no closures and nothing for later. */
export class SessionStream implements Http2Stream {
  readonly id: number
  owner: StreamOwner | undefined = undefined
  readonly #port: StreamPort
  /** What we may send; negative after the peer has made its windows smaller. */
  sendWindow: number
  readonly receiveWindow: ReceiveWindow
  waiting: Waiting | undefined = undefined
  /** The next stream in the round of those that have something to send. */
  next: SessionStream | undefined = undefined
  isInRound = false
  /** Bytes of the body that are still to come by content-length; -1 where it is not declared. */
  lengthLeft = -1
  /** Bytes that the owner was given and has not consumed. */
  unconsumedBytes = 0
  /** A final head came. Of a request this is so from the beginning. */
  isHeadSeen = false
  /** The answer has no body, whatever its content-length. */
  isBodyless = false
  isLocalEnded = false
  isRemoteEnded = false
  isClosed = false
  /** It got something from the read at hand. */
  isTouched = false

  constructor(
    id: number,
    port: StreamPort,
    windows: { send: number; receive: number } = {
      send: WINDOW_BYTES_DEFAULT,
      receive: WINDOW_BYTES_DEFAULT,
    },
  ) {
    this.id = id
    this.#port = port
    this.sendWindow = windows.send
    this.receiveWindow = new ReceiveWindow(windows.receive)
  }

  sendHeaders(fields: readonly string[], endStream: boolean): void {
    this.#port.sendHeaders(this, fields, endStream)
  }

  sendData(chunk: Buffer, endStream: boolean): boolean {
    return this.#port.sendData(this, chunk, endStream)
  }

  consumed(bytes: number): void {
    this.#port.consumed(this, bytes)
  }

  widen(bytes: number): void {
    this.#port.widen(this, bytes)
  }

  reset(code: number): void {
    this.#port.reset(this, code)
  }
}
