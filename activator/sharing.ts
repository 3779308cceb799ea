import type { Clock } from '../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import type { SlotMessage } from '../src/core/report.ts'
import { Division, type DivisionDelays } from './division.ts'
import { Lending, type LendingWords } from './lending.ts'
import type { SharedRevision, SlotLender } from './shared-revision.ts'
import { stableHash } from './shares.ts'

/** How the slots of replicas with a hard limit are divided among gateways. */
export interface SharingOptions extends Partial<DivisionDelays> {
  /** To the gateway of that name; may be lost. Default: gateways cannot hear each other, and go by their lists alone. */
  readonly tell?: ((gateway: string, message: SlotMessage) => void) | undefined
  /** Grows with each process that goes by this gateway's name. Default: when this was made, epoch ms. */
  readonly life?: number
}

/** The slots of this gateway. */
export interface SlotsHere {
  revision(name: RevisionName): SharedRevision | undefined
  revisions(): Iterable<SharedRevision>
  /** The revision that a replica belongs to. */
  holding(replica: ReplicaName): SharedRevision | undefined
}

const GROW_DELAY_MS = 1_000
const SETTLE_MS = 2_000

type Words =
  | LendingWords
  | Omit<Extract<SlotMessage, { kind: 'divide' }>, 'from' | 'life'>
  | Omit<Extract<SlotMessage, { kind: 'divided' }>, 'from' | 'life' | 'toLife'>

/** This gateway among the others: whose slots are whose, and what is lent. */
export class Sharing {
  readonly #name: string
  readonly #life: number
  readonly #tell: NonNullable<SharingOptions['tell']>
  readonly #here: SlotsHere
  readonly #division: Division
  readonly #lending: Lending
  /** The lives of other gateways that were heard last. */
  readonly #lives = new Map<string, number>()

  constructor(
    options: SharingOptions & { readonly name: string; readonly clock: Clock; readonly slots: SlotsHere },
  ) {
    const { name, clock, slots } = options
    this.#name = name
    this.#life = options.life ?? Math.floor(clock.now())
    this.#tell = options.tell ?? ((): void => {})
    this.#here = slots
    this.#division = new Division({
      name,
      clock,
      delays: {
        growDelayMs: options.growDelayMs ?? GROW_DELAY_MS,
        settleMs: options.settleMs ?? SETTLE_MS,
      },
      limitOf: (replica) => slots.holding(replica)?.slots.containerConcurrency ?? 0,
      ask: (member, round, members) => this.#say(member, { kind: 'divide', round, members }),
      livesOf: (members) => this.#livesOf(members),
      onChange: () => this.#refit(),
      onGone: (members) => this.#lending.forgetBorrowers((gateway) => !members.includes(gateway)),
    })
    this.#lending = new Lending({
      name,
      clock,
      division: this.#division,
      revision: (revision) => slots.revision(revision),
      tell: (gateway, words) => this.#say(gateway, words),
    })
  }

  get lender(): SlotLender {
    return this.#lending
  }

  /** All living gateways; one that ends lives until it is gone. */
  update(members: Iterable<string>): void {
    const living = new Set(members)
    this.#lending.forgetLenders((gateway) => !living.has(gateway))
    this.#division.update(living)
  }

  hear(message: SlotMessage): void {
    const { from, life } = message
    const known = this.#lives.get(from) ?? 0
    // What one said that is gone, or what was meant for one that was here before.
    if (life < known || from === this.#name) return
    if ('toLife' in message && message.toLife !== this.#life) return
    if (life > known) {
      this.#lives.set(from, life)
      if (known > 0) {
        this.#lending.forgetLife(from)
        this.#refit()
      }
    }
    switch (message.kind) {
      case 'divide':
        if (!this.#division.agrees(message.members)) return
        this.#say(from, {
          kind: 'divided',
          round: message.round,
          over: [...this.#lending.over(this.#here.revisions())],
          lives: this.#livesOf(message.members),
        })
        break
      case 'divided':
        this.#division.answered(from, message)
        break
      default:
        this.#lending.hear(message)
    }
  }

  /** What holds now is taken over by every revision. */
  refresh(): void {
    this.#refit()
  }

  stop(): void {
    this.#division.stop()
    this.#lending.stop()
  }

  #livesOf(members: readonly string[]): number {
    const lives = members.map((member) =>
      member === this.#name ? this.#life : (this.#lives.get(member) ?? 0),
    )
    return stableHash(lives.join())
  }

  #refit(): void {
    for (const revision of this.#here.revisions()) {
      if (revision.slots.containerConcurrency === 0) continue
      revision.slots.refit()
      revision.serve()
    }
  }

  #say(gateway: string, words: Words): void {
    const who = { from: this.#name, life: this.#life }
    if (words.kind === 'divide' || words.kind === 'borrow') {
      this.#tell(gateway, { ...who, ...words })
      return
    }
    // Whoever is answered was heard.
    const toLife = this.#lives.get(gateway)
    if (toLife !== undefined) this.#tell(gateway, { ...who, ...words, toLife })
  }
}
