import { HUFFMAN_BITS, huffmanCodes } from './huffman-code.ts'
import { STATIC_TABLE } from './static-table.ts'

const CODES = huffmanCodes()

/** The code of `bytes`, written bit by bit from its table. */
export function huffman(bytes: Buffer, padding = '1111111'): Buffer {
  let bits = ''
  for (const byte of bytes) bits += CODES[byte]!.toString(2).padStart(HUFFMAN_BITS[byte]!, '0')
  return ofBits(bits + padding.slice(0, (8 - (bits.length % 8)) % 8))
}

export function ofBits(bits: string): Buffer {
  return Buffer.from(bits.match(/.{8}/g)?.map((eight) => Number.parseInt(eight, 2)) ?? [])
}

/** A number as RFC 7541, 5.1 writes it, with `spare` bytes more than it needs. */
export function number(first: number, prefixBits: number, value: number, spare = 0): Buffer {
  const max = 2 ** prefixBits - 1
  if (value < max) return Buffer.of(first | value)
  const bytes = [first | max]
  let left = value - max
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80)
    left = Math.floor(left / 0x80)
  }
  bytes.push(left)
  for (let more = 0; more < spare; more++) {
    bytes[bytes.length - 1]! |= 0x80
    bytes.push(0)
  }
  return Buffer.from(bytes)
}

export function string(text: string, isHuffman = false): Buffer {
  const plain = Buffer.from(text, 'latin1')
  const bytes = isHuffman ? huffman(plain) : plain
  return Buffer.concat([number(isHuffman ? 0x80 : 0, 7, bytes.length), bytes])
}

export const REPRESENTATIONS = {
  indexing: { first: 0x40, prefixBits: 6 },
  without: { first: 0x00, prefixBits: 4 },
  never: { first: 0x10, prefixBits: 4 },
} as const

/** An encoder that does as it is told, with the plainest table there is: an array, the newest first. */
export class FakeEncoder {
  readonly #table: [string, string][] = []
  #bytesMax = 4096

  get count(): number {
    return this.#table.length
  }

  /** The field at an index, static or dynamic. */
  field(index: number): [string, string] {
    if (index <= 61) return [STATIC_TABLE[index * 2]!, STATIC_TABLE[index * 2 + 1]!]
    return this.#table[index - 62]!
  }

  /** The first index with this name; 0 if there is none. */
  indexOf(name: string): number {
    for (let index = 1; index <= 61 + this.count; index++) if (this.field(index)[0] === name) return index
    return 0
  }

  indexed(index: number): Buffer {
    return number(0x80, 7, index)
  }

  literal(
    kind: keyof typeof REPRESENTATIONS,
    nameIndex: number,
    name: string,
    value: string,
    isHuffman: boolean,
  ): Buffer {
    const { first, prefixBits } = REPRESENTATIONS[kind]
    if (kind === 'indexing') {
      this.#table.unshift([name, value])
      this.#evict()
    }
    return Buffer.concat([
      number(first, prefixBits, nameIndex),
      ...(nameIndex === 0 ? [string(name, isHuffman)] : []),
      string(value, isHuffman),
    ])
  }

  size(bytes: number): Buffer {
    this.#bytesMax = bytes
    this.#evict()
    return number(0x20, 5, bytes)
  }

  #evict(): void {
    let bytes = 0
    const kept = this.#table.findIndex(([name, value]) => {
      bytes += name.length + value.length + 32
      return bytes > this.#bytesMax
    })
    if (kept >= 0) this.#table.length = kept
  }
}
