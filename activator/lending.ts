import type { Clock } from '../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { SlotMessage } from '../src/core/report.ts'
import { Borrowed } from './borrowed.ts'
import type { Division, Over } from './division.ts'
import { Lent } from './lent.ts'
import type { SharedRevision, SlotLender } from './shared-revision.ts'
import { shareOf } from './shares.ts'
import { Wishes } from './wishes.ts'

/** What lending says; who says it is added by whoever sends it. */
export type LendingMessage = Extract<SlotMessage, { kind: 'borrow' | 'lend' | 'give-back' }>
export type LendingWords =
  | Omit<Extract<SlotMessage, { kind: 'borrow' }>, 'from' | 'life'>
  | Omit<Extract<SlotMessage, { kind: 'lend' }>, 'from' | 'life' | 'toLife'>
  | Omit<Extract<SlotMessage, { kind: 'give-back' }>, 'from' | 'life' | 'toLife'>

/**
 * Slots go to where requests wait. One whose requests find no slot tells owners how long they have waited; an owner lends
 * a slot as soon as it has one free and nobody of its own came earlier:
 *
 *     borrower                                    owner
 *       waits ---- borrow (wanted, waited) ------->  remembers it until a slot is free
 *       room + 1 <----------- lend (lease) --------  room - 1
 *       16 requests, 1 s, or nobody waits
 *       room - 1 ------- give-back (lease) ------->  room + 1
 *
 * A slot is in one hand at any time: the lender's from the message `give-back` on, before it the borrower's or nobody's.
 * So a message that is lost costs a slot for a while, and never makes one; the lender says a lease again until it hears of
 * its end.
 */
export class Lending implements SlotLender {
  readonly #division: Pick<Division, 'members' | 'isMember' | 'isDivided' | 'shareOf' | 'allowanceOf'>
  readonly #me: string
  readonly #revision: (name: RevisionName) => SharedRevision | undefined
  readonly #lent: Lent
  readonly #borrowed: Borrowed
  readonly #wishes: Wishes

  constructor(options: {
    readonly name: string
    readonly clock: Clock
    readonly division: Pick<Division, 'members' | 'isMember' | 'isDivided' | 'shareOf' | 'allowanceOf'>
    readonly revision: (name: RevisionName) => SharedRevision | undefined
    readonly tell: (to: string, words: LendingWords) => void
  }) {
    const { clock, revision, tell } = options
    this.#me = options.name
    this.#division = options.division
    this.#revision = revision
    this.#lent = new Lent({
      clock,
      say: (to, lease, what) =>
        tell(to, { kind: 'lend', lease, revision: what.revision, replica: what.replica }),
      // What is borrowed goes back to its owner, and is not lent on.
      mayLend: ({ name }, replica) => this.#borrowed.on(name, replica) === 0,
    })
    this.#wishes = new Wishes({
      clock,
      say: (to, name, about) => tell(to, { kind: 'borrow', revision: name, ...about }),
      ownersOf: (of) => this.#ownersOf(of),
      revision,
    })
    this.#borrowed = new Borrowed({
      clock,
      giveBack: (lender, lease, name) => {
        tell(lender, { kind: 'give-back', lease })
        this.#wishes.again(lender, name)
      },
      freeOn: (name, replica) => this.#freeOn(name, replica),
      revision,
    })
  }

  roomOn(revision: RevisionName, limit: number, replica: ReplicaName): number {
    return this.#ownOn(limit, replica) + this.#borrowed.usableOn(revision, replica)
  }

  freed(revision: SharedRevision, replica: ReplicaName): void {
    this.#borrowed.freed(revision, replica)
  }

  offer(revision: SharedRevision): void {
    this.#borrowed.returnEnded(revision)
    this.#lent.offer(revision)
  }

  served(revision: SharedRevision): void {
    if (revision.waiting === 0) {
      this.#wishes.end(revision.name)
      this.#borrowed.returnFree(revision)
    } else if (revision.slots.isWarm && isHard(revision) && this.#division.isDivided)
      this.#wishes.wait(revision)
  }

  hear(message: LendingMessage): void {
    const { from } = message
    switch (message.kind) {
      case 'borrow': {
        // One that is not in the list yet asks again.
        if (!this.#division.isMember(from)) return
        this.#lent.wish(from, message.revision, message)
        const revision = this.#revision(message.revision)
        if (revision !== undefined) this.#lent.offer(revision)
        break
      }
      case 'lend':
        if (this.#division.isMember(from)) this.#borrowed.take(from, message.lease, message)
        break
      case 'give-back': {
        const back = this.#lent.takeBack(from, message.lease)
        const revision = back === undefined ? undefined : this.#revision(back.revision)
        revision?.slots.refit()
        revision?.serve()
        break
      }
    }
  }

  /** What runs here or is lent beyond the shares. */
  *over(revisions: Iterable<SharedRevision>): Iterable<Over[number]> {
    const limits = new Map<ReplicaName, readonly [limit: number, inFlight: number]>()
    for (const [replica, limit] of this.#lent.replicas()) limits.set(replica, [limit, 0])
    for (const revision of revisions) {
      if (!isHard(revision)) continue
      for (const replica of revision.slots.busy) {
        // What is borrowed is in the share of its lender, used or not.
        const own = revision.slots.inFlightOn(replica) - this.#borrowed.on(revision.name, replica)
        limits.set(replica, [revision.slots.containerConcurrency, Math.max(0, own)])
      }
    }
    for (const [replica, [limit, own]] of limits) {
      const over = own + this.#lent.on(replica) - this.#division.shareOf(limit, replica)
      if (over > 0) yield [replica, over]
    }
  }

  /** The lenders are gone. */
  forgetLenders(isGone: (gateway: string) => boolean): void {
    this.#borrowed.forget(isGone)
  }

  /** The borrowers are gone, and have been for long enough. */
  forgetBorrowers(isGone: (gateway: string) => boolean): void {
    this.#lent.reclaim(isGone)
  }

  /** A new process goes by this name: the one before it is gone, with all that it lent and borrowed. */
  forgetLife(gateway: string): void {
    this.#borrowed.forgetLife(gateway)
    this.#lent.reclaim((borrower) => borrower === gateway)
  }

  stop(): void {
    this.#lent.stop()
    this.#borrowed.stop()
    this.#wishes.stop()
  }

  #freeOn(name: RevisionName, replica: ReplicaName): number {
    const revision = this.#revision(name)
    const held = this.#borrowed.on(name, replica)
    // Of a revision that is gone nothing runs any more.
    if (revision === undefined) return held
    const { containerConcurrency } = revision.slots
    return this.#ownOn(containerConcurrency, replica) + held - revision.slots.inFlightOn(replica)
  }

  /** Slots of its own that are not lent. More may be lent than there are by now: that takes nothing from borrowed ones. */
  #ownOn(limit: number, replica: ReplicaName): number {
    return Math.max(0, this.#division.allowanceOf(limit, replica) - this.#lent.on(replica))
  }

  /** Those who have a slot of one of the replicas. */
  #ownersOf(revision: SharedRevision): readonly string[] {
    const { members } = this.#division
    const { containerConcurrency, replicas } = revision.slots
    const named = [...replicas]
    return members.filter(
      (member) =>
        member !== this.#me &&
        named.some((replica) => shareOf(containerConcurrency, replica, member, members) > 0),
    )
  }
}

function isHard({ slots }: SharedRevision): boolean {
  return slots.containerConcurrency > 0
}
