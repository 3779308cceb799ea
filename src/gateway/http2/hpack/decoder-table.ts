import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES } from './static-table.ts'

/** Enough for the heads of one kind of call, so that most connections never grow. */
const SLOTS_MIN = 16

const NO_ENTRIES: string[] = []

/**
 * The dynamic table of a decoder: a ring of names and values, made with its first entry. Counted from the newest:
 *
 *     slots   [ a  b  c  d  -  -  -  - ]      capacity 8, head 4 is where the next one goes
 *     index           1 is d ... 4 is a
 */
export class DecoderTable {
  /** Two strings per slot. */
  #entries = NO_ENTRIES
  /** Slots - 1; there are 2 ** n. */
  #mask = -1
  #head = 0
  #count = 0
  #bytes = 0
  #bytesMax = DEFAULT_TABLE_BYTES

  get count(): number {
    return this.#count
  }

  get bytesMax(): number {
    return this.#bytesMax
  }

  /** @param index from 1, the newest, to `count`. */
  name(index: number): string {
    return this.#entries[((this.#head - index) & this.#mask) << 1]!
  }

  /** @param index from 1, the newest, to `count`. */
  value(index: number): string {
    return this.#entries[(((this.#head - index) & this.#mask) << 1) + 1]!
  }

  /** Takes the entry in; older ones make room. One that is larger than the table leaves it empty (RFC 7541, 4.4). */
  insert(name: string, value: string): void {
    const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES
    this.#shrink(this.#bytesMax - bytes)
    if (bytes > this.#bytesMax) return
    if (this.#count > this.#mask) this.#grow()
    const slot = this.#head << 1
    this.#entries[slot] = name
    this.#entries[slot + 1] = value
    this.#head = (this.#head + 1) & this.#mask
    this.#count += 1
    this.#bytes += bytes
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.#shrink(bytesMax)
  }

  /** Drops the oldest until no more than `bytes` are left, and their strings with them. */
  #shrink(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const slot = ((this.#head - this.#count) & this.#mask) << 1
      this.#bytes -= this.#entries[slot]!.length + this.#entries[slot + 1]!.length + ENTRY_OVERHEAD_BYTES
      this.#entries[slot] = ''
      this.#entries[slot + 1] = ''
      this.#count -= 1
    }
  }

  /** Twice the slots, the oldest entry first. An entry has 32 bytes at least, so there are never more than 128 for 4096. */
  #grow(): void {
    const slots = Math.max(SLOTS_MIN, (this.#mask + 1) * 2)
    const grown: string[] = []
    for (let index = this.#count; index > 0; index--) grown.push(this.name(index), this.value(index))
    while (grown.length < slots * 2) grown.push('')
    this.#entries = grown
    this.#head = this.#count
    this.#mask = slots - 1
  }
}
