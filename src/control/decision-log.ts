import type { Decision } from '../core/decision.ts'
import { decisionOf, hasShape, numbersOf, shapeOf, type Shape } from './decision-shape.ts'
import { NumberReader, NumberWriter } from './packed-numbers.ts'

const KEPT = 1_000
const PER_CHUNK = 100

/**
 * The newest decisions of one revision. A decision that says the same as the one before takes its place, so an idle hour
 * is one entry and the thousand reach far back. There may be 10,000 such logs, and a decision is a kilobyte: all but the
 * newest are kept as bytes, and what they have in common is kept once.
 */
export class DecisionLog {
  #newest: Decision | undefined
  #shape: Shape | undefined
  /** Those before it, oldest first. The first chunk is dropped whole, so there may be some more than have to be. */
  readonly #chunks: Chunk[] = []

  get newest(): Decision | undefined {
    return this.#newest
  }

  /** Oldest first. */
  all(): readonly Decision[] {
    const newest = this.#newest === undefined ? [] : [this.#newest]
    return [...this.#chunks.flatMap((chunk) => chunk.all()), ...newest].slice(-KEPT)
  }

  add(decision: Decision): void {
    const [before, shape] = [this.#newest, this.#shape]
    this.#newest = decision
    this.#shape = shape !== undefined && hasShape(decision, shape) ? shape : shapeOf(decision)
    if (before === undefined || shape === undefined) return
    if (shape === this.#shape && areSameNumbers(before, decision, shape)) return
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.length === PER_CHUNK) {
      chunk?.seal()
      this.#chunks.push((chunk = new Chunk(chunk)))
      if (this.#chunks.length * PER_CHUNK >= KEPT + 2 * PER_CHUNK) this.#chunks.shift()
    }
    chunk.add(before, shape)
  }
}

/** The excess burst capacity may be another: it is no reason for anything. */
function areSameNumbers(a: Decision, b: Decision, shape: Shape): boolean {
  const before = numbersOf(a, shape)
  return numbersOf(b, shape).every((value, index) => index === 0 || Object.is(value, before[index]))
}

/** Some decisions, one behind the other: for each the number of its shape, the time since the one before, its numbers. */
class Chunk {
  readonly #shapes: Shape[]
  readonly #numbers = new NumberWriter()
  #lastMs = 0
  #length = 0

  /** @param before decisions go to and fro between a few shapes, so those of the last chunk are likely */
  constructor(before: Chunk | undefined) {
    this.#shapes = before === undefined ? [] : before.#shapes.slice(-16)
  }

  get length(): number {
    return this.#length
  }

  add(decision: Decision, shape: Shape): void {
    this.#numbers.write(this.#indexOf(decision, shape))
    this.#numbers.write(decision.atMs - this.#lastMs)
    for (const number of numbersOf(decision, shape)) this.#numbers.write(number)
    this.#lastMs = decision.atMs
    this.#length += 1
  }

  /** Nothing comes behind any more. */
  seal(): void {
    this.#numbers.trim()
  }

  all(): readonly Decision[] {
    const reader = new NumberReader(this.#numbers.bytes)
    let atMs = 0
    return Array.from({ length: this.#length }, () => {
      const shape = this.#shapes[reader.read()]!
      atMs += reader.read()
      return decisionOf(shape, atMs, () => reader.read())
    })
  }

  #indexOf(decision: Decision, shape: Shape): number {
    const known = this.#shapes.indexOf(shape)
    if (known >= 0) return known
    const alike = this.#shapes.findIndex((other) => hasShape(decision, other))
    return alike >= 0 ? alike : this.#shapes.push(shape) - 1
  }
}
