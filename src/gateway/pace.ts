/**
 * Spreads a burst over turns of the event loop: so many go on in each, the others in later turns, oldest first. When a
 * model comes up, thousands that waited for it could go on at once, and all other traffic would stand still meanwhile.
 */
export class Pace {
  readonly #perTurn: number
  /** How many may still go on in this turn. */
  #left: number
  #waiting: (() => void)[] = []
  /** Those before this place have gone on. */
  #next = 0
  #isArmed = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  /** Undefined: go on now. Otherwise resolves in the turn in which to go on. */
  enter(): Promise<void> | undefined {
    if (!this.#isArmed) {
      this.#isArmed = true
      setImmediate(this.#turn)
    }
    if (this.#left === 0) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#left -= 1
    return undefined
  }

  readonly #turn = (): void => {
    const from = this.#next
    const to = Math.min(from + this.#perTurn, this.#waiting.length)
    const going = this.#waiting.slice(from, to)
    this.#next = to
    if (to === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    }
    this.#left = this.#perTurn - going.length
    this.#isArmed = going.length > 0
    if (this.#isArmed) setImmediate(this.#turn)
    for (const go of going) go()
  }
}
