import type { Refusal } from '../core/refusals.ts'
import type { Exchange } from './exchange.ts'

/** The requests that are being answered: who to wait for, and whom to end, when the gateway stops. */
export class UnderWay {
  readonly #exchanges = new Set<Exchange>()
  #empty: PromiseWithResolvers<void> | undefined

  get size(): number {
    return this.#exchanges.size
  }

  enter(exchange: Exchange): void {
    this.#exchanges.add(exchange)
  }

  leave(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    if (this.#exchanges.size > 0) return
    this.#empty?.resolve()
    this.#empty = undefined
  }

  /** Resolves when no request is under way. */
  drained(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    this.#empty ??= Promise.withResolvers()
    return this.#empty.promise
  }

  abort(reason: Refusal): void {
    for (const exchange of this.#exchanges) exchange.abort(reason)
  }
}
