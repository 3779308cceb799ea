import { NO_FIELDS } from '../fields.ts'
import { KeptBody, type BodySource } from '../request-body.ts'
import type { MessageParser } from './message-parser.ts'
import type { Http1RequestHead } from './request-head.ts'

/**
 * Takes the body of one request out of what a connection brings: counted, in chunks, or, after a switch of protocols,
 * whatever comes.
 */
export class BodyReader {
  readonly body: KeptBody
  readonly #parser: MessageParser
  readonly #framing: 'length' | 'chunked' | 'tunnel'
  #bytesLeft: number

  /** @param parser has just read the head, and what came with it of a chunked body. */
  constructor(head: Http1RequestHead, parser: MessageParser, source: BodySource) {
    this.#parser = parser
    this.#framing = head.isWebSocket ? 'tunnel' : head.isChunked ? 'chunked' : 'length'
    this.#bytesLeft = head.length ?? 0
    this.body = new KeptBody(source, this.#framing === 'length' ? this.#bytesLeft : undefined)
    if (this.#framing === 'chunked') this.#takeChunks()
  }

  get isComplete(): boolean {
    return this.body.isComplete
  }

  /**
   * Reads on.
   * @returns what follows the body.
   * @throws ParseError, HeadTooLarge for malformed chunks and trailers.
   */
  read(bytes: Buffer): Buffer | undefined {
    if (this.#framing === 'length') return this.#count(bytes)
    if (this.#framing === 'tunnel') {
      this.body.take(bytes)
      return undefined
    }
    const read = this.#parser.read(bytes)
    this.#takeChunks()
    return read < bytes.length ? bytes.subarray(read) : undefined
  }

  /** A tunnel ends with the client's side of the connection. */
  end(): void {
    this.body.finish(NO_FIELDS)
  }

  #count(bytes: Buffer): Buffer | undefined {
    const left = this.#bytesLeft
    this.#bytesLeft = Math.max(0, left - bytes.length)
    this.body.take(bytes.length > left ? bytes.subarray(0, left) : bytes)
    if (this.#bytesLeft > 0) return undefined
    this.body.finish(NO_FIELDS)
    return bytes.length > left ? bytes.subarray(left) : undefined
  }

  #takeChunks(): void {
    for (const piece of this.#parser.body) this.body.take(piece)
    if (this.#parser.isComplete) this.body.finish(this.#parser.trailers)
  }
}
