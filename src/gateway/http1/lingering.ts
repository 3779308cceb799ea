import type { Socket } from 'node:net'
import type { ClientWatch } from './client-watch.ts'

/** How much of an unwanted request body is read and thrown away, so that the client gets to read its answer. */
const UNWANTED_BYTES_MAX = 1_048_576
/** How long a client may take to close its side once all has left for it. */
const LINGER_MS = 2_000

/**
 * The end of a client's connection, in a way that lets it read its answer: closing with unread bytes would reset the
 * connection (RFC 9112, 9.6).
 *
 *     unsent bytes, as long as the client takes of them -> our FIN -> the client's FIN, or 2 s -> closed
 */
export class Lingering {
  readonly #socket: Socket
  readonly #watch: ClientWatch
  #unwantedBytes = 0

  /** All that is to be said has been written to the socket, which flows. */
  constructor(socket: Socket, watch: ClientWatch) {
    this.#socket = socket
    this.#watch = watch
    watch.start()
    socket.end(() => {
      if (!socket.destroyed) watch.arm(LINGER_MS)
    })
  }

  /** What the client still sends is thrown away. */
  take(chunk: Buffer): void {
    this.#unwantedBytes += chunk.length
    if (this.#unwantedBytes > UNWANTED_BYTES_MAX) this.#socket.destroy()
  }

  /** The client sends no more: it is closed as soon as the rest has left. */
  onEnd(): void {
    this.#socket.destroySoon()
  }

  onTime(): void {
    const isReading = this.#socket.writableLength > 0
    if (!isReading || this.#watch.look({ isSending: false, isReading }) === 'slow') this.#socket.destroy()
  }
}
