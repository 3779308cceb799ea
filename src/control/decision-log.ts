import type { Decision } from '../core/decision.ts'
import {
  amountsIn,
  countsIn,
  decisionOf,
  hasShape,
  numbersOf,
  shapeOf,
  type Shape,
} from './decision-shape.ts'

const KEPT = 1_000
const PER_CHUNK = 50
/** Of the time and the excess burst capacity, which may differ where a decision says the same. */
const PASSING = 2
/** Shapes that are looked at before a new one is made: decisions go to and fro between a few. */
const SHAPES_TRIED = 4

/**
 * The newest decisions of one revision, the last thousand and some before. A decision that says the same as the one before
 * takes its place, so an idle hour is one entry and the thousand reach far back. There may be 10,000 such logs, so what
 * is kept are numbers; what decisions have in common is kept once.
 */
export class DecisionLog {
  #newest: Decision | undefined
  readonly #chunks: Chunk[] = []
  /** The last ones used, newest first. */
  #shapes: readonly Shape[] = []

  get newest(): Decision | undefined {
    return this.#newest
  }

  /** Oldest first. */
  all(): readonly Decision[] {
    return this.#chunks.flatMap((chunk) => chunk.all()).slice(-KEPT)
  }

  add(decision: Decision): void {
    this.#newest = decision
    const shape = this.#shapeFor(decision)
    const last = this.#chunks.at(-1)
    if (last?.replaceLast(decision, shape) === true) return
    if (last !== undefined && last.length < PER_CHUNK) {
      last.add(decision, shape)
      return
    }
    const chunk = new Chunk()
    chunk.add(decision, shape)
    this.#chunks.push(chunk)
    if (this.#chunks.length * PER_CHUNK > KEPT + PER_CHUNK) this.#chunks.shift()
  }

  #shapeFor(decision: Decision): Shape {
    const [newest] = this.#shapes
    if (newest !== undefined && hasShape(decision, newest)) return newest
    const shape = this.#shapes.find((known) => hasShape(decision, known)) ?? shapeOf(decision)
    this.#shapes = [shape, ...this.#shapes.filter((known) => known !== shape)].slice(0, SHAPES_TRIED)
    return shape
  }
}

/** Some decisions, one behind the other. */
class Chunk {
  readonly #shapes: Shape[] = []
  #amounts = new Float64Array(4)
  #counts = new Int32Array(8)
  /** How much of them is used. */
  #amountsEnd = 0
  #countsEnd = 0

  get length(): number {
    return this.#shapes.length
  }

  add(decision: Decision, shape: Shape): void {
    const { amounts, counts } = numbersOf(decision, shape)
    if (this.#amountsEnd + amounts.length > this.#amounts.length) {
      this.#amounts = grown(
        this.#amounts,
        new Float64Array(this.#lengthFor(this.#amountsEnd, amounts.length)),
      )
    }
    if (this.#countsEnd + counts.length > this.#counts.length) {
      this.#counts = grown(this.#counts, new Int32Array(this.#lengthFor(this.#countsEnd, counts.length)))
    }
    this.#amounts.set(amounts, this.#amountsEnd)
    this.#counts.set(counts, this.#countsEnd)
    this.#amountsEnd += amounts.length
    this.#countsEnd += counts.length
    this.#shapes.push(shape)
  }

  /** Puts the decision in place of the last one, if it says the same. */
  replaceLast(decision: Decision, shape: Shape): boolean {
    if (this.#shapes.at(-1) !== shape) return false
    const { amounts, counts } = numbersOf(decision, shape)
    const amountsAt = this.#amountsEnd - amounts.length
    const countsAt = this.#countsEnd - counts.length
    const isSame =
      counts.every((count, index) => this.#counts[countsAt + index] === count) &&
      amounts.every((amount, index) => index < PASSING || Object.is(this.#amounts[amountsAt + index], amount))
    if (isSame) this.#amounts.set(amounts, amountsAt)
    return isSame
  }

  all(): readonly Decision[] {
    let amountsAt = 0
    let countsAt = 0
    return this.#shapes.map((shape) => {
      const amounts = this.#amounts.subarray(amountsAt, (amountsAt += amountsIn(shape)))
      const counts = this.#counts.subarray(countsAt, (countsAt += countsIn(shape)))
      return decisionOf(shape, { amounts: [...amounts], counts: [...counts] })
    })
  }

  /** As if all decisions were as this one: a full chunk wastes nothing, and one that just began little. */
  #lengthFor(end: number, more: number): number {
    return this.#shapes.length < 4
      ? Math.max(end + more, 4 * more)
      : Math.max(end + more, end + more * (PER_CHUNK - this.length))
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
