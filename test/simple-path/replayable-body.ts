import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { isChunked } from './request-headers.ts'

/**
 * A request body that can be sent again as long as no more than `keepBytesMax` of it has left for a replica:
 *
 *     client --> [ kept, up to 64 KiB ] --> attempt 1 (died before it answered)
 *                                      \-> attempt 2 --> from here on the rest, unkept, as fast as it is taken
 *
 * It is read ahead up to that bound, while its request waits for a permit too.
 */
export class ReplayableBody {
  readonly #request: IncomingMessage
  readonly #onData = (chunk: Buffer): void => this.#take(chunk)
  readonly keepBytesMax: number
  #onWanted: (() => void) | undefined
  #kept: Buffer[] = []
  #keptBytes = 0
  /** The chunk that overstepped the bound, until an attempt takes it. */
  #held: Buffer | undefined
  #spent = false
  #ended: boolean
  #attempt: Readable | undefined

  /** @param options.onWanted called once, when the first attempt begins to take a body that is still to come. */
  constructor(
    request: IncomingMessage,
    options: { readonly keepBytesMax?: number; readonly onWanted?: () => void } = {},
  ) {
    this.#request = request
    this.keepBytesMax = options.keepBytesMax ?? 65_536
    this.#onWanted = options.onWanted
    this.#ended = !hasBody(request)
    if (!this.#ended) {
      request.on('data', this.#onData)
      request.on('end', () => {
        this.#ended = true
        this.#attempt?.push(null)
      })
    }
  }

  /** False once bytes that are not kept have left for a replica. */
  get isReplayable(): boolean {
    return !this.#spent
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  /**
   * The body from its first byte, for one attempt; the attempt before is over. It flows once `begin` is called,
   * so that a connection which is refused has cost nothing.
   */
  attempt(): { readonly stream: Readable; readonly begin: () => void } {
    const stream = new Readable({ read: () => this.#resume(stream) })
    const begin = (): void => {
      if (this.#attempt === stream || stream.destroyed) return
      this.#attempt = stream
      if (!this.#ended) this.#onWanted?.()
      this.#onWanted = undefined
      for (const chunk of this.#kept) stream.push(chunk)
      this.#resume(stream)
      if (this.#ended) stream.push(null)
    }
    return { stream, begin }
  }

  /** The attempt is over: nothing more flows into it. */
  detach(): void {
    this.#attempt?.destroy()
    this.#attempt = undefined
  }

  /** Nobody wants it any more: whoever reads the request next gets all that is left. */
  discard(): void {
    this.detach()
    this.#request.off('data', this.#onData)
    this.#kept = []
    this.#held = undefined
  }

  #take(chunk: Buffer): void {
    if (!this.#spent && this.#keptBytes + chunk.length <= this.keepBytesMax) {
      this.#kept.push(chunk)
      this.#keptBytes += chunk.length
      if (this.#attempt?.push(chunk) === false) this.#request.pause()
      return
    }
    if (this.#attempt === undefined) {
      this.#held = chunk
      this.#request.pause()
      return
    }
    this.#spend()
    if (!this.#attempt.push(chunk)) this.#request.pause()
  }

  #resume(stream: Readable): void {
    if (this.#attempt !== stream) return
    if (this.#held !== undefined) {
      const held = this.#held
      this.#held = undefined
      this.#spend()
      if (!stream.push(held)) return
    }
    this.#request.resume()
  }

  #spend(): void {
    this.#spent = true
    this.#kept = []
    this.#keptBytes = 0
  }
}

function hasBody(request: IncomingMessage): boolean {
  return isChunked(request) || Number(request.headers['content-length'] ?? 0) > 0
}
