import { DecoderTable } from './decoder-table.ts'
import { HpackError } from './hpack-error.ts'
import { huffmanDecode } from './huffman.ts'
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES, STATIC_COUNT, STATIC_TABLE } from './static-table.ts'

/** First bytes of the representations, and the largest number that fits into each. Source: RFC 7541, 6. */
const INDEXED = 0x80
const INDEXED_MAX = 0x7f
const WITH_INDEXING = 0x40
const WITH_INDEXING_MAX = 0x3f
const TABLE_SIZE = 0x20
const TABLE_SIZE_MAX = 0x1f
const LITERAL_MAX = 0x0f
const HUFFMAN = 0x80
const LENGTH_MAX = 0x7f

/** Where Huffman strings are decoded to; nothing in it outlives a call. Longer ones get room of their own. */
const SCRATCH = Buffer.allocUnsafeSlow(16 * 1024)

/** Up to this length a string is made faster here than by a call into native code, and is one piece in V8. */
const SHORT_BYTES = 12

/** Reads header blocks of one connection direction. */
export class HpackDecoder {
  readonly #table = new DecoderTable()
  readonly #tableBytesMax: number
  /** Until the peer knows ours, it may use what every connection starts with. */
  #limit: number
  #isUpdateDue = false
  /** Where the number or string that was read last ends. */
  #at = 0

  /** @param tableBytesMax SETTINGS_HEADER_TABLE_SIZE that we announced. */
  constructor(tableBytesMax: number) {
    this.#tableBytesMax = tableBytesMax
    this.#limit = Math.max(tableBytesMax, DEFAULT_TABLE_BYTES)
  }

  /** The peer has acknowledged our SETTINGS. Matters where they announced less than 4096: the next block has to say so. */
  acknowledged(): void {
    this.#limit = this.#tableBytesMax
    this.#isUpdateDue = this.#table.bytesMax > this.#limit
  }

  /**
   * Decodes a whole block (HEADERS and CONTINUATION joined) in `bytes[start, end)`: appends name, value, name, value ...
   * to `fields`, strings of one character per byte. Goes on past `listBytesMax`, since the table has to stay in step,
   * but appends nothing more from the first field on that does not fit.
   * @returns the size of the list in bytes, 32 for each field besides its name and value. Source: RFC 9113, 10.5.1.
   * @throws HpackError for a block that is malformed; the decoder is of no use after that.
   */
  decode(bytes: Buffer, start: number, end: number, fields: string[], listBytesMax: number): number {
    const table = this.#table
    let at = this.#updates(bytes, start, end)
    let listBytes = 0
    while (at < end) {
      const first = bytes[at]!
      at += 1
      let name: string
      let value: string
      if (first >= INDEXED) {
        let index = first & INDEXED_MAX
        if (index === INDEXED_MAX) {
          index = this.#longNumber(bytes, at, end, INDEXED_MAX)
          at = this.#at
        }
        if (index <= STATIC_COUNT) {
          if (index === 0) throw new HpackError('index 0 names no field')
          name = STATIC_TABLE[index << 1]!
          value = STATIC_TABLE[(index << 1) + 1]!
        } else {
          index -= STATIC_COUNT
          if (index > table.count) throw beyondTable(index, table.count)
          name = table.name(index)
          value = table.value(index)
        }
      } else {
        const isIndexing = first >= WITH_INDEXING
        if (!isIndexing && first >= TABLE_SIZE) {
          throw new HpackError('a table size update stands behind a field')
        }
        const numberMax = isIndexing ? WITH_INDEXING_MAX : LITERAL_MAX
        let index = first & numberMax
        if (index === numberMax) {
          index = this.#longNumber(bytes, at, end, numberMax)
          at = this.#at
        }
        if (index === 0) {
          name = this.#string(bytes, at, end)
          at = this.#at
        } else if (index <= STATIC_COUNT) {
          name = STATIC_TABLE[index << 1]!
        } else {
          index -= STATIC_COUNT
          if (index > table.count) throw beyondTable(index, table.count)
          name = table.name(index)
        }
        value = this.#string(bytes, at, end)
        at = this.#at
        if (isIndexing) table.insert(name, value)
      }
      listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES
      if (listBytes <= listBytesMax) fields.push(name, value)
    }
    return listBytes
  }

  /** Table size updates: before all fields, and not more than the smallest and the last size (RFC 7541, 4.2). */
  #updates(bytes: Buffer, start: number, end: number): number {
    let at = start
    for (let updates = 0; at < end; updates++) {
      const first = bytes[at]!
      if (first >= WITH_INDEXING || first < TABLE_SIZE) break
      if (updates === 2) throw new HpackError('a block has more than two table size updates')
      let size = first & TABLE_SIZE_MAX
      at += 1
      if (size === TABLE_SIZE_MAX) {
        size = this.#longNumber(bytes, at, end, TABLE_SIZE_MAX)
        at = this.#at
      }
      if (size > this.#limit) throw new HpackError(`a table size of ${size} bytes, ${this.#limit} at most`)
      this.#table.resize(size)
      this.#isUpdateDue = false
    }
    if (this.#isUpdateDue) {
      throw new HpackError(
        `the table has to become smaller, ${this.#limit} bytes at most, and no update says so`,
      )
    }
    return at
  }

  /**
   * A number that does not fit into its first byte: 7 bits a byte, the lowest first, in 5 more bytes at most. That is
   * more than any length or index that can be right, so that what is larger is refused by its bound.
   */
  #longNumber(bytes: Buffer, start: number, end: number, firstMax: number): number {
    let number = firstMax
    let at = start
    for (let shift = 0; shift <= 28; shift += 7) {
      if (at >= end) throw new HpackError('the block ends within a number')
      const byte = bytes[at]!
      at += 1
      // By multiplication: 35 bits are more than the operators on bits take.
      number += (byte & 0x7f) * (1 << shift)
      if (byte < 0x80) {
        this.#at = at
        return number
      }
    }
    throw new HpackError('a number has more than 6 bytes')
  }

  #string(bytes: Buffer, start: number, end: number): string {
    if (start >= end) throw new HpackError('the block ends where a string is due')
    const first = bytes[start]!
    let length = first & LENGTH_MAX
    let at = start + 1
    if (length === LENGTH_MAX) {
      length = this.#longNumber(bytes, at, end, LENGTH_MAX)
      at = this.#at
    }
    if (length > end - at) {
      throw new HpackError(`a string of ${length} bytes where the block has ${end - at} left`)
    }
    this.#at = at + length
    if (first < HUFFMAN) return text(bytes, at, at + length)
    const out = length * 2 <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(length * 2)
    return text(out, 0, huffmanDecode(bytes, at, at + length, out))
  }
}

function beyondTable(index: number, count: number): HpackError {
  return new HpackError(`index ${index + STATIC_COUNT}, the last is ${count + STATIC_COUNT}`)
}

/** One character per byte. */
function text(bytes: Buffer, start: number, end: number): string {
  if (end - start > SHORT_BYTES) return bytes.toString('latin1', start, end)
  const code = String.fromCharCode
  let all = ''
  let at = start
  for (; at + 4 <= end; at += 4) {
    all += code(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
  }
  for (; at < end; at++) all += code(bytes[at]!)
  return all
}
