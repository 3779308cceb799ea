/** Numbers from 0 up to a bound, given out and taken back: the lowest that were never used, then those that came back. */
export class Places {
  readonly #what: string
  readonly #count: number
  readonly #free: number[] = []
  #used = 0

  /** @param what for the message: `replicas`. */
  constructor(what: string, count: number) {
    this.#what = what
    this.#count = count
  }

  /** @throws RangeError naming what there is no room for. */
  take(): number {
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    if (this.#used >= this.#count)
      throw new RangeError(
        `shared slots: there is room for ${this.#count} ${this.#what}, and all of it is taken`,
      )
    return this.#used++
  }

  giveBack(place: number): void {
    this.#free.push(place)
  }
}
