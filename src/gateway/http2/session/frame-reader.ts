import { CODE, Http2Error } from './errors.ts'
import { FLAG, FRAME, FRAME_BYTES_MAX, FRAME_HEAD_BYTES } from './frames.ts'

/** Takes frames. What it throws goes through `FrameReader.receive`; the reader then takes nothing more. */
export interface FrameSink {
  /** A whole frame, DATA apart. `bytes` may not be kept: between reads it is used again. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void
  /** A DATA frame begins: `bytes` of payload, padding included. */
  dataHead(flags: number, streamId: number, bytes: number): void
  /** A part of its data, a view of what was read; `isLast`: no data of this frame follows. Padding is not told. */
  dataPart(part: Buffer, isLast: boolean): void
}

const NOTHING = Buffer.alloc(0)

/**
 * Cuts what a socket reads into frames, wherever the reads were cut:
 *
 *     HEAD (9 bytes) --DATA--> [PAD LENGTH] --> DATA --> [PADDING] --> HEAD
 *         \--another type: PAYLOAD, in one piece--------------------> HEAD
 *
 * DATA goes on as it comes. Other frames are at most 16 KiB and are put together when a read ends within one.
 */
export class FrameReader {
  readonly #sink: FrameSink
  /** The beginning of a head or payload whose rest has not come. */
  #partial: Buffer | undefined
  #partialBytes = 0
  /** Of the current DATA frame: bytes that are still to come. */
  #dataLeft = 0
  #paddingLeft = 0
  #awaitsPadLength = false
  #inData = false
  #isStopped = false

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Takes nothing more, also of the chunk at hand. */
  stop(): void {
    this.#isStopped = true
    this.#partial = undefined
  }

  /** @throws Http2Error of the connection, or what the sink throws. */
  receive(chunk: Buffer): void {
    let at = 0
    const end = chunk.length
    if (this.#partial !== undefined) at = this.#complete(chunk)
    while (at < end && !this.#isStopped) {
      if (this.#inData) {
        at = this.#data(chunk, at)
        continue
      }
      const needed = this.#needed(chunk, at, end - at)
      if (end - at < needed) {
        this.#partial = Buffer.allocUnsafe(needed)
        this.#partialBytes = chunk.copy(this.#partial, 0, at)
        return
      }
      at = this.#frame(chunk, at)
    }
  }

  /** Bytes of the frame at `at`, or of what has to be known of it first: all of it, but of DATA only the head. */
  #needed(bytes: Buffer, at: number, available: number): number {
    if (available < FRAME_HEAD_BYTES || bytes[at + 3] === FRAME.data) return FRAME_HEAD_BYTES
    return FRAME_HEAD_BYTES + payloadBytes(bytes, at)
  }

  /** Fills the partial frame from `chunk` and gives it on when it is whole. */
  #complete(chunk: Buffer): number {
    let at = 0
    while (this.#partial !== undefined) {
      const partial: Buffer = this.#partial
      const copied = chunk.copy(partial, this.#partialBytes, at)
      at += copied
      this.#partialBytes += copied
      if (this.#partialBytes < partial.length) return at
      const needed = this.#needed(partial, 0, partial.length)
      if (needed > partial.length) {
        this.#partial = Buffer.allocUnsafe(needed)
        partial.copy(this.#partial)
        continue
      }
      this.#partial = undefined
      this.#frame(partial, 0)
    }
    return at
  }

  /** The frame at `at`, which is all there; of DATA its head. */
  #frame(bytes: Buffer, at: number): number {
    const length = payloadBytes(bytes, at)
    const type = bytes[at + 3]!
    const flags = bytes[at + 4]!
    const streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
    const start = at + FRAME_HEAD_BYTES
    if (type !== FRAME.data) {
      this.#sink.frame(type, flags, streamId, bytes, start, start + length)
      return start + length
    }
    const isPadded = (flags & FLAG.padded) !== 0
    if (isPadded && length === 0)
      throw new Http2Error(CODE.frameSize, 'a padded DATA frame without a pad length')
    this.#sink.dataHead(flags, streamId, length)
    this.#dataLeft = length
    this.#paddingLeft = 0
    this.#awaitsPadLength = isPadded
    this.#inData = length > 0
    if (length === 0) this.#sink.dataPart(NOTHING, true)
    return start
  }

  #data(chunk: Buffer, from: number): number {
    let at = from
    if (this.#awaitsPadLength) {
      this.#awaitsPadLength = false
      this.#paddingLeft = chunk[at++]!
      this.#dataLeft -= 1 + this.#paddingLeft
      if (this.#dataLeft < 0) throw new Http2Error(CODE.protocol, 'more padding than payload')
      if (this.#dataLeft === 0) {
        this.#inData = this.#paddingLeft > 0
        this.#sink.dataPart(NOTHING, true)
        return at
      }
    }
    const available = chunk.length - at
    if (this.#dataLeft > 0) {
      const taken = Math.min(this.#dataLeft, available)
      if (taken === 0) return at
      this.#dataLeft -= taken
      const isLast = this.#dataLeft === 0
      this.#inData = !isLast || this.#paddingLeft > 0
      this.#sink.dataPart(chunk.subarray(at, at + taken), isLast)
      return at + taken
    }
    const skipped = Math.min(this.#paddingLeft, available)
    this.#paddingLeft -= skipped
    this.#inData = this.#paddingLeft > 0
    return at + skipped
  }
}

/** @throws Http2Error when a frame is larger than we allow; we never allow more than the default. */
function payloadBytes(bytes: Buffer, at: number): number {
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
  if (length > FRAME_BYTES_MAX)
    throw new Http2Error(CODE.frameSize, `a frame of ${length} bytes, at most ${FRAME_BYTES_MAX}`)
  return length
}
