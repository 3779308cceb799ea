import type { Address } from '../../core/replica.ts'
import type { Exchange } from '../exchange.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import type { ForwardResult, Onward, Upstream } from '../upstream.ts'
import { Http1Attempt } from './attempt.ts'
import { Pool, type PoolOptions } from './pool.ts'

/** Replicas that speak HTTP/1.1. */
export class Http1Upstream implements Upstream {
  readonly #pool: Pool
  readonly #wheel: TimerWheel
  readonly #connectTimeoutMs: number

  constructor(options: PoolOptions & { readonly wheel: TimerWheel; readonly connectTimeoutMs: number }) {
    this.#pool = new Pool(options)
    this.#wheel = options.wheel
    this.#connectTimeoutMs = options.connectTimeoutMs
  }

  forward(exchange: Exchange, onward: Onward): Promise<ForwardResult> {
    return new Promise((resolve, reject) => {
      if (exchange.signal.aborted) {
        reject(exchange.signal.reason)
        return
      }
      const from = {
        pool: this.#pool,
        wheel: this.#wheel,
        connectTimeoutMs: this.#connectTimeoutMs,
        resolve,
        reject,
      }
      new Http1Attempt(exchange, onward, from).start()
    })
  }

  retain(addresses: readonly Address[]): void {
    this.#pool.retain(addresses)
  }

  close(): void {
    this.#pool.close()
  }
}
