import type { Socket } from 'node:net'
import { Refusal } from '../../core/refusals.ts'
import type { Peer } from '../exchange.ts'
import { EMPTY_BODY, type BodySource } from '../request-body.ts'
import { BodyReader } from './body-reader.ts'
import { ClientWatch, type WatchedClient } from './client-watch.ts'
import type { Http1Context } from './context.ts'
import { Http1Exchange } from './exchange.ts'
import { Lingering } from './lingering.ts'
import { LLHTTP_REQUEST } from './llhttp.ts'
import { MessageParser } from './message-parser.ts'
import { Outgoing } from './outgoing.ts'
import { own, type SocketOwner } from './owned-socket.ts'
import { Http1Reply, rawRefusal, type ReplyCarrier } from './reply.ts'
import { Http1RequestHead, isChunkedRequest, refusalOf } from './request-head.ts'

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

/**
 * One connection of a client: requests one after another, those sent ahead wait in the socket.
 *
 *     head -> (body ->) done -> head ...      the request has been read; its answer goes out meanwhile
 *         \-> tunnel                          it asked to switch protocols: bytes, as they are
 *     any  -> lingering -> closed             the answer is out and the last one, the client may still send
 */
export class Http1Connection implements SocketOwner, ReplyCarrier, BodySource, WatchedClient {
  readonly outgoing: Outgoing
  readonly #socket: Socket
  readonly #context: Http1Context
  readonly #peer: Peer
  readonly #parser: MessageParser
  readonly #watch: ClientWatch
  #reading: 'head' | 'body' | 'done' | 'tunnel' | 'lingering' | 'closed' = 'head'
  #exchange: Http1Exchange | undefined
  #body: BodyReader | undefined
  /** What was sent ahead of its turn. */
  #ahead: Buffer | undefined
  #isPumping = false
  #isPaused = false
  /** The client sends no more. */
  #isHalfClosed = false
  /** The answer to the present request is out. */
  #isAnswered = false
  /** Somebody takes the body: before, a client that expects to be told so sends none. */
  #isWanted = false
  /** Closes after the present answer. */
  #isLast = false
  #requests = 0
  #lingering: Lingering | undefined

  constructor(socket: Socket, peer: Peer, context: Http1Context) {
    this.#socket = socket
    this.#context = context
    this.#peer = peer
    this.outgoing = new Outgoing(socket, this, context.endOfTurn)
    this.#parser = new MessageParser(context.llhttp, LLHTTP_REQUEST, context.bounds, isChunkedRequest)
    this.#watch = new ClientWatch(socket, this, context)
    own(socket, this)
  }

  get isLast(): boolean {
    // What was sent before the client half closed is answered, all of it.
    return this.#isLast || (this.#isHalfClosed && this.#ahead === undefined) || this.#context.isLeaving()
  }

  get isRequestRead(): boolean {
    return this.#reading === 'done' || this.#reading === 'tunnel'
  }

  get isUnseen(): boolean {
    const exchange = this.#exchange
    if (exchange === undefined || exchange.reply.began || exchange.head.version === '1.0') return false
    return this.#isPaused || this.#isHalfClosed
  }

  /** Closes now if no request is under way, else after the answer. */
  leave(): void {
    this.#isLast = true
    if (this.#reading === 'head' && !this.#parser.isInHead) this.#linger()
  }

  onData(chunk: Buffer): void {
    switch (this.#reading) {
      case 'head':
        this.#ahead = chunk
        this.#pump()
        break
      case 'body':
      case 'tunnel':
        this.#readBody(chunk)
        break
      case 'done':
        this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk])
        this.#next()
        break
      case 'lingering':
        this.#lingering?.take(chunk)
        break
      case 'closed':
        break
    }
  }

  date(): string {
    return this.#context.date()
  }

  // The body's source.

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
    if (this.#exchange?.reply.began === false) this.#watch.unseen()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
    if (this.#reading === 'body') this.#watch.start()
  }

  wanted(): void {
    this.#isWanted = true
    if (this.#exchange?.head.expectsContinue === true && !this.#exchange.reply.began) this.#sayContinue()
  }

  #sayContinue(): void {
    this.outgoing.begin(CONTINUE, 'none')
    this.outgoing.flushSoon()
  }

  // The reply's carrier.

  switched(): void {
    this.#isLast = true
  }

  stalled(): void {
    this.#watch.start()
  }

  answered(close: boolean): void {
    this.#isAnswered = true
    this.#isLast ||= close
    this.#next()
  }

  reset(): void {
    const socket = this.#socket
    // TLS has no reset of its own: without its closing alert the answer is known to be cut.
    if ('encrypted' in socket) socket.destroy()
    else socket.resetAndDestroy()
  }

  /** Takes request after request out of what was read, as long as each is answered in the same turn. */
  #pump(): void {
    if (this.#isPumping || this.#reading !== 'head') return
    this.#isPumping = true
    this.resume()
    // A client that sends on and on and reads nothing is not read either.
    while (this.#ahead !== undefined && this.#reading === 'head' && !this.outgoing.isFull) {
      const chunk = this.#ahead
      this.#ahead = undefined
      this.#readHead(chunk)
    }
    this.#isPumping = false
    if (this.#ahead !== undefined) {
      this.pause()
      if (this.#exchange === undefined) this.#watch.start()
    } else if (this.#isHalfClosed && !this.isRequestRead) this.onEnd()
  }

  #readHead(chunk: Buffer): void {
    const parser = this.#parser
    const isFirst = !parser.isInHead
    let head: Http1RequestHead
    let read: number
    try {
      read = parser.read(chunk)
      if (parser.head === undefined) {
        if (isFirst) this.#watch.arm(this.#context.bounds.headTimeoutMs)
        return
      }
      head = new Http1RequestHead(parser.head)
      if (head.method === 'CONNECT') throw new Refusal('METHOD_REFUSED', { detail: 'CONNECT' })
    } catch (error) {
      this.#refuseRaw(refusalOf(error))
      return
    }
    this.#watch.off()
    this.#watch.reset()
    this.#requests += 1
    const { requestsPerConnectionMax } = this.#context.bounds
    if (requestsPerConnectionMax > 0 && this.#requests >= requestsPerConnectionMax) this.#isLast = true
    this.#start(head, read < chunk.length ? chunk.subarray(read) : undefined)
  }

  /** What has come of the body is taken first, so that it leaves for the replica together with the head. */
  #start(head: Http1RequestHead, rest: Buffer | undefined): void {
    const hasBody = head.length !== 0 || head.isWebSocket
    this.#body = hasBody ? new BodyReader(head, this.#parser, this) : undefined
    this.#ahead = rest
    if (this.#body === undefined || this.#body.isComplete) {
      this.#reading = 'done'
    } else {
      this.#reading = head.isWebSocket ? 'tunnel' : 'body'
      if (rest !== undefined) this.#ahead = this.#body.read(rest)
      if (this.#body.isComplete) this.#reading = 'done'
      else if (!head.isWebSocket) this.#watch.start()
    }
    this.#exchange = new Http1Exchange(
      head,
      this.#body?.body ?? EMPTY_BODY,
      new Http1Reply(head, this),
      this.#peer,
    )
    this.#isAnswered = false
    this.#isWanted = false
    this.#context.handle(this.#exchange)
  }

  #readBody(chunk: Buffer): void {
    const reader = this.#body
    if (reader === undefined) return
    try {
      this.#ahead = reader.read(chunk)
    } catch (error) {
      const refusal = refusalOf(error)
      this.#isLast = true
      this.#reading = 'lingering'
      this.#exchange?.abort(refusal)
      return
    }
    if (reader.isComplete) this.#reading = 'done'
    reader.body.flush()
    this.#next()
  }

  /** Goes on to the next request once this one is read and answered. */
  #next(): void {
    if (!this.#isAnswered) {
      if (this.#ahead !== undefined) this.pause()
      return
    }
    const isLast = this.#isLast || !this.isRequestRead
    this.#exchange = undefined
    this.#isAnswered = false
    this.#body = undefined
    if (isLast) {
      this.#linger()
      return
    }
    this.#reading = 'head'
    this.#parser.next()
    if (this.#ahead === undefined) this.#watch.arm(this.#context.bounds.keepAliveTimeoutMs)
    this.#pump()
  }

  #linger(): void {
    if (this.#reading === 'closed') return
    this.#reading = 'lingering'
    this.outgoing.flush()
    this.resume()
    this.#lingering = new Lingering(this.#socket, this.#watch)
  }

  /** Answers what cannot be read; nothing that follows on this connection is looked at. */
  #refuseRaw(refusal: Refusal): void {
    this.#context.onRefused(refusal)
    this.outgoing.flush()
    this.#socket.write(rawRefusal(refusal, this.date()))
    this.#linger()
  }

  onEnd(): void {
    this.#isHalfClosed = true
    switch (this.#reading) {
      case 'head':
        if (this.#parser.isInHead)
          this.#refuseRaw(new Refusal('BAD_REQUEST', { detail: 'it ends in its head' }))
        else this.#linger()
        break
      case 'body':
        this.#socket.destroy()
        break
      case 'done':
        // In mid-answer nothing can be said between: there, as everywhere in the field, it counts as gone.
        if (this.#exchange?.reply.began === true) this.#socket.destroy()
        else if (this.#exchange?.head.version === '1.1') {
          this.outgoing.flush()
          this.#watch.probe()
        }
        break
      case 'tunnel':
        if (this.#exchange?.reply.status === 101) this.#body?.end()
        else this.#socket.destroy()
        break
      case 'lingering':
        this.#lingering?.onEnd()
        break
      case 'closed':
        break
    }
  }

  onDrain(): void {
    this.outgoing.drained()
    this.#pump()
  }

  onError(): void {
    this.#socket.destroy()
  }

  onClose(): void {
    this.#reading = 'closed'
    this.#watch.off()
    this.#parser.free()
    this.#exchange?.abort(new Refusal('CLIENT_GONE'))
    this.#exchange?.body.discard()
    this.#context.onClosed(this)
  }

  onTime(): void {
    const exchange = this.#exchange
    if (exchange !== undefined) {
      const { head, reply } = exchange
      const isWaiting = head.expectsContinue && !this.#isWanted
      const duties = {
        isSending: this.#reading === 'body' && !reply.began && !isWaiting,
        isReading: this.outgoing.isFull,
      }
      if (this.#watch.look(duties) === 'slow') exchange.abort(new Refusal('CLIENT_TIMEOUT'))
    } else if (this.#lingering !== undefined) {
      this.#lingering.onTime()
    } else if (this.#ahead !== undefined) {
      // Requests wait until it has read the answers to those before.
      if (this.#watch.look({ isSending: false, isReading: true }) === 'slow') this.#socket.destroy()
    } else if (this.#parser.isInHead) this.#refuseRaw(new Refusal('CLIENT_TIMEOUT'))
    else this.#linger()
  }
}
