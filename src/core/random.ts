/** Chance is handed in like time, so that a simulation can be run again from its seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [0, below). */
  below(bound: number): number
  /** 32 bits: a whole number in [0, 2 ** 32). */
  uint32(): number
}

/** The process's own randomness. Fast and well spread, and no secret: V8's generator can be predicted from what it gave. */
export class SystemRandom implements Random {
  next(): number {
    return Math.random()
  }

  below(bound: number): number {
    return Math.floor(Math.random() * bound)
  }

  uint32(): number {
    return (Math.random() * 2 ** 32) >>> 0
  }
}

/** mulberry32: 32 bits of state, good enough for simulated traffic, the same everywhere from one seed. */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    return this.uint32() / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
