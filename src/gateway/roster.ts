/** Things that come and go, and the moment when none is left. */
export class Roster<T> implements Iterable<T> {
  readonly #present = new Set<T>()
  #empty: PromiseWithResolvers<void> | undefined

  get size(): number {
    return this.#present.size
  }

  enter(one: T): void {
    this.#present.add(one)
  }

  leave(one: T): void {
    this.#present.delete(one)
    if (this.#present.size > 0) return
    this.#empty?.resolve()
    this.#empty = undefined
  }

  /** Resolves when none is there. */
  empty(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    this.#empty ??= Promise.withResolvers()
    return this.#empty.promise
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#present.values()
  }
}
