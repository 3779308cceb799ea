import type { SplitTarget } from '../src/core/route.ts'

/** How many picks a cycle has: one for each percent. */
export const CYCLE = 100

/** Where in its cycle a split is. */
export interface Cursor {
  /** The place of the next pick, 0 to 99, one after the other and round again; no place is given to two picks. */
  next(): number
}

/**
 * Divides requests over revisions by percent, exactly: the cycle of 100 picks repeats, so any 100
 * consecutive requests hold each revision as often as its percent says, wherever they begin. The picks of a
 * revision are spread evenly over the cycle (smooth weighted round-robin, as nginx does it): 90/10 gives
 * AAAAABAAAA AAAAABAAAA ..., never ten B in a row.
 */
export class Split {
  readonly targets: readonly SplitTarget[]
  readonly #cycle: Uint8Array
  readonly #cursor: Cursor

  /**
   * @param targets percents are whole numbers that sum to 100.
   * @param cursor shared by splits that divide the same requests, e.g. one in each thread. Default: one of its own.
   */
  constructor(targets: readonly SplitTarget[], cursor: Cursor = new OwnCursor()) {
    const sum = targets.reduce((total, target) => total + target.percent, 0)
    if (sum !== CYCLE || targets.some(({ percent }) => !Number.isInteger(percent) || percent < 0)) {
      const percents = targets.map((target) => target.percent).join(', ')
      throw new RangeError(`percents of a split: got ${percents}; allowed: whole numbers that sum to 100`)
    }
    this.targets = targets
    this.#cycle = spread(targets.map((target) => target.percent))
    this.#cursor = cursor
  }

  /** The next revision in turn. */
  pick(): SplitTarget {
    // Most routes have one revision: they need no place, and threads need not meet at a shared one.
    if (this.targets.length === 1) return this.targets[0]!
    return this.targets[this.#cycle[this.#cursor.next()]!]!
  }

  /**
   * The revision that a key always gets. A key has a fixed place in 0..99 and targets take their percents from
   * the newest on, so a canary that grows from 10 to 20 moves only that tenth of the keys.
   */
  pickFor(key: string): SplitTarget {
    let place = placeOf(key)
    for (const target of this.targets) {
      if (place < target.percent) return target
      place -= target.percent
    }
    throw new Error('unreachable: percents sum to 100')
  }

  /** Same revisions with the same percents and tags, in the same order. */
  equals(targets: readonly SplitTarget[]): boolean {
    return (
      targets.length === this.targets.length &&
      targets.every((target, index) => {
        const mine = this.targets[index]!
        return mine.revision === target.revision && mine.percent === target.percent && mine.tag === target.tag
      })
    )
  }
}

class OwnCursor implements Cursor {
  #at = 0

  next(): number {
    const at = this.#at
    this.#at = at + 1 === CYCLE ? 0 : at + 1
    return at
  }
}

function spread(percents: readonly number[]): Uint8Array {
  const cycle = new Uint8Array(CYCLE)
  const credit = percents.map(() => 0)
  for (let at = 0; at < CYCLE; at++) {
    let best = 0
    for (const [index, percent] of percents.entries()) {
      credit[index]! += percent
      if (credit[index]! > credit[best]!) best = index
    }
    credit[best]! -= CYCLE
    cycle[at] = best
  }
  return cycle
}

/** FNV-1a with a final mix, modulo 100. The same on every gateway and after every restart. */
function placeOf(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % CYCLE
}
