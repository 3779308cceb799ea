import { sleepOn, type Clock, type Timer } from './clock.ts'

interface Armed {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
  cancelled: boolean
}

/**
 * A clock that moves only when told to: for tests and simulation. Timers fire in order of their due
 * time, and at one instant in the order in which they were armed.
 */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  /** A binary heap, earliest first: hours of simulated traffic arm millions of timers. */
  readonly #heap: Armed[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs)
    const armed: Armed = { dueMs, order: this.#order++, fire, cancelled: false }
    this.#push(armed)
    const cancel = (): void => {
      armed.cancelled = true
    }
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal)
  }

  /** The instant of the next armed timer, or undefined when nothing waits. */
  nextDueMs(): number | undefined {
    while (this.#heap[0]?.cancelled === true) this.#pop()
    return this.#heap[0]?.dueMs
  }

  /** Moves to `now + byMs`, firing what falls due, and lets promises settle between timers. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settle()
    for (let dueMs = this.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = this.nextDueMs()) {
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      this.#pop().fire()
      await settle()
    }
    this.#nowMs = untilMs
  }

  #push(armed: Armed): void {
    const heap = this.#heap
    heap.push(armed)
    let at = heap.length - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isEarlier(heap[at]!, heap[parent]!)) break
      ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
      at = parent
    }
  }

  #pop(): Armed {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      let at = 0
      for (;;) {
        const left = 2 * at + 1
        const right = left + 1
        let least = at
        if (left < heap.length && isEarlier(heap[left]!, heap[least]!)) least = left
        if (right < heap.length && isEarlier(heap[right]!, heap[least]!)) least = right
        if (least === at) break
        ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
        at = least
      }
    }
    return first
  }
}

function isEarlier(a: Armed, b: Armed): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

/** Lets every promise that can settle do so: a turn of the event loop's check phase. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
