import type { Clock, Timer } from '../core/clock.ts'
import type { RevisionName } from '../core/names.ts'

/**
 * What a gateway let go holds only so long. By then its replicas have left the tables, or something went wrong on the
 * way: the controller died, or its `keep` got lost. A gateway that never heard of it would hold requests for ever in
 * front of a replica that stands. One that keeps too early is harmless: a replica that leaves finishes what it has.
 */
const LET_GO_MS = 5_000

/** The revisions that this process let go, each until it is told to keep, or its time is over. */
export class LetGoLeases {
  readonly #clock: Clock
  readonly #keep: (revision: RevisionName) => void
  readonly #timers = new Map<RevisionName, Timer>()

  /** @param keep called when a lease ends by itself or with all others, not when `end` ends it. */
  constructor(clock: Clock, keep: (revision: RevisionName) => void) {
    this.#clock = clock
    this.#keep = keep
  }

  get size(): number {
    return this.#timers.size
  }

  /** Begins, or begins anew. */
  begin(revision: RevisionName): void {
    this.end(revision)
    const expire = (): void => {
      this.#timers.delete(revision)
      this.#keep(revision)
    }
    this.#timers.set(revision, this.#clock.after(LET_GO_MS, expire, { keepAlive: false }))
  }

  end(revision: RevisionName): void {
    this.#timers.get(revision)?.cancel()
    this.#timers.delete(revision)
  }

  /** Nobody can be heard any more: everything is kept. */
  endAll(): void {
    const revisions = [...this.#timers.keys()]
    for (const revision of revisions) {
      this.end(revision)
      this.#keep(revision)
    }
  }
}
