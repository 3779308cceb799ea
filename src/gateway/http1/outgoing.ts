import type { Socket } from 'node:net'
import type { Fields } from '../fields.ts'
import type { EndOfTurn, Flushable } from '../end-of-turn.ts'
import { isTrailer } from '../pass-on.ts'
import type { SocketOwner } from './owned-socket.ts'

/** Up to this many bytes are copied into one buffer; more leaves in one writev. */
const COPY_BYTES_MAX = 32_768
/** A socket with this much unsent takes no more for now. */
const UNSENT_BYTES_MAX = 65_536

const LINE_END = Buffer.from('\r\n')

/**
 * How the end of a body is told:
 * - `none`: there is no body
 * - `length`: the head said how long it is
 * - `chunked`
 * - `close`: the end of the connection; also the bytes of a tunnel
 */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

/**
 * What goes out on one connection, message after message. Pieces are gathered until the end of the turn, so that head
 * and first body bytes, and all small pieces, leave in one write and as one chunk; and so that the writes of all
 * connections follow each other: whoever reads them is woken once, which costs more than the write.
 */
export class Outgoing implements Flushable {
  readonly #socket: Socket
  readonly #owner: Pick<SocketOwner, 'onDrain'>
  readonly #endOfTurn: EndOfTurn
  #framing: Framing = 'none'
  #head = ''
  #pieces: Buffer[] = []
  #bytes = 0
  /** What follows the body; undefined while it goes on. */
  #tail: string | undefined
  #saidFull = false
  #isMarked = false
  /** Bytes of the body that the head promised and that did not come yet. */
  #promised = 0

  /** Called when more can be taken after a `write` that said false. */
  onDrain: (() => void) | undefined

  /** @param owner told, as by the socket itself, when what it was sent has left. */
  constructor(socket: Socket, owner: Pick<SocketOwner, 'onDrain'>, endOfTurn: EndOfTurn) {
    this.#socket = socket
    this.#owner = owner
    this.#endOfTurn = endOfTurn
  }

  /** Whether the peer does not take what it was sent. */
  get isFull(): boolean {
    return this.#saidFull || this.#socket.writableLength >= UNSENT_BYTES_MAX
  }

  /** Begins a message: the head is gathered. */
  begin(head: string, framing: Framing, length = 0): void {
    // The message before has its own framing.
    if (this.#isMarked) this.flush()
    this.#head = head
    this.#framing = framing
    this.#tail = undefined
    this.#promised = length
  }

  write(chunk: Buffer): boolean {
    if (this.#framing === 'none' || chunk.length === 0) return true
    this.#pieces.push(chunk)
    this.#bytes += chunk.length
    this.#promised -= chunk.length
    if (this.#bytes + this.#socket.writableLength < UNSENT_BYTES_MAX) return true
    this.#saidFull = true
    return false
  }

  /** @returns false if the body is not as long as its head promised: the message cannot be ended. */
  end(trailers: Fields): boolean {
    if (this.#framing === 'length' && this.#promised !== 0) return false
    this.#tail = this.#framing === 'chunked' ? lastChunk(trailers) : ''
    return true
  }

  /** What was gathered leaves at the end of this turn. */
  flushSoon(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#endOfTurn.mark(this)
  }

  /** What was gathered leaves now. */
  flush(): void {
    this.#isMarked = false
    const head = this.#head
    const bytes = this.#bytes
    const isChunk = this.#framing === 'chunked' && bytes > 0
    const before = isChunk ? `${head}${bytes.toString(16)}\r\n` : head
    const tail = this.#tail ?? ''
    const after = isChunk ? `\r\n${tail}` : tail
    if (before.length + bytes + after.length === 0) return
    const pieces = this.#pieces
    this.#head = ''
    if (bytes > 0) {
      this.#pieces = []
      this.#bytes = 0
    }
    if (this.#tail !== undefined) this.#tail = ''
    const socket = this.#socket
    if (!socket.writable) return
    if (bytes === 0) {
      socket.write(before + after, 'latin1')
    } else if (before.length === 0 && after.length === 0 && pieces.length === 1) {
      socket.write(pieces[0]!)
    } else if (before.length + bytes + after.length <= COPY_BYTES_MAX) {
      socket.write(inOne(before, pieces, after, before.length + bytes + after.length))
    } else {
      socket.cork()
      if (before.length > 0) socket.write(before, 'latin1')
      for (const piece of pieces) socket.write(piece)
      if (after.length > 0) socket.write(after === '\r\n' ? LINE_END : Buffer.from(after, 'latin1'))
      socket.uncork()
    }
    // The socket took all of it at once: it will say nothing.
    if (this.#saidFull && !socket.writableNeedDrain) this.#owner.onDrain()
  }

  /** The socket has sent all it was given. */
  drained(): void {
    if (!this.#saidFull) return
    this.#saidFull = false
    this.onDrain?.()
  }
}

function lastChunk(trailers: Fields): string {
  let text = '0\r\n'
  for (let at = 0; at < trailers.count; at++) {
    const name = trailers.name(at)
    if (isTrailer(name, trailers.kind(at))) text += `${name}: ${trailers.value(at)}\r\n`
  }
  return `${text}\r\n`
}

function inOne(before: string, pieces: readonly Buffer[], after: string, bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes)
  let at = before.length === 0 ? 0 : all.write(before, 0, 'latin1')
  for (const piece of pieces) at += piece.copy(all, at)
  if (after.length > 0) all.write(after, at, 'latin1')
  return all
}
