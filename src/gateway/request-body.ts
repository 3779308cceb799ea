import type { BodySink, RequestBody } from './exchange.ts'
import { NO_FIELDS, type Fields } from './fields.ts'

/** How much of a body is kept for another attempt, and read ahead while a request waits. */
export const KEEP_BYTES_MAX = 65_536
/** In so many pieces: each is a buffer of its own, and a client may send byte by byte. */
const PIECES_MAX = 32

const NONE: Buffer[] = []

/** Where a body comes from. */
export interface BodySource {
  /** Read no further. What was read already may still come. */
  pause(): void
  resume(): void
  /** The first attempt takes a body that has not all arrived: a client that waits for 100 may go on. */
  wanted(): void
}

/**
 * A body on its way from a client to one attempt after another:
 *
 *     client --> [ kept, up to 64 KiB ] --> attempt 1 (died before it answered)
 *                                      \-> attempt 2 --> from here on the rest, unkept, as fast as it is taken
 */
export class KeptBody implements RequestBody {
  readonly length: number | undefined
  readonly #source: BodySource
  #kept = NONE
  #keptBytes = 0
  /** What came beyond the bound while nobody took it. */
  #ahead = NONE
  #spent = false
  #trailers: Fields | undefined
  #sink: BodySink | undefined
  #isWanted = false
  #isDiscarded = false
  #isPaused = false

  constructor(source: BodySource, length: number | undefined) {
    this.#source = source
    this.length = length
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  get isComplete(): boolean {
    return this.#trailers !== undefined
  }

  get isReplayable(): boolean {
    return !this.#spent
  }

  /** The source has a piece. */
  take(chunk: Buffer): void {
    if (this.#isDiscarded) return
    const sink = this.#sink
    if (!this.#spent && this.#keptBytes + chunk.length <= KEEP_BYTES_MAX) {
      this.#kept = joined(this.#kept, chunk)
      this.#keptBytes += chunk.length
    } else if (sink === undefined) {
      this.#ahead = joined(this.#ahead, chunk)
      this.#keptBytes += chunk.length
      this.#pause()
      return
    } else {
      this.#spend()
    }
    if (sink !== undefined && !sink.write(chunk)) this.#pause()
  }

  /** The source has no more in this turn. */
  flush(): void {
    this.#sink?.flush()
  }

  /** The source has come to the end. */
  finish(trailers: Fields): void {
    this.#trailers = trailers
    if (!this.#isDiscarded) this.#sink?.end(trailers)
  }

  attach(sink: BodySink): void {
    this.#sink = sink
    if (!this.#isWanted && !this.isComplete) {
      this.#isWanted = true
      this.#source.wanted()
    }
    let takesMore = true
    for (const chunk of this.#kept) takesMore = sink.write(chunk)
    if (this.#ahead.length > 0) takesMore = this.#sendAhead(sink)
    if (this.#trailers !== undefined) sink.end(this.#trailers)
    else if (takesMore) this.resume()
    else this.#pause()
    sink.flush()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#source.resume()
  }

  detach(): void {
    this.#sink = undefined
  }

  discard(): void {
    this.#sink = undefined
    this.#isDiscarded = true
    this.#kept = NONE
    this.#ahead = NONE
    this.#keptBytes = 0
    this.resume()
  }

  #sendAhead(sink: BodySink): boolean {
    const ahead = this.#ahead
    this.#spend()
    let takesMore = true
    for (const chunk of ahead) takesMore = sink.write(chunk)
    return takesMore
  }

  #spend(): void {
    if (this.#spent) return
    this.#spent = true
    this.#kept = NONE
    this.#ahead = NONE
    this.#keptBytes = 0
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#source.pause()
  }
}

/** The pieces and one more: an array of one's own size for the first, which is mostly the last. */
function joined(pieces: Buffer[], piece: Buffer): Buffer[] {
  if (pieces.length === 0) return [piece]
  pieces.push(piece)
  return pieces.length < PIECES_MAX ? pieces : [Buffer.concat(pieces)]
}

/** The body of a request that has none. */
export const EMPTY_BODY: RequestBody = {
  length: 0,
  keptBytes: 0,
  isComplete: true,
  isReplayable: true,
  attach(sink) {
    sink.end(NO_FIELDS)
    sink.flush()
  },
  resume() {},
  detach() {},
  discard() {},
}
