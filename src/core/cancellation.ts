/** What a cancellation tells, once. An object rather than a function, so that a waiter can be its own listener. */
export interface CancellationListener {
  handleEvent(): void
}

/** The part of AbortSignal that our own code uses: an AbortSignal is one. */
export interface Cancellation {
  readonly aborted: boolean
  /** Why, once `aborted`. */
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: CancellationListener, options?: { readonly once: boolean }): void
  removeEventListener(type: 'abort', listener: CancellationListener): void
}

/**
 * One per request, of which a gateway may hold 50,000: an AbortController with its signal costs a kilobyte and a
 * microsecond, this costs neither.
 */
export class Cancel implements Cancellation {
  #aborted = false
  #reason: unknown = undefined
  /** Most have one listener at a time, and an array for it would cost 0.2 kB. */
  #listener: CancellationListener | undefined = undefined
  #others: CancellationListener[] | undefined = undefined

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  addEventListener(_type: 'abort', listener: CancellationListener): void {
    if (this.#aborted) return
    if (this.#listener === undefined && this.#others === undefined) this.#listener = listener
    else (this.#others ??= []).push(listener)
  }

  removeEventListener(_type: 'abort', listener: CancellationListener): void {
    if (this.#listener === listener) {
      this.#listener = undefined
      return
    }
    const at = this.#others?.indexOf(listener) ?? -1
    if (at >= 0) this.#others?.splice(at, 1)
  }

  /** Tells each listener, once; does nothing the second time. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    const first = this.#listener
    this.#listener = undefined
    first?.handleEvent()
    // Taken out one by one: one that is told may remove another, which is then not told.
    for (let next = this.#others?.shift(); next !== undefined; next = this.#others?.shift())
      next.handleEvent()
  }
}
