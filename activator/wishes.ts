import type { Clock, Timer } from '../src/core/clock.ts'
import type { RevisionName } from '../src/core/names.ts'
import type { SharedRevision } from './shared-revision.ts'

/** The first are asked at once; as long as requests wait, twice as many others after a while, up to so many each time. */
const ASKED_FIRST = 2
const ASKED_MAX = 8
const ASK_AGAIN_MIN_MS = 250
const ASK_AGAIN_MAX_MS = 2_000
/** Slots that one gateway is asked for at one time. */
const WANTED_MAX = 8

interface Asking {
  readonly asked: Set<string>
  /** How often it was asked. */
  times: number
  /** Where in the row of owners it goes on. */
  next: number
  timer: Timer | undefined
}

/** Asks the owners of slots for as long as requests of a revision wait here: a few at a time, each in its turn. */
export class Wishes {
  readonly #clock: Clock
  readonly #say: (to: string, revision: RevisionName, about: { wanted: number; waitedMs: number }) => void
  readonly #ownersOf: (revision: SharedRevision) => readonly string[]
  readonly #revision: (name: RevisionName) => SharedRevision | undefined
  readonly #asking = new Map<RevisionName, Asking>()

  constructor(options: {
    readonly clock: Clock
    readonly say: (to: string, revision: RevisionName, about: { wanted: number; waitedMs: number }) => void
    /** Other gateways that have slots of the revision. */
    readonly ownersOf: (revision: SharedRevision) => readonly string[]
    readonly revision: (name: RevisionName) => SharedRevision | undefined
  }) {
    this.#clock = options.clock
    this.#say = options.say
    this.#ownersOf = options.ownersOf
    this.#revision = options.revision
  }

  /** Requests wait that no free slot of here serves. Says so at once, if it was not said before. */
  wait(revision: SharedRevision): void {
    if (this.#asking.has(revision.name)) return
    const asking: Asking = { asked: new Set(), times: 0, next: 0, timer: undefined }
    this.#asking.set(revision.name, asking)
    this.#ask(revision, asking)
  }

  /** A lender has its slot back, while requests wait here: they stand in its line again. */
  again(lender: string, name: RevisionName): void {
    const revision = this.#revision(name)
    if (revision !== undefined && revision.waiting > 0) this.#tell(lender, revision)
  }

  /** Nobody waits here any more. */
  end(name: RevisionName): void {
    const asking = this.#asking.get(name)
    if (asking === undefined) return
    asking.timer?.cancel()
    this.#asking.delete(name)
    for (const owner of asking.asked) this.#say(owner, name, { wanted: 0, waitedMs: 0 })
  }

  stop(): void {
    for (const { timer } of this.#asking.values()) timer?.cancel()
  }

  #ask(revision: SharedRevision, asking: Asking): void {
    const owners = this.#ownersOf(revision)
    const count = Math.min(owners.length, ASKED_MAX, ASKED_FIRST * 2 ** asking.times)
    for (let nth = 0; nth < count; nth++) {
      const owner = owners[(asking.next + nth) % owners.length]!
      asking.asked.add(owner)
      this.#tell(owner, revision)
    }
    asking.next += count
    const delayMs = Math.min(ASK_AGAIN_MAX_MS, ASK_AGAIN_MIN_MS * 2 ** asking.times)
    asking.times += 1
    const again = (): void => {
      const now = this.#revision(revision.name)
      if (now === undefined || now.waiting === 0) this.end(revision.name)
      else this.#ask(now, asking)
    }
    asking.timer = this.#clock.after(delayMs, again, { keepAlive: false })
  }

  #tell(owner: string, revision: SharedRevision): void {
    const nowMs = this.#clock.now()
    const wanted = Math.min(WANTED_MAX, revision.waiting)
    this.#say(owner, revision.name, { wanted, waitedMs: nowMs - (revision.oldestSinceMs ?? nowMs) })
  }
}
