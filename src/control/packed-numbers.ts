/**
 * Numbers as bytes, small ones in few of them. Each begins with two bits that say what follows:
 *
 *     00   a whole number           5 bits, then 7 with each further byte
 *     01   millionths               the same: what is rounded to them comes back exactly
 *     10   anything else            a double, in the 8 bytes behind
 *
 * A sign is the lowest bit of the number.
 */

const WHOLE = 0
const MILLIONTHS = 1
const DOUBLE = 2
/** The longest: 5 bits and 7 times 7 hold 2^53 with its sign. */
const LONGEST = 9
/** So that it still fits with its sign. */
const WHOLE_MAX = 2 ** 51

export class NumberWriter {
  #bytes = new Uint8Array(64)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** As long as nothing more is written. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Gives back the room for more. */
  trim(): void {
    this.#bytes = this.#bytes.slice(0, this.#length)
  }

  write(value: number): void {
    this.#makeRoom()
    if (isCompact(value)) {
      this.#compact(WHOLE, value)
      return
    }
    const millionths = Math.round(value * 1e6)
    if (isCompact(millionths) && millionths / 1e6 === value) {
      this.#compact(MILLIONTHS, millionths)
      return
    }
    this.#bytes[this.#length] = DOUBLE
    new DataView(this.#bytes.buffer).setFloat64(this.#length + 1, value)
    this.#length += 9
  }

  #compact(tag: number, value: number): void {
    // Arithmetic and no bit operations, which would cut it to 32 bits.
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    let byte = tag + 4 * (rest % 32)
    rest = Math.floor(rest / 32)
    while (rest > 0) {
      this.#bytes[this.#length++] = byte + 128
      byte = rest % 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = byte
  }

  #makeRoom(): void {
    if (this.#length + LONGEST <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(64, 2 * this.#bytes.length))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** Minus zero is no whole number here: it comes back as it was. */
function isCompact(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX && !Object.is(value, -0)
}

export class NumberReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(): number {
    const first = this.#bytes[this.#at++] ?? 0
    const tag = first % 4
    if (tag === DOUBLE) {
      const { buffer, byteOffset } = this.#bytes
      const value = new DataView(buffer).getFloat64(byteOffset + this.#at)
      this.#at += 8
      return value
    }
    let rest = Math.floor((first % 128) / 4)
    let byte = first
    for (let scale = 32; byte >= 128; scale *= 128) {
      byte = this.#bytes[this.#at++] ?? 0
      rest += (byte % 128) * scale
    }
    const value = rest % 2 === 1 ? -(rest + 1) / 2 : rest / 2
    return tag === MILLIONTHS ? value / 1e6 : value
  }
}
