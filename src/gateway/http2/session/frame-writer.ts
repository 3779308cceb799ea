import type { Writable } from 'node:stream'
import type { EndOfTurn } from '../../end-of-turn.ts'
import { FLAG, FRAME, FRAME_BYTES_MAX, FRAME_HEAD_BYTES } from './frames.ts'
import type { HpackEncoder } from '../hpack/index.ts'
import { SLAB_BYTES, type Slab, type SlabPool } from './slabs.ts'

/** Data of this size and more goes by reference, less is copied: a piece of its own in a write costs about as much as this. */
const BY_REFERENCE_BYTES = 4_096
/** A head beyond it cannot be said. */
const BLOCK_BYTES_MAX = 1_048_576

/** Where frames go: a socket. */
export type Outlet = Pick<Writable, 'write' | 'cork' | 'uncork' | 'writableLength'>

/**
 * Writes frames. All of one turn of the event loop leave in one write:
 *
 *     slab: [HEADERS][DATA small][DATA head] chunk [DATA head] chunk --flush--> one write
 */
export class FrameWriter {
  readonly #socket: Outlet
  readonly #slabs: SlabPool
  readonly #endOfTurn: EndOfTurn
  readonly #onFlushed: () => void
  #slab: Slab | undefined
  /** In the slab: where what is not among the parts yet begins. */
  #from = 0
  #parts: Buffer[] = []
  #gatheredBytes = 0
  #isMarked = false
  /** Control frames since the socket was empty. */
  #controlBytes = 0
  #isClosed = false

  /** @param onFlushed called after frames were given to the socket. */
  constructor(
    socket: Outlet,
    { slabs, endOfTurn, onFlushed }: { slabs: SlabPool; endOfTurn: EndOfTurn; onFlushed: () => void },
  ) {
    this.#socket = socket
    this.#slabs = slabs
    this.#endOfTurn = endOfTurn
    this.#onFlushed = onFlushed
  }

  /** Bytes that have not left: gathered in this turn, and waiting in the socket. */
  get backlogBytes(): number {
    return this.#gatheredBytes + this.#socket.writableLength
  }

  /** Control frames that the peer does not take. */
  get controlBacklogBytes(): number {
    return this.#socket.writableLength === 0 ? 0 : this.#controlBytes
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true
    this.#slab = undefined
    this.#parts = []
    this.#gatheredBytes = 0
  }

  raw(bytes: Buffer): void {
    if (this.#isClosed) return
    this.#part(bytes)
  }

  /** @returns false when the head is larger than any that is said. */
  headers(
    streamId: number,
    fields: readonly string[],
    {
      endStream,
      encoder,
      frameBytesMax,
    }: { endStream: boolean; encoder: HpackEncoder; frameBytesMax: number },
  ): boolean {
    if (this.#isClosed) return true
    const flags = endStream ? FLAG.endStream : 0
    for (let attempt = 0; attempt < 2; attempt++) {
      const slab = this.#room(attempt === 0 ? 512 : SLAB_BYTES)
      const start = slab.at + FRAME_HEAD_BYTES
      // A slab is no larger than the smallest frame that every peer takes.
      const end = encoder.encode(fields, slab.bytes, start)
      if (end < 0) continue
      writeHead(slab.bytes, slab.at, end - start, FRAME.headers, flags | FLAG.endHeaders, streamId)
      this.#advance(end - slab.at)
      return true
    }
    const block = largeBlock(fields, encoder)
    if (block !== undefined) this.#largeBlock(streamId, block, flags, frameBytesMax)
    return block !== undefined
  }

  /** One DATA frame of `chunk` from `start` to `end`; what goes by reference may not be written to afterwards. */
  data(streamId: number, chunk: Buffer, start: number, end: number, endStream: boolean): void {
    if (this.#isClosed) return
    const length = end - start
    const isCopied = length < BY_REFERENCE_BYTES
    const slab = this.#room(FRAME_HEAD_BYTES + (isCopied ? length : 0))
    writeHead(slab.bytes, slab.at, length, FRAME.data, endStream ? FLAG.endStream : 0, streamId)
    if (isCopied) {
      chunk.copy(slab.bytes, slab.at + FRAME_HEAD_BYTES, start, end)
      this.#advance(FRAME_HEAD_BYTES + length)
      return
    }
    this.#advance(FRAME_HEAD_BYTES)
    this.#part(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
  }

  settings(pairs: readonly number[]): void {
    if (this.#isClosed) return
    const at = this.#control(FRAME.settings, 0, 0, pairs.length * 3)
    const { bytes } = this.#slab!
    for (let pair = 0; pair < pairs.length; pair += 2) {
      bytes.writeUInt16BE(pairs[pair]!, at + pair * 3)
      bytes.writeUInt32BE(pairs[pair + 1]!, at + pair * 3 + 2)
    }
    this.#advance(FRAME_HEAD_BYTES + pairs.length * 3)
  }

  settingsAck(): void {
    if (this.#isClosed) return
    this.#control(FRAME.settings, FLAG.ack, 0, 0)
    this.#advance(FRAME_HEAD_BYTES)
  }

  /** @param opaque where eight bytes begin. */
  ping(isAck: boolean, bytes: Buffer, opaque: number): void {
    if (this.#isClosed) return
    const at = this.#control(FRAME.ping, isAck ? FLAG.ack : 0, 0, 8)
    bytes.copy(this.#slab!.bytes, at, opaque, opaque + 8)
    this.#advance(FRAME_HEAD_BYTES + 8)
  }

  reset(streamId: number, code: number): void {
    this.#number(FRAME.rstStream, streamId, code)
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#number(FRAME.windowUpdate, streamId, increment)
  }

  goaway(lastStreamId: number, code: number, debug: string): void {
    if (this.#isClosed) return
    const detail = Buffer.from(debug.slice(0, 200), 'latin1')
    const at = this.#control(FRAME.goaway, 0, 0, 8 + detail.length)
    const { bytes } = this.#slab!
    bytes.writeUInt32BE(lastStreamId, at)
    bytes.writeUInt32BE(code, at + 4)
    detail.copy(bytes, at + 8)
    this.#advance(FRAME_HEAD_BYTES + 8 + detail.length)
  }

  /** Gives what was gathered to the socket, in one write. */
  flush(): void {
    this.#isMarked = false
    if (this.#gatheredBytes === 0 || this.#isClosed) return
    const slab = this.#slab!
    const rest = slab.at > this.#from ? slab.bytes.subarray(this.#from, slab.at) : undefined
    this.#gatheredBytes = 0
    this.#slab = undefined
    this.#slabs.giveBack(slab)
    if (this.#parts.length === 0) {
      this.#socket.write(rest!)
    } else {
      const parts = this.#parts
      this.#parts = []
      this.#socket.cork()
      for (const part of parts) this.#socket.write(part)
      if (rest !== undefined) this.#socket.write(rest)
      this.#socket.uncork()
    }
    if (this.#socket.writableLength === 0) this.#controlBytes = 0
    this.#onFlushed()
  }

  /** A frame whose payload is one number. */
  #number(type: number, streamId: number, value: number): void {
    if (this.#isClosed) return
    const at = this.#control(type, 0, streamId, 4)
    this.#slab!.bytes.writeUInt32BE(value, at)
    this.#advance(FRAME_HEAD_BYTES + 4)
  }

  /** Begins a control frame; its payload goes to the place that is returned. */
  #control(type: number, flags: number, streamId: number, length: number): number {
    const slab = this.#room(FRAME_HEAD_BYTES + length)
    writeHead(slab.bytes, slab.at, length, type, flags, streamId)
    this.#controlBytes += FRAME_HEAD_BYTES + length
    return slab.at + FRAME_HEAD_BYTES
  }

  #largeBlock(streamId: number, block: Buffer, flags: number, frameBytesMax: number): void {
    for (let at = 0; at < block.length; at += frameBytesMax) {
      const end = Math.min(at + frameBytesMax, block.length)
      const endHeaders = end === block.length ? FLAG.endHeaders : 0
      const slab = this.#room(FRAME_HEAD_BYTES)
      const type = at === 0 ? FRAME.headers : FRAME.continuation
      writeHead(slab.bytes, slab.at, end - at, type, (at === 0 ? flags : 0) | endHeaders, streamId)
      this.#advance(FRAME_HEAD_BYTES)
      this.#part(block.subarray(at, end))
    }
  }

  /** A slab with at least so many bytes left. */
  #room(bytes: number): Slab {
    if (this.#slab !== undefined && SLAB_BYTES - this.#slab.at >= bytes) return this.#slab
    if (this.#slab !== undefined) this.#cut()
    let slab = this.#slabs.take()
    if (SLAB_BYTES - slab.at < bytes) slab = { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), at: 0 }
    this.#slab = slab
    this.#from = slab.at
    return slab
  }

  /** What is in the slab becomes a part. */
  #cut(): void {
    const slab = this.#slab
    if (slab === undefined || slab.at === this.#from) return
    this.#parts.push(slab.bytes.subarray(this.#from, slab.at))
    this.#from = slab.at
  }

  #part(bytes: Buffer): void {
    this.#room(0)
    this.#cut()
    this.#parts.push(bytes)
    this.#gathered(bytes.length)
  }

  #advance(bytes: number): void {
    this.#slab!.at += bytes
    this.#gathered(bytes)
  }

  #gathered(bytes: number): void {
    this.#gatheredBytes += bytes
    if (this.#isMarked) return
    this.#isMarked = true
    this.#endOfTurn.mark(this)
  }
}

function writeHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  bytes[at + 5] = streamId >>> 24
  bytes[at + 6] = streamId >>> 16
  bytes[at + 7] = streamId >>> 8
  bytes[at + 8] = streamId
}

/** Fields that one slab does not hold; undefined where they are too many. */
function largeBlock(fields: readonly string[], encoder: HpackEncoder): Buffer | undefined {
  for (let bytes = 4 * FRAME_BYTES_MAX; bytes <= BLOCK_BYTES_MAX; bytes *= 4) {
    const block = Buffer.allocUnsafeSlow(bytes)
    const end = encoder.encode(fields, block, 0)
    if (end >= 0) return block.subarray(0, end)
  }
  return undefined
}
