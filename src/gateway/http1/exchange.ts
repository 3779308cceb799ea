import { Cancel } from '../../core/cancellation.ts'
import type { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer, RequestBody } from '../exchange.ts'
import type { Http1Reply } from './reply.ts'
import type { Http1RequestHead } from './request-head.ts'

/** One request of an HTTP/1.1 connection, and its answer. */
export class Http1Exchange implements Exchange {
  readonly head: Http1RequestHead
  readonly body: RequestBody
  readonly reply: Http1Reply
  readonly peer: Peer
  readonly signal = new Cancel()

  constructor(head: Http1RequestHead, body: RequestBody, reply: Http1Reply, peer: Peer) {
    this.head = head
    this.body = body
    this.reply = reply
    this.peer = peer
  }

  abort(reason: Refusal): void {
    this.signal.abort(reason)
  }
}
