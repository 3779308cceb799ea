import type { Socket } from 'node:net'
import type { Refusal } from '../../src/core/refusals.ts'

/** The requests that are being answered: who to wait for, and whom to end, when the gateway stops. */
export class UnderWay {
  readonly #sockets = new Map<Socket, number>()
  readonly #controllers = new Set<AbortController>()
  #empty: PromiseWithResolvers<void> | undefined

  get size(): number {
    return this.#controllers.size
  }

  isBusy(socket: Socket): boolean {
    return this.#sockets.has(socket)
  }

  /** Counts a request until disposed. */
  enter(socket: Socket, controller: AbortController): Disposable {
    this.#controllers.add(controller)
    this.#sockets.set(socket, (this.#sockets.get(socket) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        if (!this.#controllers.delete(controller)) return
        const left = (this.#sockets.get(socket) ?? 1) - 1
        if (left === 0) this.#sockets.delete(socket)
        else this.#sockets.set(socket, left)
        if (this.size === 0) this.#empty?.resolve()
      },
    }
  }

  /** Resolves when no request is under way. */
  drained(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    this.#empty ??= Promise.withResolvers()
    return this.#empty.promise
  }

  abort(reason: Refusal): void {
    for (const controller of this.#controllers) controller.abort(reason)
  }
}
