import {
  AVOIDED,
  GRANTED,
  NEWEST,
  NEXT,
  OLDEST,
  PLAIN,
  PREVIOUS,
  THREAD_OF,
  WAITING,
  type SharedMemory,
} from './memory.ts'

/**
 * Those who wait for one revision, of all threads, in the order in which they came. Whoever calls holds the lock of the
 * revision. A thread may die between any two writes: the `NEXT` chain is whole after each of them, and `repair` makes the
 * rest anew from it.
 *
 *     OLDEST -> waiter -NEXT-> waiter -NEXT-> waiter <- NEWEST
 */
export class Line {
  readonly #words: Int32Array
  readonly #at: number

  constructor(memory: SharedMemory, revision: number) {
    this.#words = memory.words
    this.#at = memory.revisionAt(revision)
  }

  get oldest(): number {
    return this.#words[this.#at + OLDEST]!
  }

  /** Any replica would serve it. */
  isPlain(waiter: number): boolean {
    return this.#words[waiter + AVOIDED] === 0
  }

  after(waiter: number): number {
    return this.#words[waiter + NEXT]!
  }

  append(waiter: number): void {
    const words = this.#words
    const newest = words[this.#at + NEWEST]!
    words[waiter + NEXT] = 0
    words[waiter + PREVIOUS] = newest
    words[newest === 0 ? this.#at + OLDEST : newest + NEXT] = waiter
    words[this.#at + NEWEST] = waiter
    this.#count(waiter, 1)
  }

  /** Puts one back who had been served: before all others. */
  prepend(waiter: number): void {
    const words = this.#words
    const oldest = words[this.#at + OLDEST]!
    words[waiter + NEXT] = oldest
    words[waiter + PREVIOUS] = 0
    words[this.#at + OLDEST] = waiter
    words[oldest === 0 ? this.#at + NEWEST : oldest + PREVIOUS] = waiter
    this.#count(waiter, 1)
  }

  remove(waiter: number): void {
    const words = this.#words
    const next = words[waiter + NEXT]!
    const previous = words[waiter + PREVIOUS]!
    words[previous === 0 ? this.#at + OLDEST : previous + NEXT] = next
    words[next === 0 ? this.#at + NEWEST : next + PREVIOUS] = previous
    this.#count(waiter, -1)
  }

  /** Makes the line anew after a thread died while it changed it: without those who have a slot, and those of the dead. */
  repair(isDead: (thread: number) => boolean): void {
    const words = this.#words
    const left: number[] = []
    for (let waiter = this.oldest; waiter !== 0; waiter = this.after(waiter)) {
      if (words[waiter + GRANTED] === 0 && !isDead(words[waiter + THREAD_OF]!)) left.push(waiter)
    }
    for (const word of [OLDEST, NEWEST, WAITING, PLAIN]) words[this.#at + word] = 0
    for (const waiter of left) this.append(waiter)
  }

  #count(waiter: number, by: 1 | -1): void {
    this.#words[this.#at + WAITING]! += by
    if (this.isPlain(waiter)) this.#words[this.#at + PLAIN]! += by
  }
}
