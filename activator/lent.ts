import type { Clock, Timer } from '../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { SharedRevision } from './shared-revision.ts'

/** A lease that is not given back is said again this often, in case that either message was lost. */
const SAY_AGAIN_MS = 2_000
/** Wishes are repeated more often than that while they last. */
const WISH_LASTS_MS = 10_000

interface Lease {
  readonly to: string
  readonly limit: number
  readonly revision: RevisionName
  readonly replica: ReplicaName
  saidAtMs: number
}

/** Requests of another gateway that wait for slots of this one. */
interface Wish {
  readonly from: string
  /** Since when the oldest of them waits, by this gateway's clock. */
  readonly sinceMs: number
  readonly untilMs: number
  wanted: number
}

/** What a gateway lends: one that lends a slot does not have it until the borrower gives it back, or is gone. */
export class Lent {
  readonly #clock: Clock
  readonly #say: (to: string, lease: number, what: Pick<Lease, 'revision' | 'replica'>) => void
  readonly #mayLend: (revision: SharedRevision, replica: ReplicaName) => boolean
  readonly #leases = new Map<number, Lease>()
  readonly #counts = new Map<ReplicaName, number>()
  readonly #wishes = new Map<RevisionName, Map<string, Wish>>()
  #lastLease = 0
  #sayAgain: Timer | undefined

  constructor(options: {
    readonly clock: Clock
    /** Tells the borrower of its lease. */
    readonly say: (to: string, lease: number, what: Pick<Lease, 'revision' | 'replica'>) => void
    /** Whether the free slot of the replica is this gateway's own. */
    readonly mayLend: (revision: SharedRevision, replica: ReplicaName) => boolean
  }) {
    this.#clock = options.clock
    this.#say = options.say
    this.#mayLend = options.mayLend
  }

  /** Slots of the replica that are lent. */
  on(replica: ReplicaName): number {
    return this.#counts.get(replica) ?? 0
  }

  /** Replicas with a slot lent, and their limits. */
  *replicas(): Iterable<readonly [ReplicaName, number]> {
    const seen = new Set<ReplicaName>()
    for (const { replica, limit } of this.#leases.values()) {
      if (seen.has(replica)) continue
      seen.add(replica)
      yield [replica, limit]
    }
  }

  /** A gateway holds requests that slots of here could serve. In place of its wish before; `wanted: 0` withdraws it. */
  wish(from: string, revision: RevisionName, about: { wanted: number; waitedMs: number }): void {
    const wishes = this.#wishes.get(revision) ?? new Map<string, Wish>()
    if (about.wanted > 0) {
      const nowMs = this.#clock.now()
      const [sinceMs, untilMs] = [nowMs - about.waitedMs, nowMs + WISH_LASTS_MS]
      wishes.set(from, { from, sinceMs, untilMs, wanted: about.wanted })
      this.#wishes.set(revision, wishes)
    } else {
      wishes.delete(from)
      if (wishes.size === 0) this.#wishes.delete(revision)
    }
  }

  /** Lends what is free to those elsewhere who came before those who wait here. */
  offer(revision: SharedRevision): void {
    for (let wish = this.#oldest(revision.name); wish !== undefined; wish = this.#oldest(revision.name)) {
      if (revision.oldestSinceMs !== undefined && revision.oldestSinceMs < wish.sinceMs) return
      const replica = revision.slots.spare()
      if (replica === undefined) return
      if (!this.#mayLend(revision, replica)) {
        revision.slots.refit()
        return
      }
      this.#lend(wish, revision, replica)
    }
  }

  /** The borrower gives it back, for the first time or again. */
  takeBack(from: string, number: number): Lease | undefined {
    const lease = this.#leases.get(number)
    if (lease?.to !== from) return undefined
    this.#leases.delete(number)
    const left = this.on(lease.replica) - 1
    if (left > 0) this.#counts.set(lease.replica, left)
    else this.#counts.delete(lease.replica)
    if (this.#leases.size === 0) this.#sayAgain?.cancel()
    return lease
  }

  /** Takes back what borrowers have that are gone; true if there was any. */
  reclaim(isGone: (gateway: string) => boolean): boolean {
    const gone = [...this.#leases].filter(([, { to }]) => isGone(to))
    for (const [number, { to }] of gone) this.takeBack(to, number)
    for (const [revision, wishes] of this.#wishes) {
      for (const from of wishes.keys()) if (isGone(from)) wishes.delete(from)
      if (wishes.size === 0) this.#wishes.delete(revision)
    }
    return gone.length > 0
  }

  stop(): void {
    this.#sayAgain?.cancel()
  }

  #lend(wish: Wish, revision: SharedRevision, replica: ReplicaName): void {
    const number = ++this.#lastLease
    const { name, slots } = revision
    const lease: Lease = {
      to: wish.from,
      limit: slots.containerConcurrency,
      revision: name,
      replica,
      saidAtMs: this.#clock.now(),
    }
    this.#leases.set(number, lease)
    this.#counts.set(replica, this.on(replica) + 1)
    if (this.#leases.size === 1) this.#armSayAgain()
    wish.wanted -= 1
    if (wish.wanted === 0) this.wish(wish.from, name, { wanted: 0, waitedMs: 0 })
    slots.refit()
    this.#say(wish.from, number, lease)
  }

  #oldest(revision: RevisionName): Wish | undefined {
    const wishes = this.#wishes.get(revision)
    if (wishes === undefined) return undefined
    const nowMs = this.#clock.now()
    let oldest: Wish | undefined
    for (const wish of wishes.values()) {
      if (wish.untilMs < nowMs) wishes.delete(wish.from)
      else if (oldest === undefined || wish.sinceMs < oldest.sinceMs) oldest = wish
    }
    if (wishes.size === 0) this.#wishes.delete(revision)
    return oldest
  }

  #armSayAgain(): void {
    this.#sayAgain?.cancel()
    const say = (): void => {
      const nowMs = this.#clock.now()
      for (const [number, lease] of this.#leases) {
        if (nowMs - lease.saidAtMs < SAY_AGAIN_MS) continue
        lease.saidAtMs = nowMs
        this.#say(lease.to, number, lease)
      }
      this.#armSayAgain()
    }
    this.#sayAgain = this.#clock.after(SAY_AGAIN_MS, say, { keepAlive: false })
  }
}
