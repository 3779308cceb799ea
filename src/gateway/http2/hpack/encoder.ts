import { EncoderTable } from './encoder-table.ts'
import { isChanging, isSecret, ruleOf, staticNameOf } from './indexing.ts'
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES, STATIC_COUNT, STATIC_TABLE } from './static-table.ts'

/** First bytes of the representations, and the largest number that fits into each. Source: RFC 7541, 6. */
const INDEXED = 0x80
const INDEXED_MAX = 0x7f
const WITH_INDEXING = 0x40
const WITH_INDEXING_MAX = 0x3f
const TABLE_SIZE = 0x20
const TABLE_SIZE_MAX = 0x1f
const NEVER_INDEXED = 0x10
const WITHOUT_INDEXING = 0x00
const LITERAL_MAX = 0x0f
const LENGTH_MAX = 0x7f

/**
 * More than the numbers of a literal need: 3 bytes for the index of a name, or 1, and 6 for each length. Two table size
 * updates of 3 bytes each come on top.
 */
const LITERAL_NUMBERS_BYTES = 13
const UPDATES_BYTES = 6

/** An entry that takes more than this part of the table would push out too much that repeats. */
const TABLE_PART = 4

/** Up to this length a string is written faster here than by a call into native code. */
const SHORT_BYTES = 16

/**
 * Writes header blocks of one connection direction. What repeats goes into the table and is written as its index from
 * then on, so there is little left that Huffman's code could shorten, and that is written plain: the code saves a
 * fourth of those bytes and costs both ends more time than they take.
 */
export class HpackEncoder {
  readonly #table = new EncoderTable()
  /** The size of the table from the next block on, and the smallest asked for since the last. */
  #tableBytes = DEFAULT_TABLE_BYTES
  #tableBytesMin = DEFAULT_TABLE_BYTES

  /** The peer's SETTINGS_HEADER_TABLE_SIZE changed. The table takes at most 4096 of them; the next block says so. */
  setTableBytesMax(bytes: number): void {
    this.#tableBytes = Math.min(bytes, DEFAULT_TABLE_BYTES)
    this.#tableBytesMin = Math.min(this.#tableBytesMin, this.#tableBytes)
  }

  /**
   * Appends the block of these fields to `out` from `at`.
   * @param fields name, value, name, value ...: names in lower case, one character per byte.
   * @returns the position behind the block; -1 if `out` might be too small, and then nothing has changed. It is large
   *   enough where it has room for 6 bytes, all strings, and 13 bytes more for each field.
   */
  encode(fields: readonly string[], out: Buffer, at: number): number {
    if (mostBytes(fields) > out.length - at) return -1
    const table = this.#table
    let end = at
    if (this.#tableBytes !== table.bytesMax || this.#tableBytesMin < table.bytesMax) {
      end = this.#updates(out, end)
    }
    for (let nth = 0; nth + 1 < fields.length; nth += 2) {
      const name = fields[nth]!
      const value = fields[nth + 1]!
      const hash = hashOf(name, value)
      const staticIndex = findStatic(name, value, hash)
      if (staticIndex !== 0) {
        out[end] = INDEXED | staticIndex
        end += 1
        continue
      }
      const index = table.find(name, value, hash)
      end =
        index === 0
          ? this.#literal(name, value, hash, out, end)
          : writeNumber(out, end, INDEXED, INDEXED_MAX, STATIC_COUNT + index)
    }
    return end
  }

  #literal(name: string, value: string, hash: number, out: Buffer, at: number): number {
    const table = this.#table
    const rule = ruleOf(name)
    let nameIndex = staticNameOf(rule)
    if (isSecret(rule)) {
      return writeLiteral(out, at, NEVER_INDEXED, LITERAL_MAX, nameIndex, name, value)
    }
    const known = table.findName(name)
    const entryBytes = name.length + value.length + ENTRY_OVERHEAD_BYTES
    let isKept = entryBytes * TABLE_PART <= table.bytesMax
    if (isChanging(rule, value)) {
      // Kept all the same where that spares us its name from then on.
      isKept &&= nameIndex === 0 && known === 0
    } else if (known !== 0) {
      isKept &&= table.isWorthKeeping(known, hash)
    }
    if (nameIndex === 0 && known !== 0) nameIndex = STATIC_COUNT + known
    if (!isKept) return writeLiteral(out, at, WITHOUT_INDEXING, LITERAL_MAX, nameIndex, name, value)
    table.insert(name, value, hash)
    return writeLiteral(out, at, WITH_INDEXING, WITH_INDEXING_MAX, nameIndex, name, value)
  }

  /** The smallest size that the table had to have since the last block, and the one it has now. Source: RFC 7541, 4.2. */
  #updates(out: Buffer, at: number): number {
    const table = this.#table
    let end = at
    for (const bytes of [this.#tableBytesMin, this.#tableBytes]) {
      if (bytes === table.bytesMax) continue
      table.resize(bytes)
      end = writeNumber(out, end, TABLE_SIZE, TABLE_SIZE_MAX, bytes)
    }
    this.#tableBytesMin = this.#tableBytes
    return end
  }
}

/** What the block of these fields takes at most, all as literals. */
function mostBytes(fields: readonly string[]): number {
  let bytes = UPDATES_BYTES + (fields.length >> 1) * LITERAL_NUMBERS_BYTES
  for (let nth = 0; nth < fields.length; nth++) bytes += fields[nth]!.length
  return bytes
}

function writeLiteral(
  out: Buffer,
  at: number,
  first: number,
  firstMax: number,
  nameIndex: number,
  name: string,
  value: string,
): number {
  let end = writeNumber(out, at, first, firstMax, nameIndex)
  if (nameIndex === 0) end = writeString(out, end, name)
  return writeString(out, end, value)
}

/** In the first byte, behind its flags, or 7 bits a byte, the lowest first. Source: RFC 7541, 5.1. */
function writeNumber(out: Buffer, at: number, first: number, firstMax: number, number: number): number {
  if (number < firstMax) {
    out[at] = first | number
    return at + 1
  }
  out[at] = first | firstMax
  let end = at + 1
  let left = number - firstMax
  for (; left >= 0x80; left >>>= 7) {
    out[end] = left | 0x80
    end += 1
  }
  out[end] = left
  return end + 1
}

function writeString(out: Buffer, at: number, text: string): number {
  const { length } = text
  const start = writeNumber(out, at, 0, LENGTH_MAX, length)
  if (length > SHORT_BYTES) {
    out.write(text, start, length, 'latin1')
  } else {
    for (let nth = 0; nth < length; nth++) out[start + nth] = text.charCodeAt(nth)
  }
  return start + length
}

/** A few characters are enough to tell the fields of a head apart, and the rest is compared anyway. */
function hashOf(name: string, value: string): number {
  const nameLength = name.length
  const valueLength = value.length
  let hash = nameLength * 7 + valueLength * 31
  if (nameLength > 0) hash = Math.imul(hash, 33) ^ name.charCodeAt(nameLength - 1)
  if (valueLength > 0) {
    hash = Math.imul(hash, 33) ^ value.charCodeAt(valueLength - 1)
    hash = Math.imul(hash, 33) ^ value.charCodeAt(valueLength >> 1)
  }
  return hash & 0x7fffffff
}

const STATIC_BUCKETS = 256

/** By the last bits of the hash: the first entry, and by entry the one after it. 0 is none. */
const STATIC_HEADS = new Uint8Array(STATIC_BUCKETS)
const STATIC_NEXT = new Uint8Array(STATIC_COUNT + 1)
for (let index = STATIC_COUNT; index > 0; index--) {
  const bucket = hashOf(STATIC_TABLE[index * 2]!, STATIC_TABLE[index * 2 + 1]!) & (STATIC_BUCKETS - 1)
  STATIC_NEXT[index] = STATIC_HEADS[bucket]!
  STATIC_HEADS[bucket] = index
}

function findStatic(name: string, value: string, hash: number): number {
  let index = STATIC_HEADS[hash & (STATIC_BUCKETS - 1)]!
  while (index !== 0 && (STATIC_TABLE[index * 2 + 1] !== value || STATIC_TABLE[index * 2] !== name)) {
    index = STATIC_NEXT[index]!
  }
  return index
}
