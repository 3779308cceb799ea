import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../core/random.ts'
import { huffman, ofBits } from './fake-encoder.ts'
import { HUFFMAN_BITS, huffmanCodes } from './huffman-code.ts'
import { huffmanDecode } from './huffman.ts'

function decoded(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length * 2)
  return out.subarray(0, huffmanDecode(bytes, 0, bytes.length, out))
}

function bitsOf(symbol: number): string {
  return huffmanCodes()[symbol]!.toString(2).padStart(HUFFMAN_BITS[symbol]!, '0')
}

describe('the Huffman code', () => {
  it.each([
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [10, 0x3ffffffc, 30],
    [0x20, 0x14, 6],
    [0x30, 0x0, 5],
    [0x58, 0xfc, 8],
    [0x5c, 0x7fff0, 19],
    [0x7a, 0x7b, 7],
    [127, 0xffffffc, 28],
    [203, 0x7ffffde, 27],
    [239, 0x7ffff4, 23],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ])('is that of the RFC: %i is %i in %i bits', (symbol, code, bits) => {
    expect(huffmanCodes()[symbol]).toBe(code)
    expect(HUFFMAN_BITS[symbol]).toBe(bits)
  })

  it('leaves no bits without a meaning', () => {
    expect(HUFFMAN_BITS).toHaveLength(257)
    expect(HUFFMAN_BITS.reduce((sum, bits) => sum + 2 ** -bits, 0)).toBe(1)
  })
})

describe('huffmanDecode', () => {
  it('reads every pair of bytes', () => {
    const wrong: number[] = []
    const bytes = Buffer.alloc(2)
    for (let pair = 0; pair < 65_536; pair++) {
      bytes.writeUInt16BE(pair)
      if (!decoded(huffman(bytes)).equals(bytes)) wrong.push(pair)
    }
    expect(wrong).toEqual([])
  })

  it('reads long strings of any bytes', () => {
    const random = new SeededRandom(7541)
    for (let run = 0; run < 200; run++) {
      const bytes = Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)))
      expect(decoded(huffman(bytes))).toEqual(bytes)
    }
  })

  it('reads the empty string', () => {
    expect(decoded(Buffer.alloc(0))).toHaveLength(0)
  })

  it('takes 0 to 7 bits of padding', () => {
    // '0' has 5 bits, 'X' 8: all lengths of padding come up.
    for (let zeros = 0; zeros < 8; zeros++) {
      const text = Buffer.from(`${'0'.repeat(zeros)}X`)
      expect(decoded(huffman(text))).toEqual(text)
    }
  })

  it.each([
    ['padding that is not all ones', huffman(Buffer.from('0'), '110')],
    ['padding of zeros', huffman(Buffer.from('0'), '000')],
    ['8 bits of padding', ofBits(`${bitsOf(0x58)}11111111`)],
    ['8 bits of padding and nothing else', Buffer.of(0xff)],
    ['11 bits of padding', ofBits(`${bitsOf(0x30)}11111111111`)],
    ['24 bits of padding', ofBits(`${bitsOf(0x58)}${'1'.repeat(24)}`)],
    ['a code that breaks off', ofBits(bitsOf(1).slice(0, 16))],
    ['the end', ofBits(`${bitsOf(256)}11`)],
    ['the end between symbols', ofBits(`${bitsOf(0x30)}${bitsOf(256)}${bitsOf(0x30)}`)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decoded(bytes)).toThrow(expect.objectContaining({ name: 'HpackError' }))
  })
})
