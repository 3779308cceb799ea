import { Cancel } from '../../core/cancellation.ts'
import type { Refusal } from '../../core/refusals.ts'
import type { Exchange, Peer, Reply, ReplyHead, RequestBody, RequestHead } from '../exchange.ts'
import { joined, ListFields, type Fields } from '../fields.ts'
import { EMPTY_BODY, KeptBody } from '../request-body.ts'

/** For tests: an exchange that comes from nowhere, and what is answered to it. */

/** What was said to a reply. */
export class FakeReply implements Reply {
  head: ReplyHead | undefined
  readonly informed: [number, Fields][] = []
  readonly chunks: Buffer[] = []
  trailers: Fields | undefined
  refusal: Refusal | undefined
  wasReset = false
  flushes = 0
  /** Says to each `write` that it takes no more. */
  isFull = false
  onDrain: (() => void) | undefined
  /** Settles with the first head, and with the first bytes. */
  readonly begun = Promise.withResolvers<ReplyHead>()
  readonly wrote = Promise.withResolvers<void>()

  get began(): boolean {
    return this.head !== undefined
  }

  get status(): number {
    return this.head?.status ?? 0
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  get bytes(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0)
  }

  inform(status: number, fields: Fields): void {
    this.informed.push([status, fields])
  }

  begin(head: ReplyHead): void {
    this.head = head
    this.begun.resolve(head)
  }

  write(chunk: Buffer): boolean {
    this.chunks.push(chunk)
    this.wrote.resolve()
    return !this.isFull
  }

  end(trailers: Fields): void {
    this.trailers = trailers
  }

  flush(): void {
    this.flushes += 1
  }

  refuse(refusal: Refusal): void {
    this.refusal = refusal
  }

  reset(): void {
    this.wasReset = true
  }
}

export class FakeExchange implements Exchange {
  readonly head: RequestHead
  readonly body: RequestBody
  readonly reply = new FakeReply()
  readonly peer: Peer = { address: '192.0.2.1', scheme: 'http' }
  readonly signal = new Cancel()
  /** Feeds the body, if there is one: `take` and `finish`. */
  readonly source: KeptBody
  pauses = 0
  isPaused = false

  constructor(
    request: {
      readonly method?: string
      readonly host?: string
      readonly version?: RequestHead['version']
      readonly fields?: readonly string[]
      readonly listed?: ReadonlySet<string>
      readonly isGrpc?: boolean
      /** All of the body, or `{ flows: true }` where it comes later. Default: the request has none. */
      readonly body?: string | { readonly flows: true }
      readonly length?: number
    } = {},
  ) {
    const fields = new ListFields(request.fields ?? [])
    this.head = {
      version: request.version ?? '1.1',
      method: request.method ?? 'POST',
      path: '/sent',
      host: request.host ?? 'iris.test',
      fields,
      isWebSocket: false,
      isGrpc: request.isGrpc ?? false,
      listed: request.listed,
      header: (name) => joined(fields, name),
    }
    const pause = (): void => {
      this.pauses += 1
      this.isPaused = true
    }
    const resume = (): void => void (this.isPaused = false)
    this.source = new KeptBody({ pause, resume, wanted: () => undefined }, request.length)
    this.body = request.body === undefined ? EMPTY_BODY : this.source
    if (typeof request.body !== 'string') return
    this.source.take(Buffer.from(request.body))
    this.source.finish(new ListFields([]))
  }

  abort(reason: Refusal): void {
    this.signal.abort(reason)
  }
}
