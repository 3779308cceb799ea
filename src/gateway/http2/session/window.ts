import { WINDOW_BYTES_DEFAULT } from './frames.ts'

/**
 * What a peer may still send, on a stream or on the connection:
 *
 *     size = open + unreturned + what was received and is not consumed yet
 *
 * Room is given back in halves of the window, so that a body costs one WINDOW_UPDATE per half window and not one per frame.
 */
export class ReceiveWindow {
  #open: number
  #unreturned = 0

  constructor(bytes: number = WINDOW_BYTES_DEFAULT) {
    this.#open = bytes
  }

  /** False: the peer sent more than it may. */
  receive(bytes: number): boolean {
    this.#open -= bytes
    return this.#open >= 0
  }

  /** @returns how much the peer is told in a WINDOW_UPDATE now; 0 = nothing yet. */
  consume(bytes: number, windowBytes: number): number {
    this.#unreturned += bytes
    if (this.#unreturned === 0 || this.#unreturned * 2 < windowBytes) return 0
    const returned = this.#unreturned
    this.#unreturned = 0
    this.#open += returned
    return returned
  }

  /** A change of the initial size that the peer has acknowledged; negative where it became smaller. */
  change(bytes: number): void {
    this.#open += bytes
  }
}
