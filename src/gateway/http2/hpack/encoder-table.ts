import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES } from './static-table.ts'

const SLOTS_MIN = 16

/** Chains of entries whose hash has the same last bits. */
const BUCKETS = 64
const BUCKET_MASK = BUCKETS - 1

/** `#links`: the newest entry of each bucket of pairs, of each bucket of names, then four numbers per slot. */
const NAME_HEADS = BUCKETS
const SLOTS_AT = BUCKETS * 2
const SLOT_LINKS = 4
const OLDER_PAIR = 0
const OLDER_NAME = 1
/** USED, or the hash of the value that was last asked for under this entry's name, and missed. */
const MISSED = 2

const USED = -1

/** Shortly before numbers wrap, so that they do so on every busy connection and not once in a year. */
const FIRST_NUMBER = 0x7fff_ff00

const NO_ENTRIES: string[] = []
const NO_LINKS = new Int32Array(0)

/**
 * The dynamic table of an encoder: a ring of names and values, with chains to find a pair, or a name, with one or two
 * comparisons. It is made with its first entry.
 *
 * Entries are numbered as they come, and number n is in slot n mod slots. Chains hold numbers and lead from newer to
 * older, so a number that has left the table ends its chain and nothing has to be unlinked. Numbers wrap at 32 bits:
 * they are compared by their distance from the oldest.
 */
export class EncoderTable {
  #entries = NO_ENTRIES
  #links = NO_LINKS
  #mask = -1
  #oldest = FIRST_NUMBER
  #count = 0
  #bytes = 0
  #bytesMax = DEFAULT_TABLE_BYTES

  get bytesMax(): number {
    return this.#bytesMax
  }

  /**
   * The index of the pair, 1 for the newest entry; 0 if it is not there. Remembers that the entry was of use.
   * @param hash of the pair, 31 bits.
   */
  find(name: string, value: string, hash: number): number {
    if (this.#count === 0) return 0
    const links = this.#links
    const entries = this.#entries
    let number = links[hash & BUCKET_MASK]!
    while (this.#has(number)) {
      const slot = number & this.#mask
      const link = SLOTS_AT + slot * SLOT_LINKS
      if (entries[slot * 2 + 1] === value && entries[slot * 2] === name) {
        links[link + MISSED] = USED
        return this.#indexOf(number)
      }
      number = links[link + OLDER_PAIR]!
    }
    return 0
  }

  /** The index of the newest entry of this name; 0 if there is none. */
  findName(name: string): number {
    if (this.#count === 0) return 0
    let number = this.#links[NAME_HEADS + bucketOf(name)]!
    while (this.#has(number)) {
      const slot = number & this.#mask
      if (this.#entries[slot * 2] === name) return this.#indexOf(number)
      number = this.#links[SLOTS_AT + slot * SLOT_LINKS + OLDER_NAME]!
    }
    return 0
  }

  /**
   * Whether a value that was not found should go in, though its name is there: where the name's newest value was of use,
   * or where this one comes for the second time in a row. So values that repeat are kept, few or many, and those that
   * are different each time take one entry and no more.
   * @param index of the newest entry of the name.
   * @param hash of the pair that was not found.
   */
  isWorthKeeping(index: number, hash: number): boolean {
    const number = (this.#oldest + this.#count - index) | 0
    const at = SLOTS_AT + (number & this.#mask) * SLOT_LINKS + MISSED
    const missed = this.#links[at]!
    this.#links[at] = hash
    return missed === USED || missed === hash
  }

  /** Takes in an entry, which is no larger than the table; older ones make room. */
  insert(name: string, value: string, hash: number): void {
    const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES
    this.#shrink(this.#bytesMax - bytes)
    if (this.#count > this.#mask) this.#grow()
    const number = (this.#oldest + this.#count) | 0
    const slot = number & this.#mask
    this.#entries[slot * 2] = name
    this.#entries[slot * 2 + 1] = value
    const links = this.#links
    const link = SLOTS_AT + slot * SLOT_LINKS
    const pairHead = hash & BUCKET_MASK
    const nameHead = NAME_HEADS + bucketOf(name)
    links[link + OLDER_PAIR] = links[pairHead]!
    links[link + OLDER_NAME] = links[nameHead]!
    links[link + MISSED] = hash
    links[pairHead] = number
    links[nameHead] = number
    this.#count += 1
    this.#bytes += bytes
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.#shrink(bytesMax)
  }

  #has(number: number): boolean {
    return (number - this.#oldest) >>> 0 < this.#count
  }

  #indexOf(number: number): number {
    return (this.#oldest + this.#count - number) | 0
  }

  #shrink(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const at = (this.#oldest & this.#mask) * 2
      this.#bytes -= this.#entries[at]!.length + this.#entries[at + 1]!.length + ENTRY_OVERHEAD_BYTES
      this.#entries[at] = ''
      this.#entries[at + 1] = ''
      this.#oldest = (this.#oldest + 1) | 0
      this.#count -= 1
    }
  }

  /** Twice the slots. Only places change: numbers stay, and so do the chains. 4096 bytes hold 128 entries at most. */
  #grow(): void {
    const slots = Math.max(SLOTS_MIN, (this.#mask + 1) * 2)
    const entries = Array.from({ length: slots * 2 }, () => '')
    const links = new Int32Array(SLOTS_AT + slots * SLOT_LINKS)
    links.set(this.#links.subarray(0, SLOTS_AT))
    for (let nth = 0; nth < this.#count; nth++) {
      const from = (this.#oldest + nth) & this.#mask
      const to = (this.#oldest + nth) & (slots - 1)
      entries[to * 2] = this.#entries[from * 2]!
      entries[to * 2 + 1] = this.#entries[from * 2 + 1]!
      const link = SLOTS_AT + from * SLOT_LINKS
      links.set(this.#links.subarray(link, link + SLOT_LINKS), SLOTS_AT + to * SLOT_LINKS)
    }
    this.#entries = entries
    this.#links = links
    this.#mask = slots - 1
  }
}

function bucketOf(name: string): number {
  const { length } = name
  if (length === 0) return 0
  return (length * 5 + name.charCodeAt(length - 1) + (name.charCodeAt(length >> 1) << 1)) & BUCKET_MASK
}
