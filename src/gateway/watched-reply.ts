import type { Refusal } from '../core/refusals.ts'
import type { Exchange, Reply, ReplyHead } from './exchange.ts'
import type { Fields } from './fields.ts'
import { UsageTail, type Usage } from './usage.ts'

/** The same exchange, which tells what its answer says it used once that has ended. */
export function withUsage(exchange: Exchange, onUsage: (usage: Usage) => void): Exchange {
  const { head, body, peer, signal } = exchange
  return {
    head,
    body,
    peer,
    signal,
    reply: new WatchedReply(exchange.reply, onUsage),
    abort: (reason) => exchange.abort(reason),
  }
}

/** A reply through which an answer passes as it is; its end is looked at. */
class WatchedReply implements Reply {
  readonly #inner: Reply
  readonly #onUsage: (usage: Usage) => void
  #tail: UsageTail | undefined

  constructor(inner: Reply, onUsage: (usage: Usage) => void) {
    this.#inner = inner
    this.#onUsage = onUsage
  }

  get began(): boolean {
    return this.#inner.began
  }

  get status(): number {
    return this.#inner.status
  }

  get onDrain(): (() => void) | undefined {
    return this.#inner.onDrain
  }

  set onDrain(onDrain: (() => void) | undefined) {
    this.#inner.onDrain = onDrain
  }

  inform(status: number, fields: Fields): void {
    this.#inner.inform(status, fields)
  }

  begin(head: ReplyHead): void {
    this.#tail = UsageTail.of(head)
    this.#inner.begin(head)
  }

  write(chunk: Buffer): boolean {
    this.#tail?.write(chunk)
    return this.#inner.write(chunk)
  }

  end(trailers: Fields): void {
    const usage = this.#tail?.usage()
    if (usage !== undefined) this.#onUsage(usage)
    this.#inner.end(trailers)
  }

  flush(): void {
    this.#inner.flush()
  }

  refuse(refusal: Refusal, ours: readonly string[]): void {
    this.#inner.refuse(refusal, ours)
  }

  reset(): void {
    this.#inner.reset()
  }
}
