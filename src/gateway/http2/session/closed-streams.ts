/** How a stream was closed; `unknown`: long ago, or never opened. */
export const CLOSED = { unknown: 0, whole: 1, resetByPeer: 2, resetByUs: 3 } as const

/** A power of two: enough for what is on its way when a stream is reset. */
const REMEMBERED = 128

/**
 * The streams that were closed last: what may still come on one, and what is an error, depends on how it was closed
 * (RFC 9113, 5.1). A ring, looked through only when a frame comes for a stream that is not open.
 */
export class ClosedStreams {
  readonly #ids = new Int32Array(REMEMBERED)
  readonly #hows = new Uint8Array(REMEMBERED)
  #next = 0

  add(id: number, how: number): void {
    const at = this.#next & (REMEMBERED - 1)
    this.#ids[at] = id
    this.#hows[at] = how
    this.#next = at + 1
  }

  how(id: number): number {
    const at = this.#ids.lastIndexOf(id)
    return at < 0 ? CLOSED.unknown : this.#hows[at]!
  }
}
