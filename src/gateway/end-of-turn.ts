/** What gathers small pieces until it is told that no more come in this turn of the event loop. */
export interface Flushable {
  flush(): void
}

/**
 * Flushes at the end of the turn what was marked in it, each once: what one turn has to say
 * on a connection, for however many requests, is one write.
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
