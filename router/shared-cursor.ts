import { CYCLE, type Cursor } from './split.ts'

/** Where the count is taken back: a multiple of the cycle, far enough below 2 ** 31 for any number of threads. */
const LAP = 1_000_000_000

/**
 * A cursor in shared memory: threads that make one on the same element of the same memory get each place of the cycle
 * in turn between them, so that a split stays exact whichever thread a request comes to. It never waits.
 */
export class SharedCursor implements Cursor {
  readonly #counts: Int32Array<SharedArrayBuffer>
  readonly #index: number

  /** @param counts zeros at first. @throws RangeError for an index outside of it. */
  constructor(counts: Int32Array<SharedArrayBuffer>, index: number) {
    if (!Number.isInteger(index) || index < 0 || index >= counts.length) {
      throw new RangeError(`index of a shared cursor: got ${index}; allowed: 0 to ${counts.length - 1}`)
    }
    this.#counts = counts
    this.#index = index
  }

  next(): number {
    const count = Atomics.add(this.#counts, this.#index, 1)
    // An overflow would cut a cycle short: 2 ** 32 is no multiple of 100. Exactly one thread sees this count.
    if (count === LAP) Atomics.sub(this.#counts, this.#index, LAP)
    return count % CYCLE
  }
}
