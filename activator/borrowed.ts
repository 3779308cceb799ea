import type { Clock, Timer } from '../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { SharedRevision } from './shared-revision.ts'

/** A borrowed slot serves this many requests, and begins one for this long, then its owner has its turn. */
const USES_MAX = 16
const LEASE_MS = 1_000

interface Lease {
  readonly lender: string
  readonly number: number
  readonly revision: RevisionName
  readonly replica: ReplicaName
  readonly expiry: Timer
  uses: number
  /** No request begins on it any more. */
  isEnding: boolean
}

/** What a gateway has borrowed: it uses a slot for some requests, and gives it back as soon as nobody waits here. */
export class Borrowed {
  readonly #clock: Clock
  readonly #giveBack: (lender: string, lease: number, revision: RevisionName) => void
  readonly #freeOn: (revision: RevisionName, replica: ReplicaName) => number
  readonly #revision: (name: RevisionName) => SharedRevision | undefined
  readonly #leases = new Map<RevisionName, Set<Lease>>()
  /** The highest number of each lender: a lease up to it that is not here was given back, whenever the message comes. */
  readonly #newest = new Map<string, number>()

  constructor(options: {
    readonly clock: Clock
    /** Tells the lender. */
    readonly giveBack: (lender: string, lease: number, revision: RevisionName) => void
    /** Slots of the replica that nothing runs on, borrowed ones that end included; negative: beyond the share. */
    readonly freeOn: (revision: RevisionName, replica: ReplicaName) => number
    readonly revision: (name: RevisionName) => SharedRevision | undefined
  }) {
    this.#clock = options.clock
    this.#giveBack = options.giveBack
    this.#freeOn = options.freeOn
    this.#revision = options.revision
  }

  /** Borrowed slots of the replica, those that end included. */
  on(revision: RevisionName, replica: ReplicaName): number {
    return this.#count(revision, replica, true)
  }

  /** Those on which requests may begin. */
  usableOn(revision: RevisionName, replica: ReplicaName): number {
    return this.#count(revision, replica, false)
  }

  /** A slot was lent to this gateway; said again if the lender has not heard that it was given back. */
  take(lender: string, number: number, of: { revision: RevisionName; replica: ReplicaName }): void {
    const { revision: name, replica } = of
    if (number <= (this.#newest.get(lender) ?? 0)) {
      const isHere = [...(this.#leases.get(name) ?? [])].some(
        (each) => each.lender === lender && each.number === number,
      )
      // What still runs beyond the share may run on this one, if its lender was thought to be gone for a while.
      if (!isHere && this.#freeOn(name, replica) >= 0) this.#giveBack(lender, number, name)
      return
    }
    this.#newest.set(lender, number)
    const revision = this.#revision(name)
    if (revision === undefined || revision.waiting === 0 || ![...revision.slots.replicas].includes(replica)) {
      this.#giveBack(lender, number, name)
      return
    }
    const leases = this.#leases.get(name) ?? new Set()
    this.#leases.set(name, leases)
    const expire = (): void => {
      lease.isEnding = true
      this.#revision(name)?.slots.refit()
      this.#return(name, replica)
      this.#revision(name)?.serve()
    }
    const expiry = this.#clock.after(LEASE_MS, expire, { keepAlive: false })
    const lease: Lease = { lender, number, revision: name, replica, expiry, uses: 0, isEnding: false }
    leases.add(lease)
    revision.slots.refit()
    revision.serve()
  }

  /** A request on the replica ended. */
  freed(revision: SharedRevision, replica: ReplicaName): void {
    const leases = this.#leases.get(revision.name)
    if (leases === undefined) return
    for (const lease of leases) {
      if (lease.replica !== replica) continue
      lease.uses += 1
      if (lease.uses >= USES_MAX) lease.isEnding = true
    }
    revision.slots.refit()
    this.#return(revision.name, replica)
  }

  /** Gives back those whose time is over, as far as nothing runs on them. */
  returnEnded(revision: SharedRevision): void {
    const leases = this.#leases.get(revision.name)
    if (leases === undefined) return
    const ending = [...leases].filter(({ isEnding }) => isEnding)
    for (const replica of new Set(ending.map((lease) => lease.replica))) this.#return(revision.name, replica)
  }

  /** Nobody waits here: gives back what is free. */
  returnFree(revision: SharedRevision): void {
    const leases = this.#leases.get(revision.name)
    if (leases === undefined) return
    // First nothing begins on any, then those on which nothing runs go back; the others stay.
    const stay = [...leases].filter(({ isEnding }) => !isEnding)
    for (const lease of stay) lease.isEnding = true
    revision.slots.refit()
    for (const replica of new Set([...leases].map((lease) => lease.replica)))
      this.#return(revision.name, replica)
    for (const lease of stay) lease.isEnding = false
    revision.slots.refit()
  }

  /** The lenders are gone: what was borrowed from them is nobody's, and what runs on it is beyond the share. */
  forget(isGone: (lender: string) => boolean): void {
    for (const [name, leases] of this.#leases) {
      for (const lease of leases) if (isGone(lease.lender)) this.#drop(lease, leases)
      this.#revision(name)?.slots.refit()
    }
  }

  /** A new process goes by the name of this lender, and counts its leases anew. */
  forgetLife(gateway: string): void {
    this.forget((lender) => lender === gateway)
    this.#newest.delete(gateway)
  }

  stop(): void {
    for (const leases of this.#leases.values()) for (const { expiry } of leases) expiry.cancel()
  }

  /** Gives back those that end and nothing runs on. */
  #return(revision: RevisionName, replica: ReplicaName): void {
    const ending = [...(this.#leases.get(revision) ?? [])].filter(
      (lease) => lease.isEnding && lease.replica === replica,
    )
    if (ending.length === 0) return
    for (const lease of ending.slice(0, Math.max(0, this.#freeOn(revision, replica)))) this.#end(lease)
  }

  #end(lease: Lease): void {
    const leases = this.#leases.get(lease.revision)
    if (leases !== undefined) this.#drop(lease, leases)
    this.#giveBack(lease.lender, lease.number, lease.revision)
  }

  #drop(lease: Lease, leases: Set<Lease>): void {
    lease.expiry.cancel()
    leases.delete(lease)
    if (leases.size === 0) this.#leases.delete(lease.revision)
  }

  #count(revision: RevisionName, replica: ReplicaName, withEnding: boolean): number {
    const leases = this.#leases.get(revision)
    if (leases === undefined) return 0
    let count = 0
    for (const lease of leases) if (lease.replica === replica && (withEnding || !lease.isEnding)) count += 1
    return count
  }
}
