import { STATUS_CODES } from 'node:http'
import type { Refusal } from '../../core/refusals.ts'
import type { Reply, ReplyHead } from '../exchange.ts'
import { listText, NO_FIELDS, valueOf, type Fields } from '../fields.ts'
import { FIELD } from '../known-field.ts'
import { maskOf, NOT_OF_REPLICA } from '../pass-on.ts'
import { refusalAnswer } from '../refusal-answer.ts'
import type { Framing, Outgoing } from './outgoing.ts'
import type { Http1RequestHead } from './request-head.ts'
import { fieldsText } from './text-fields.ts'

/** What a reply needs of the connection that it goes out on. */
export interface ReplyCarrier {
  readonly outgoing: Outgoing
  /** The connection closes after this answer, whatever the client asked for. */
  readonly isLast: boolean
  /** All of the request has been read. */
  readonly isRequestRead: boolean
  /** The Date header's value now. */
  date(): string
  /** A 101 was passed on: bytes go as they are from now on. */
  switched(): void
  /** The client does not read as fast as the answer comes. */
  stalled(): void
  /** The whole answer was handed to the socket. */
  answered(close: boolean): void
  reset(): void
}

const LENGTH = maskOf(FIELD.contentLength)

/** The answer to one HTTP/1.1 request. */
export class Http1Reply implements Reply {
  readonly #request: Http1RequestHead
  readonly #carrier: ReplyCarrier
  #state: 'waiting' | 'answering' | 'over' = 'waiting'
  #status = 0
  /** Closes after this answer though the client would have stayed. */
  #close = false

  constructor(request: Http1RequestHead, carrier: ReplyCarrier) {
    this.#request = request
    this.#carrier = carrier
  }

  get began(): boolean {
    return this.#status !== 0
  }

  get status(): number {
    return this.#status
  }

  get onDrain(): (() => void) | undefined {
    return this.#carrier.outgoing.onDrain
  }

  set onDrain(onDrain: (() => void) | undefined) {
    this.#carrier.outgoing.onDrain = onDrain
  }

  inform(status: number, fields: Fields): void {
    if (this.#state !== 'waiting' || this.#request.version === '1.0') return
    const { outgoing } = this.#carrier
    // Nobody needs it, and a replica may say any number of them to a client that reads none.
    if (outgoing.isFull) return
    outgoing.begin(`${statusLine(status, '')}${fieldsText(fields, NOT_OF_REPLICA, undefined)}\r\n`, 'none')
    outgoing.flushSoon()
  }

  begin(head: ReplyHead): void {
    if (this.#state !== 'waiting') return
    this.#state = 'answering'
    this.#status = head.status
    const framing = this.#framing(head)
    // A length that means nothing would only be misread (RFC 9112, 6.2).
    const isLengthVoid = framing === 'chunked' || head.status === 204 || head.status < 200
    const dropped = isLengthVoid ? NOT_OF_REPLICA | LENGTH : NOT_OF_REPLICA
    let text = statusLine(head.status, head.reason) + fieldsText(head.fields, dropped, head.listed)
    if (valueOf(head.fields, FIELD.date) === undefined) text += `date: ${this.#carrier.date()}\r\n`
    text += listText(head.ours)
    if (head.status === 101) {
      text += 'connection: Upgrade\r\nupgrade: websocket\r\n'
    } else {
      if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n'
      // A client that asked to switch may have sent what is no HTTP.
      this.#close ||=
        framing === 'close' || this.#carrier.isLast || !this.#request.keepAlive || this.#request.isWebSocket
      if (this.#close) text += 'connection: close\r\n'
      else if (this.#request.version === '1.0') text += 'connection: keep-alive\r\n'
    }
    this.#carrier.outgoing.begin(`${text}\r\n`, framing, head.length)
    if (head.status === 101) this.#carrier.switched()
  }

  write(chunk: Buffer): boolean {
    if (this.#state !== 'answering' || this.#carrier.outgoing.write(chunk)) return true
    this.#carrier.stalled()
    return false
  }

  end(trailers: Fields): void {
    if (this.#state !== 'answering') return
    if (!this.#carrier.outgoing.end(trailers)) {
      this.reset()
      return
    }
    this.#state = 'over'
    this.#carrier.outgoing.flushSoon()
    this.#carrier.outgoing.onDrain = undefined
    this.#carrier.answered(this.#close)
  }

  flush(): void {
    if (this.#state === 'answering') this.#carrier.outgoing.flushSoon()
  }

  refuse(refusal: Refusal, ours: readonly string[]): void {
    if (this.#state === 'over') return
    if (this.#state === 'answering') {
      this.reset()
      return
    }
    const { fields, body } = refusalAnswer(refusal)
    this.#close = !this.#carrier.isRequestRead || refusal.code === 'SHUTTING_DOWN'
    this.begin({
      status: refusal.status,
      reason: '',
      fields: NO_FIELDS,
      listed: undefined,
      ours: [...fields, ...ours],
      length: body.length,
    })
    this.write(body)
    this.end(NO_FIELDS)
  }

  reset(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#carrier.reset()
  }

  #framing({ status, length }: ReplyHead): Framing {
    if (status === 101) return 'close'
    if (status === 204 || status === 304 || this.#request.method === 'HEAD') return 'none'
    if (length !== undefined) return length === 0 ? 'none' : 'length'
    return this.#request.version === '1.0' ? 'close' : 'chunked'
  }
}

function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason === '' ? (STATUS_CODES[status] ?? '') : reason}\r\n`
}

/** A whole answer for a peer that has sent no request that can be read; the connection closes after it. */
export function rawRefusal(refusal: Refusal, date: string): Buffer {
  const { fields, body } = refusalAnswer(refusal)
  const head = `${statusLine(refusal.status, '')}${listText(fields)}date: ${date}\r\nconnection: close\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}
