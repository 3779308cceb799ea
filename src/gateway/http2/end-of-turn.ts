/** What gathers small pieces until it is told that no more come in this turn of the event loop. */
export interface Flushable {
  flush(): void
}

/**
 * Flushes at the end of the turn what was marked in it, each once: node:http2 tells of every frame by itself and not of
 * the end of a read, and a piece per frame would be a write per frame on the other side.
 */
export class EndOfTurn {
  #marked: Flushable[] = []

  /** The caller marks what is not marked yet. */
  mark(flushable: Flushable): void {
    this.#marked.push(flushable)
    if (this.#marked.length === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const marked = this.#marked
    this.#marked = []
    for (const flushable of marked) flushable.flush()
  }
}
