import type { FrameWriter } from './frame-writer.ts'

const UNANSWERED_MAX = 16

/** Our PINGs: each carries a number, so that an answer belongs to one, and one that nobody asked for to none. */
export class Pings {
  readonly #writer: FrameWriter
  readonly #waiting = new Map<bigint, () => void>()
  readonly #opaque = Buffer.alloc(8)
  #last = 0n

  constructor(writer: FrameWriter) {
    this.#writer = writer
  }

  /** @returns false when too many are unanswered. */
  send(onPong: () => void): boolean {
    if (this.#waiting.size >= UNANSWERED_MAX) return false
    this.#last += 1n
    this.#waiting.set(this.#last, onPong)
    this.#opaque.writeBigUInt64BE(this.#last)
    this.#writer.ping(false, this.#opaque, 0)
    return true
  }

  take(bytes: Buffer, start: number): void {
    const number = bytes.readBigUInt64BE(start)
    const onPong = this.#waiting.get(number)
    if (onPong === undefined) return
    this.#waiting.delete(number)
    onPong()
  }
}
