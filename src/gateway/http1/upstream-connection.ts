import { connect, type Socket } from 'node:net'
import type { Fields } from '../fields.ts'
import { NO_FIELDS } from '../fields.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import { LLHTTP_RESPONSE, ParseError, type Llhttp } from './llhttp.ts'
import { MessageParser, type HeadBounds, type RawHead } from './message-parser.ts'
import { Outgoing } from './outgoing.ts'
import { own, type SocketOwner } from './owned-socket.ts'
import { Http1ResponseHead, isChunkedAnswer } from './response-head.ts'

/** Who takes the answer that comes on a connection. */
export interface AnswerTaker {
  readonly method: string
  connected(): void
  informed(head: Http1ResponseHead): void
  /** The final head, or a 101. */
  answered(head: Http1ResponseHead): void
  data(chunk: Buffer): void
  /** No more in this turn. */
  flush(): void
  ended(trailers: Fields): void
  /** The connection is gone, or says what is no HTTP (ParseError), before the answer was whole. */
  failed(error: Error): void
}

/**
 * One connection to a replica: one request and its answer at a time.
 *
 *     connecting -> idle -> head -> (length | chunked | close ->) idle ...
 *                                \-> tunnel (after a 101)
 */
export class UpstreamConnection implements SocketOwner {
  readonly socket: Socket
  readonly outgoing: Outgoing
  readonly #parser: MessageParser
  #state: 'connecting' | 'idle' | 'head' | 'length' | 'chunked' | 'close' | 'tunnel' | 'closed' = 'connecting'
  #taker: AnswerTaker | undefined
  #bytesLeft = 0
  #keepAlive = false
  #isReused = false
  #hasHeard = false
  /** When the pool looks for what has lain idle: set by it. */
  idleRound = 0
  readonly #onIdleEnd: (connection: UpstreamConnection) => void

  /** @param onIdleEnd it ended, or spoke, while nobody used it. */
  constructor(
    socket: Socket,
    options: {
      readonly llhttp: Llhttp
      readonly bounds: HeadBounds
      readonly endOfTurn: EndOfTurn
      readonly connectEvent: 'connect' | 'secureConnect'
      readonly onIdleEnd: (connection: UpstreamConnection) => void
    },
  ) {
    this.socket = socket
    this.outgoing = new Outgoing(socket, this, options.endOfTurn)
    this.#onIdleEnd = options.onIdleEnd
    const isChunked = (raw: RawHead): boolean => isChunkedAnswer(raw, this.#taker?.method ?? '')
    this.#parser = new MessageParser(options.llhttp, LLHTTP_RESPONSE, options.bounds, isChunked)
    socket.once(options.connectEvent, () => this.#connected())
    own(socket, this)
  }

  /** Whether another request can be sent on it. */
  get isReusable(): boolean {
    return this.#state === 'idle' && this.#keepAlive && this.socket.writable
  }

  /** It lay idle and has said nothing since: if it fails, that says nothing of the replica. */
  get maybeStale(): boolean {
    return this.#isReused && !this.#hasHeard
  }

  /** It has carried a request before. */
  get isReused(): boolean {
    return this.#isReused
  }

  /** Takes it for one request. `connected` is called at once if it is. */
  use(taker: AnswerTaker): void {
    this.#taker = taker
    this.outgoing.onDrain = undefined
    if (this.#state === 'connecting') return
    this.#parser.next()
    this.#state = 'head'
    this.#hasHeard = false
    taker.connected()
  }

  /** Its user is done with it, or gives up. */
  release(): void {
    this.#taker = undefined
    this.outgoing.onDrain = undefined
  }

  destroy(): void {
    this.#taker = undefined
    this.#state = 'closed'
    this.socket.destroy()
  }

  onData(chunk: Buffer): void {
    this.#hasHeard = true
    try {
      this.#read(chunk)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
      this.socket.destroy()
      return
    }
    this.#taker?.flush()
  }

  #read(chunk: Buffer): void {
    let rest: Buffer | undefined = chunk
    while (rest !== undefined) {
      switch (this.#state) {
        case 'head':
          rest = this.#readHead(rest)
          break
        case 'length':
          rest = this.#readLength(rest)
          break
        case 'chunked': {
          const read = this.#parser.read(rest)
          rest = read < rest.length ? rest.subarray(read) : undefined
          if (rest !== undefined) this.#keepAlive = false
          this.#takeChunks()
          break
        }
        case 'close':
        case 'tunnel':
          this.#taker?.data(rest)
          return
        case 'idle':
          // Nothing was asked: whatever it says belongs to no request.
          this.#state = 'closed'
          this.socket.destroy()
          this.#onIdleEnd(this)
          return
        case 'connecting':
        case 'closed':
          return
      }
    }
  }

  #readHead(chunk: Buffer): Buffer | undefined {
    const taker = this.#taker
    if (taker === undefined) throw new ParseError('an answer that nobody asked for')
    const parser = this.#parser
    const read = parser.read(chunk)
    if (parser.head === undefined) return undefined
    const head = new Http1ResponseHead(parser.head, taker.method)
    const rest = read < chunk.length ? chunk.subarray(read) : undefined
    if (head.status < 200 && head.status !== 101) {
      parser.next()
      taker.informed(head)
      return rest
    }
    // More than the answer: it would be read as that of the next request.
    const hasSurplus =
      rest !== undefined &&
      (head.bodyEnd === 'none' || (this.#parser.isComplete && head.bodyEnd === 'chunked'))
    this.#keepAlive = head.keepAlive && head.status !== 101 && !hasSurplus
    if (head.status === 101) this.#state = 'tunnel'
    else if (head.bodyEnd !== 'none') this.#state = head.bodyEnd
    this.#bytesLeft = head.length ?? 0
    taker.answered(head)
    if (head.bodyEnd === 'none' && head.status !== 101) this.#done(NO_FIELDS)
    else if (head.bodyEnd === 'chunked') this.#takeChunks()
    return rest
  }

  #readLength(chunk: Buffer): Buffer | undefined {
    const rest = chunk.length > this.#bytesLeft ? chunk.subarray(this.#bytesLeft) : undefined
    if (rest !== undefined) this.#keepAlive = false
    this.#bytesLeft -= chunk.length - (rest?.length ?? 0)
    this.#taker?.data(rest === undefined ? chunk : chunk.subarray(0, chunk.length - rest.length))
    if (this.#bytesLeft === 0 && this.#state === 'length') this.#done(NO_FIELDS)
    return rest
  }

  #takeChunks(): void {
    for (const piece of this.#parser.body) this.#taker?.data(piece)
    if (this.#parser.isComplete && this.#state === 'chunked') this.#done(this.#parser.trailers)
  }

  #done(trailers: Fields): void {
    if (this.#state === 'closed') return
    this.#state = 'idle'
    this.#isReused = true
    // The last piece may have been one too many for the client; while it lies idle its end has to be seen.
    this.socket.resume()
    this.#taker?.ended(trailers)
  }

  onEnd(): void {
    const state = this.#state
    if (state === 'close' || state === 'tunnel') {
      this.#keepAlive = false
      this.#done(NO_FIELDS)
    } else if (state === 'idle') {
      this.#state = 'closed'
      this.#onIdleEnd(this)
    } else {
      this.#fail(new Error('the replica closed the connection'))
    }
    this.socket.destroy()
  }

  onDrain(): void {
    this.outgoing.drained()
  }

  onError(error: Error): void {
    this.#fail(error)
  }

  onClose(): void {
    this.#fail(new Error('the replica closed the connection'))
    this.#parser.free()
  }

  #connected(): void {
    if (this.#state === 'connecting') this.#state = 'head'
    this.#taker?.connected()
  }

  #fail(error: Error): void {
    if (this.#state === 'closed') return
    const wasIdle = this.#state === 'idle'
    this.#state = 'closed'
    if (wasIdle) this.#onIdleEnd(this)
    else this.#taker?.failed(error)
  }
}

/** Opens a connection in clear text. */
export function connectPlain(host: string, port: number): Socket {
  return connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 })
}
