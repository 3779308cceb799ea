import { ListFields, NO_FIELDS, type Fields } from '../fields.ts'
import {
  ParseError,
  type Llhttp,
  type LlhttpEvents,
  type LLHTTP_REQUEST,
  type LLHTTP_RESPONSE,
} from './llhttp.ts'
import { STRIDE, TextFields } from './text-fields.ts'

/** How much may stand between two bytes of a chunked body: the size, extensions, line ends. */
const CHUNK_HEAD_BYTES_MAX = 4_096
const TRAILER_BYTES_MAX = 16_384
/** How much is looked at at one time while a head goes on. */
const HEAD_SLICE_BYTES = 8_192
const PIECES_MAX = 64
const HEAD_END = Buffer.from('\r\n\r\n')
const CR = 0x0d
const LF = 0x0a
const NOTHING = Buffer.alloc(0)

/** A head as it came, before anybody asked whether it makes sense. */
export interface RawHead {
  /** One character per byte, from the first byte of the message to the empty line, which is part of it. */
  readonly fields: TextFields
  /** Of a request. */
  readonly method: string
  readonly targetStart: number
  readonly targetEnd: number
  /** Of a response. */
  readonly status: number
  readonly reason: string
  /** 10 or 11. */
  readonly version: number
  readonly keepAlive: boolean
}

/** Whether the body that follows is chunked: then the parser reads it. Every other body is for its owner to count. */
export type IsChunked = (head: RawHead) => boolean

/** The head is larger than its bounds. */
export class HeadTooLarge extends Error {
  override readonly name = 'HeadTooLarge'
}

export interface HeadBounds {
  readonly headBytesMax: number
  readonly headersMax: number
}

/**
 * Reads the messages of one connection, one after the other. After each `read` it holds what came out of those bytes;
 * nothing is called back, so that the owner acts when the parser, which all connections share, is free again.
 *
 *     idle -> head -> (chunked ->) complete -> next()
 */
export class MessageParser implements LlhttpEvents {
  readonly #llhttp: Llhttp
  readonly #parser: number
  readonly #bounds: HeadBounds
  readonly #isChunked: IsChunked
  #state: 'head' | 'chunked' | 'complete' = 'head'
  #bytes: Buffer = NOTHING
  /** Bytes of the head that came in earlier reads. */
  #before: Buffer[] = []
  #base = 0
  #marks: number[] = []
  #last: 'none' | 'name' | 'value' = 'none'
  #targetStart = 0
  #targetEnd = 0
  #reason = ''
  /** Bytes since the last one of a chunked body. */
  #gapBytes = 0
  #bodyEnd = 0
  #hasChunks = false
  #trailers: string[] = []
  #trailerBytes = 0
  #failure: Error | undefined

  /** The head, from the read that completed it on. */
  head: RawHead | undefined
  /** Pieces of a chunked body that came out of the last read. */
  body: Buffer[] = []

  constructor(
    llhttp: Llhttp,
    type: typeof LLHTTP_REQUEST | typeof LLHTTP_RESPONSE,
    bounds: HeadBounds,
    isChunked: IsChunked,
  ) {
    this.#llhttp = llhttp
    this.#parser = llhttp.alloc(type)
    this.#bounds = bounds
    this.#isChunked = isChunked
  }

  /** The message, or the part of it that the parser reads, is over. */
  get isComplete(): boolean {
    return this.#state === 'complete'
  }

  /** Whether any byte of a head has been read. */
  get isInHead(): boolean {
    return this.#state === 'head' && this.#base > 0
  }

  /** The trailers of a chunked body that is complete. */
  get trailers(): Fields {
    return this.#trailers.length === 0 ? NO_FIELDS : new ListFields(this.#trailers)
  }

  /**
   * Reads on.
   * @returns how many of the bytes were read; the rest belongs to what follows.
   * @throws ParseError, HeadTooLarge.
   */
  read(bytes: Buffer): number {
    if (this.body.length > 0) this.body = []
    let at = 0
    // A head is short, and every byte is copied: of what follows, a body or the next request, as little as may be.
    while (this.#state === 'head' && at < bytes.length) {
      const isLast = at + HEAD_SLICE_BYTES >= bytes.length
      const slice =
        at === 0 && isLast ? bytes : bytes.subarray(at, isLast ? undefined : at + HEAD_SLICE_BYTES)
      at += this.#execute(slice)
    }
    if (this.#state === 'chunked' && at < bytes.length)
      at += this.#execute(at === 0 ? bytes : bytes.subarray(at))
    return at
  }

  #execute(bytes: Buffer): number {
    this.#bytes = bytes
    this.#bodyEnd = 0
    const read = this.#llhttp.execute(this.#parser, bytes, this)
    // Whoever holds a request for long must not hold what was read with it.
    this.#bytes = NOTHING
    if (this.#failure !== undefined) throw this.#failure
    if (this.#state === 'head') this.#keep(bytes)
    else if (this.#hasChunks) this.#endGap(read)
    return read
  }

  /** Makes ready for the next message. */
  next(): void {
    this.#llhttp.reset(this.#parser)
    this.#state = 'head'
    if (this.#before.length > 0) this.#before = []
    this.#base = 0
    // Those of the head before are its own.
    this.#marks = []
    this.#last = 'none'
    this.#reason = ''
    this.#gapBytes = 0
    this.#hasChunks = false
    if (this.#trailers.length > 0) this.#trailers = []
    this.#trailerBytes = 0
    this.head = undefined
    if (this.body.length > 0) this.body = []
    this.#bytes = NOTHING
    this.#targetEnd = 0
  }

  /** Ends its life: nothing may be read any more. */
  free(): void {
    this.#llhttp.free(this.#parser)
  }

  onUrl(start: number, end: number): void {
    if (this.#targetEnd !== this.#base + start || this.#targetEnd === 0)
      this.#targetStart = this.#base + start
    this.#targetEnd = this.#base + end
  }

  onStatus(start: number, end: number): void {
    this.#reason += this.#bytes.toString('latin1', start, end)
  }

  onField(start: number, end: number): void {
    if (this.#state === 'chunked') {
      this.#trailer(0, start, end)
    } else if (this.#last === 'name') {
      this.#marks[this.#marks.length - 4] = this.#base + end
    } else {
      this.#last = 'name'
      this.#marks.push(this.#base + start, this.#base + end, 0, 0, 0)
    }
  }

  onValue(start: number, end: number): void {
    if (this.#state === 'chunked') {
      this.#trailer(1, start, end)
      return
    }
    const { length } = this.#marks
    if (this.#last !== 'value') this.#marks[length - 3] = this.#base + start
    this.#marks[length - 2] = this.#base + end
    this.#last = 'value'
  }

  onHeadersComplete(status: number, keepAlive: boolean): boolean {
    const text = this.#headText()
    if (text.length > this.#bounds.headBytesMax || this.#marks.length / STRIDE > this.#bounds.headersMax) {
      this.#failure = this.#tooLarge()
      return false
    }
    this.head = {
      // As long as it has to be: what grew by pushing has room that stays empty.
      fields: new TextFields(text, this.#marks.slice()),
      method: this.#llhttp.methodOf(this.#parser),
      targetStart: this.#targetStart,
      targetEnd: this.#targetEnd,
      status,
      reason: this.#reason,
      version: this.#llhttp.versionOf(this.#parser),
      keepAlive,
    }
    this.#marks = []
    const isChunked = this.#isChunked(this.head)
    if (isChunked) {
      this.#state = 'chunked'
      this.#hasChunks = true
      this.#last = 'none'
      this.#bodyEnd = text.length - this.#base
    }
    return isChunked
  }

  onBody(start: number, end: number): void {
    this.#checkGap(start - this.#bodyEnd)
    this.#gapBytes = 0
    this.#bodyEnd = end
    this.body.push(this.#bytes.subarray(start, end))
  }

  onMessageComplete(): void {
    this.#state = 'complete'
  }

  /** All of the message up to the empty line, which stands behind the last value. */
  #headText(): string {
    const bytes = this.#before.length === 0 ? this.#bytes : Buffer.concat([...this.#before, this.#bytes])
    const last = this.#marks.at(-2) ?? this.#targetEnd
    if (isHeadEnd(bytes, last)) return bytes.toString('latin1', 0, last + HEAD_END.length)
    // Blanks follow the value; or it is empty: then llhttp places it behind the line end that follows it.
    const end = bytes.indexOf(HEAD_END, Math.max(0, last - 2)) + HEAD_END.length
    return bytes.toString('latin1', 0, end)
  }

  #keep(bytes: Buffer): void {
    this.#before.push(bytes)
    // Each read is a buffer of its own, and costs far more than the one byte that a slow client sends.
    if (this.#before.length === PIECES_MAX) this.#before = [Buffer.concat(this.#before)]
    this.#base += bytes.length
    if (this.#base > this.#bounds.headBytesMax) throw this.#tooLarge()
  }

  #tooLarge(): HeadTooLarge {
    return new HeadTooLarge(
      `at most ${this.#bounds.headBytesMax} bytes and ${this.#bounds.headersMax} fields`,
    )
  }

  #endGap(read: number): void {
    this.#checkGap(read - this.#bodyEnd)
    this.#gapBytes += read - this.#bodyEnd
    if (this.#failure !== undefined) throw this.#failure
  }

  #checkGap(bytes: number): void {
    if (this.#trailers.length === 0 && this.#gapBytes + bytes > CHUNK_HEAD_BYTES_MAX)
      this.#failure ??= new ParseError(`a chunk's head is longer than ${CHUNK_HEAD_BYTES_MAX} bytes`)
  }

  /** Trailers are rare, so they are plain strings. `part` is 0 for a name, 1 for a value. */
  #trailer(part: 0 | 1, start: number, end: number): void {
    // What stands before the first trailer is the head of the last chunk.
    this.#checkGap(start - this.#bodyEnd)
    const text = this.#bytes.toString('latin1', start, end)
    const isMore = this.#last === (part === 0 ? 'name' : 'value')
    this.#last = part === 0 ? 'name' : 'value'
    this.#trailerBytes += text.length + 2
    if (this.#trailerBytes > TRAILER_BYTES_MAX || this.#trailers.length / 2 > this.#bounds.headersMax)
      this.#failure ??= this.#tooLarge()
    if (isMore) this.#trailers.push((this.#trailers.pop() ?? '') + text)
    else this.#trailers.push(text)
  }
}

function isHeadEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF
}
