import type { ReplicaName } from '../src/core/names.ts'

/** Who waits until nothing is in flight on a replica. */
export class Drained {
  readonly #waiting = new Map<ReplicaName, (() => void)[]>()

  /** Calls `done` at `settle`, or at once. Returns how to stop waiting. */
  on(replica: ReplicaName, isIdle: boolean, done: () => void): () => void {
    if (isIdle) {
      done()
      return () => {}
    }
    const waiting = this.#waiting.get(replica) ?? []
    waiting.push(done)
    this.#waiting.set(replica, waiting)
    return () => {
      const at = waiting.indexOf(done)
      if (at >= 0) waiting.splice(at, 1)
      if (waiting.length === 0 && this.#waiting.get(replica) === waiting) this.#waiting.delete(replica)
    }
  }

  isAwaited(replica: ReplicaName): boolean {
    return this.#waiting.size > 0 && this.#waiting.has(replica)
  }

  get awaited(): Iterable<ReplicaName> {
    return [...this.#waiting.keys()]
  }

  /** The replica is idle. */
  settle(replica: ReplicaName): void {
    const waiting = this.#waiting.get(replica)
    this.#waiting.delete(replica)
    for (const done of waiting ?? []) done()
  }
}
