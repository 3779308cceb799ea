import type { Clock, Timer } from '../src/core/clock.ts'
import type { ReplicaName } from '../src/core/names.ts'
import { sameMembers, shareOf, sortedMembers } from './shares.ts'

/** Those that did not answer are asked again after this long. */
const ASK_AGAIN_MS = 250
/** Those above their share are asked how they stand now after 0.25, 0.5, 1, 2, 4, 5, 5 s: what they run may run for hours. */
const ROUND_AGAIN_MAX_MS = 5_000

/** How much a gateway runs or lent beyond its share, by replica. */
export type Over = readonly (readonly [ReplicaName, number])[]

/** Times of a division; see `Division`. */
export interface DivisionDelays {
  /** After a member went, how long its slots rest before others take them. */
  readonly growDelayMs: number
  /** Members that say nothing for this long are taken to have the same list; Infinity = they are waited for. */
  readonly settleMs: number
}

/** What members run on a replica beyond their shares. */
interface Debt {
  count: number
  /** What this gateway had before the list came into force: it shrank for others, and need not once more. */
  readonly had: number
}

interface Round {
  readonly number: number
  readonly sinceMs: number
  readonly missing: Set<string>
  /** What the others said of lives. */
  readonly lives: Map<string, number>
}

/**
 * Which part of each hard limit is this gateway's, while gateways come and go and hear of it at different times.
 *
 * A share shrinks in the turn in which the list of members changes: until the new list is in force, the smaller of both
 * shares counts. It grows, and the new list is in force, when every other member has said that it divides among the same
 * members, and what it still runs beyond its share, which is left to it until it ends:
 *
 *     a, b divide 2 slots           a, b, c divide 3 slots of another limit ...
 *     c comes: c has none           a sees c: takes the smaller share at once
 *     c asks a, b: "a, b, c?"       b sees c: likewise; both answer "yes, and I run 1 beyond mine"
 *     c takes its share less 1      asks again, until they run nothing beyond theirs
 *
 * So shares never add up to more than the limit, however late a list comes and however long a request runs, as long as a
 * member that the list no longer has is really gone. Only where members say nothing for `settleMs` (the bus is down) does
 * a gateway go by the list alone; then what they still run beyond their share comes on top.
 */
export class Division {
  readonly #me: string
  readonly #clock: Clock
  readonly #delays: DivisionDelays
  readonly #limitOf: (replica: ReplicaName) => number
  readonly #ask: (member: string, round: number, members: readonly string[]) => void
  readonly #livesOf: (members: readonly string[]) => number
  readonly #onChange: () => void
  readonly #onGone: (members: readonly string[]) => void
  /** The lists of which one or the other may be in force elsewhere, newest last; undefined = this gateway knows none yet. */
  #lists: (readonly string[] | undefined)[] = [undefined]
  /** What members run beyond their shares, as they said last. */
  readonly #over = new Map<string, Over>()
  #debts: ReadonlyMap<ReplicaName, Debt> = new Map()
  #mayGrowAtMs = 0
  #rounds = 0
  #roundAgainMs = ASK_AGAIN_MS
  #round: Round | undefined
  #timer: Timer | undefined

  constructor(options: {
    readonly name: string
    readonly clock: Clock
    readonly delays: DivisionDelays
    /** The hard limit of a replica; 0 where it is not known. */
    readonly limitOf: (replica: ReplicaName) => number
    /** Asks a member whether it divides among these. */
    readonly ask: (member: string, round: number, members: readonly string[]) => void
    /** Stands for the lives of these members, as this gateway knows them. */
    readonly livesOf: (members: readonly string[]) => number
    /** Allowances changed. */
    readonly onChange: () => void
    /** All but these members have been gone for long enough. */
    readonly onGone: (members: readonly string[]) => void
  }) {
    this.#me = options.name
    this.#clock = options.clock
    this.#delays = options.delays
    this.#limitOf = options.limitOf
    this.#ask = options.ask
    this.#livesOf = options.livesOf
    this.#onChange = options.onChange
    this.#onGone = options.onGone
  }

  /** The newest list, sorted. */
  get members(): readonly string[] {
    return this.#lists.at(-1) ?? []
  }

  isMember(gateway: string): boolean {
    return this.members.includes(gateway)
  }

  /** Whether others take part. */
  get isDivided(): boolean {
    return this.#lists.length > 1 || this.members.length > 1 || this.#lists[0] === undefined
  }

  /** As the newest list has it, in force or not. */
  shareOf(limit: number, replica: ReplicaName): number {
    return shareOf(limit, replica, this.#me, this.members)
  }

  /** The slots that this gateway may use or lend now. */
  allowanceOf(limit: number, replica: ReplicaName): number {
    const debt = this.#debts.get(replica)
    let least = limit
    for (const [at, list] of this.#lists.entries()) {
      let share = list === undefined ? 0 : shareOf(limit, replica, this.#me, list)
      if (at === 0 && debt !== undefined) share = Math.max(debt.had, share - debt.count)
      least = Math.min(least, share)
    }
    return least
  }

  /** All living gateways, in any order; one that is about to end lives until it is gone. */
  update(members: Iterable<string>): void {
    const list = sortedMembers(members)
    const newest = this.#lists.at(-1)
    if (newest !== undefined && sameMembers(newest, list)) return
    if (newest?.some((member) => !list.includes(member)) === true)
      this.#mayGrowAtMs = this.#clock.now() + this.#delays.growDelayMs
    // A list that was there before is no tighter bound the second time.
    this.#lists = [...this.#lists.filter((other) => other === undefined || !sameMembers(other, list)), list]
    this.#roundAgainMs = ASK_AGAIN_MS
    this.#onChange()
    this.#begin()
  }

  /** Whether another's list is the same. */
  agrees(members: readonly string[]): boolean {
    const newest = this.#lists.at(-1)
    return newest !== undefined && sameMembers(newest, members)
  }

  /** A member divides among the same members as this gateway did when it began that round. */
  answered(member: string, answer: { round: number; over: Over; lives: number }): void {
    const round = this.#round
    if (round?.number !== answer.round || !round.missing.delete(member)) return
    this.#over.set(member, answer.over)
    round.lives.set(member, answer.lives)
    if (round.missing.size > 0) return
    // Where one began anew, others may still use what its process before had lent: they have to say so first.
    const lives = this.#livesOf(this.members)
    for (const [other, seen] of round.lives) if (seen !== lives) round.missing.add(other)
    if (round.missing.size === 0) this.#end()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#round = undefined
  }

  #begin(): void {
    this.#timer?.cancel()
    this.#round = undefined
    const nowMs = this.#clock.now()
    if (nowMs < this.#mayGrowAtMs) {
      this.#after(this.#mayGrowAtMs - nowMs, () => this.#begin())
      return
    }
    const { members } = this
    this.#onGone(members)
    for (const member of this.#over.keys()) if (!members.includes(member)) this.#over.delete(member)
    // One that is not in the list has nothing to take.
    if (members.length > 0 && !this.isMember(this.#me)) return
    const missing = new Set(members.filter((member) => member !== this.#me))
    this.#round = { number: ++this.#rounds, sinceMs: nowMs, missing, lives: new Map() }
    if (missing.size === 0) this.#end()
    else this.#askMissing(this.#round)
  }

  #askMissing(round: Round): void {
    const silentMs = this.#clock.now() - round.sinceMs
    if (silentMs >= this.#delays.settleMs) {
      this.#end()
      return
    }
    for (const member of round.missing) this.#ask(member, round.number, this.members)
    const delayMs = Math.min(ASK_AGAIN_MS, this.#delays.settleMs - silentMs)
    this.#after(delayMs, () => this.#askMissing(round))
  }

  #end(): void {
    const silent = this.#round?.missing.size ?? 0
    this.#timer?.cancel()
    this.#round = undefined
    const debts = new Map<ReplicaName, Debt>()
    for (const [replica, count] of [...this.#over.values()].flat()) {
      const debt = debts.get(replica)
      if (debt === undefined)
        debts.set(replica, { count, had: this.allowanceOf(this.#limitOf(replica), replica) })
      else debt.count += count
    }
    this.#debts = debts
    this.#lists = [this.#lists.at(-1)]
    // What they said may be over by now; and what the silent ones run is not known yet.
    if (debts.size > 0 || silent > 0) {
      this.#after(this.#roundAgainMs, () => this.#begin())
      this.#roundAgainMs = Math.min(ROUND_AGAIN_MAX_MS, 2 * this.#roundAgainMs)
    }
    this.#onChange()
  }

  #after(delayMs: number, fire: () => void): void {
    this.#timer = this.#clock.after(delayMs, fire, { keepAlive: false })
  }
}
