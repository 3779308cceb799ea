import { describe, expect, it } from 'vitest'
import { HpackDecoder } from './decoder.ts'
import { FakeEncoder, huffman, number, string } from './fake-encoder.ts'
import { HpackError } from './hpack-error.ts'
import { STATIC_TABLE } from './static-table.ts'

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function decode(decoder: HpackDecoder, block: Buffer, listBytesMax = 65_536): string[] {
  const fields: string[] = []
  decoder.decode(block, 0, block.length, fields, listBytesMax)
  return fields
}

/** What stands in the dynamic table, the newest first: as far as there are indexes. */
function tableOf(decoder: HpackDecoder): string[] {
  const fields: string[] = []
  const failure = caught(() => {
    for (let index = 62; ; index++) {
      const block = number(0x80, 7, index)
      decoder.decode(block, 0, block.length, fields, 65_536)
    }
  })
  expect(failure).toBeInstanceOf(HpackError)
  return fields
}

function caught(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT'
const LATER = 'Mon, 21 Oct 2013 20:13:22 GMT'
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'
const URL = 'https://www.example.com'

const REQUESTS = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [
    ':method',
    'GET',
    ':scheme',
    'http',
    ':path',
    '/',
    ':authority',
    'www.example.com',
    'cache-control',
    'no-cache',
  ],
  [
    ':method',
    'GET',
    ':scheme',
    'https',
    ':path',
    '/index.html',
    ':authority',
    'www.example.com',
    'custom-key',
    'custom-value',
  ],
]
const REQUESTS_TABLE = [
  'custom-key',
  'custom-value',
  'cache-control',
  'no-cache',
  ':authority',
  'www.example.com',
]

const RESPONSES = [
  [':status', '302', 'cache-control', 'private', 'date', DATE, 'location', URL],
  [':status', '307', 'cache-control', 'private', 'date', DATE, 'location', URL],
  [
    ':status',
    '200',
    'cache-control',
    'private',
    'date',
    LATER,
    'location',
    URL,
    'content-encoding',
    'gzip',
    'set-cookie',
    COOKIE,
  ],
]
const RESPONSES_TABLE = ['set-cookie', COOKIE, 'content-encoding', 'gzip', 'date', LATER]

/** A table size update to 256, as the setting of the RFC's examples of responses has it. */
const SIZE_256 = '3fe101'

describe('HpackDecoder, examples of RFC 7541, appendix C', () => {
  it.each([
    [
      'C.2.1 literal with indexing',
      '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
      ['custom-key', 'custom-header'],
      1,
    ],
    ['C.2.2 literal without indexing', '040c2f73616d706c652f70617468', [':path', '/sample/path'], 0],
    ['C.2.3 literal never indexed', '100870617373776f726406736563726574', ['password', 'secret'], 0],
    ['C.2.4 indexed', '82', [':method', 'GET'], 0],
  ])('%s', (_, block, fields, entries) => {
    const decoder = new HpackDecoder(4096)
    expect(decode(decoder, hex(block))).toEqual(fields)
    expect(tableOf(decoder)).toHaveLength(entries * 2)
  })

  it.each([
    [
      'C.3 requests',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      REQUESTS,
      REQUESTS_TABLE,
    ],
    [
      'C.4 requests with Huffman',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      REQUESTS,
      REQUESTS_TABLE,
    ],
    [
      'C.5 responses with evictions',
      [
        `${SIZE_256} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
      RESPONSES,
      RESPONSES_TABLE,
    ],
    [
      'C.6 responses with Huffman and evictions',
      [
        `${SIZE_256} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
      RESPONSES,
      RESPONSES_TABLE,
    ],
  ])('%s', (_, blocks, lists, table) => {
    const decoder = new HpackDecoder(4096)
    for (const [nth, block] of blocks.entries()) expect(decode(decoder, hex(block))).toEqual(lists[nth])
    expect(tableOf(decoder)).toEqual(table)
  })
})

describe('HpackDecoder', () => {
  it('knows all static entries', () => {
    for (let index = 1; index <= 61; index++) {
      expect(decode(new HpackDecoder(4096), Buffer.of(0x80 | index))).toEqual(
        STATIC_TABLE.slice(index * 2, index * 2 + 2),
      )
    }
    expect(STATIC_TABLE.slice(-2)).toEqual(['www-authenticate', ''])
  })

  it('reads from start to end of the bytes and nothing else', () => {
    const fields = ['kept', 'as it is']
    expect(new HpackDecoder(4096).decode(hex('ff 82 87 ff'), 1, 3, fields, 1000)).toBe(42 + 44)
    expect(fields).toEqual(['kept', 'as it is', ':method', 'GET', ':scheme', 'https'])
    expect(new HpackDecoder(4096).decode(hex('ff'), 1, 1, fields, 1000)).toBe(0)
  })

  it('gives the same string again for what is indexed, and takes any byte', () => {
    const decoder = new HpackDecoder(4096)
    const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1')
    const encoder = new FakeEncoder()
    for (const isHuffman of [false, true]) {
      expect(decode(decoder, encoder.literal('indexing', 0, value, value, isHuffman))).toEqual([value, value])
      expect(decode(decoder, encoder.indexed(62))).toEqual([value, value])
    }
    expect(decode(decoder, encoder.literal('without', 0, '', '', true))).toEqual(['', ''])
  })

  it.each([8_000, 13_000, 16_390, 19_000, 26_000, 26_300, 80_000])(
    'reads a Huffman string of %i characters',
    (length) => {
      // 5 bits each: as many more characters than bytes as there can be.
      const long = 'aceiost012'.repeat(length / 10)
      const block = new FakeEncoder().literal('without', 0, 'long', long, true)
      expect(decode(new HpackDecoder(4096), block, 1_000_000)).toEqual(['long', long])
    },
  )

  it('drops the oldest entries, and all of them for one that is larger than the table', () => {
    const decoder = new HpackDecoder(4096)
    const encoder = new FakeEncoder()
    for (let nth = 0; nth < 200; nth++) {
      decode(decoder, encoder.literal('indexing', 0, `n${nth}`, '', nth % 2 === 0))
    }
    // 100 of 36 bytes leave room for 14 of 35: 496 / 35 = 14.2
    expect(encoder.count).toBe(114)
    const table = tableOf(decoder)
    expect(table).toHaveLength(114 * 2)
    expect(table.slice(0, 3)).toEqual(['n199', '', 'n198'])
    const large = encoder.literal('indexing', 62, 'n199', 'x'.repeat(4096), false)
    expect(decode(decoder, large)).toEqual(['n199', 'x'.repeat(4096)])
    expect(tableOf(decoder)).toEqual([])
  })

  it('takes an entry of just the size of the table', () => {
    const decoder = new HpackDecoder(4096)
    const value = 'x'.repeat(4096 - 32 - 1)
    decode(decoder, new FakeEncoder().literal('indexing', 0, 'n', value, false))
    expect(tableOf(decoder)).toEqual(['n', value])
  })

  it('counts the list past its limit, appends no more, and keeps the table in step', () => {
    const decoder = new HpackDecoder(4096)
    const encoder = new FakeEncoder()
    const block = Buffer.concat([
      Buffer.of(0x82),
      encoder.literal('indexing', 0, 'name', 'y'.repeat(100), true),
      encoder.literal('indexing', 0, 'a', 'b', false),
    ])
    const fields: string[] = []
    const bytes = 42 + (32 + 104) + 34
    expect(decoder.decode(block, 0, block.length, fields, 42 + 135)).toBe(bytes)
    expect(fields).toEqual([':method', 'GET'])
    expect(tableOf(decoder)).toEqual(['a', 'b', 'name', 'y'.repeat(100)])
    const again = new HpackDecoder(4096)
    expect(decode(again, block, bytes)).toHaveLength(6)
    expect(decode(again, block, bytes - 1)).toHaveLength(4)
  })

  it('does not grow with a block that names one large entry again and again', () => {
    const decoder = new HpackDecoder(4096)
    decode(decoder, new FakeEncoder().literal('indexing', 0, 'n', 'x'.repeat(4000), false))
    const fields: string[] = []
    const bytes = decoder.decode(Buffer.alloc(16_384, 0xbe), 0, 16_384, fields, 65_536)
    expect(bytes).toBe(16_384 * 4033)
    expect(fields).toHaveLength(16 * 2)
  })
})

describe('HpackDecoder, table size', () => {
  const entry = (): Buffer => new FakeEncoder().literal('indexing', 0, 'name', 'value', false)

  it('follows updates down and up again', () => {
    const decoder = new HpackDecoder(4096)
    decode(decoder, entry())
    expect(decode(decoder, Buffer.concat([number(0x20, 5, 0), number(0x20, 5, 4096)]))).toEqual([])
    expect(tableOf(decoder)).toEqual([])
    decode(decoder, Buffer.concat([number(0x20, 5, 41), entry()]))
    expect(tableOf(decoder)).toEqual(['name', 'value'])
    decode(decoder, number(0x20, 5, 40))
    expect(tableOf(decoder)).toEqual([])
    decode(decoder, entry())
    expect(tableOf(decoder)).toEqual([])
  })

  it('may be larger than 4096 where we said so', () => {
    const decoder = new HpackDecoder(65_536)
    decode(decoder, Buffer.concat([number(0x20, 5, 65_536), entry()]))
    const encoder = new FakeEncoder()
    for (let nth = 0; nth < 1000; nth++) decode(decoder, encoder.literal('indexing', 0, `${nth}`, '', false))
    expect(tableOf(decoder)).toHaveLength(1001 * 2)
    expect(() => decode(decoder, number(0x20, 5, 65_537))).toThrow('65537 bytes, 65536 at most')
  })

  it('that we made smaller counts from the acknowledgement on', () => {
    const decoder = new HpackDecoder(100)
    decode(decoder, Buffer.concat([number(0x20, 5, 4096), entry(), entry(), entry()]))
    expect(tableOf(decoder)).toHaveLength(6)
    decoder.acknowledged()
    decode(decoder, Buffer.concat([number(0x20, 5, 100), Buffer.of(0xbf)]))
    expect(tableOf(decoder)).toHaveLength(4)
    expect(() => decode(decoder, number(0x20, 5, 101))).toThrow('101 bytes, 100 at most')
  })

  it('that was small enough before the acknowledgement needs no further update', () => {
    const decoder = new HpackDecoder(100)
    decode(decoder, number(0x20, 5, 60))
    decoder.acknowledged()
    expect(decode(decoder, Buffer.of(0x82))).toEqual([':method', 'GET'])
  })

  it.each([
    ['is missing', hex('82')],
    ['is too large', number(0x20, 5, 101)],
    ['is missing in an empty block', hex('')],
  ])('is refused where the update that is due %s', (_, block) => {
    const decoder = new HpackDecoder(100)
    decoder.acknowledged()
    expect(() => decode(decoder, block)).toThrow(HpackError)
  })
})

describe('HpackDecoder refuses', () => {
  const tooLong = (first: number, bits: number): Buffer => number(first, bits, 2 ** 40)

  it.each([
    ['index 0', '80'],
    ['an index beyond the static table, the dynamic one being empty', 'be'],
    ['the name of such an index, with indexing', '7e 01 61'],
    ['the name of such an index, without', '0f 2f 01 61'],
    ['the name of such an index, never indexed', '1f 2f 01 61'],
    ['an index in many bytes', 'ff ff ff ff 7f'],
    ['a block that ends within an index', 'ff'],
    ['a block that ends within an index of more bytes', 'ff 80'],
    ['a block that ends within the index of a name', '7f'],
    ['a block that ends before a name', '40'],
    ['a block that ends before a value', '41'],
    ['a block that ends before a value, behind a name', '40 01 61'],
    ['a block that ends within a length', '41 7f'],
    ['a block that ends within a string', '41 02 61'],
    ['a length that is far too large', '41 7f ff ff ff ff 0f 61'],
    ['a length of 35 bits', '41 7f ff ff ff ff 7f 61'],
    ['a block that ends within a Huffman string', '41 82 1f'],
    ['a number of more than 6 bytes', 'ff 80 80 80 80 80 00'],
    ['an endless number', `ff${'80'.repeat(1000)}`],
    ['a length with padding', '41 7f 80 80 80 80 80 00 61'],
    ['a name that holds the end of the Huffman code', '40 84 ff ff ff ff 01 61'],
    ['a value that holds it', '41 84 ff ff ff ff'],
    ['Huffman padding of zeros', '41 81 18'],
    ['Huffman padding of a whole byte', '41 82 1f ff'],
    ['a table size above ours', '3f e2 1f'],
    ['a table size far above', '3f ff ff ff ff 0f'],
    ['a table size that ends within its number', '3f'],
    ['a table size with padding', '3f 80 80 80 80 80 00'],
    ['a table size behind a field', '82 20'],
    ['a table size between fields', '82 20 82'],
    ['a third table size', '20 20 20 82'],
  ])('%s', (_, block) => {
    expect(() => decode(new HpackDecoder(4096), hex(block))).toThrow(HpackError)
  })

  it('numbers beyond 6 bytes wherever they stand', () => {
    for (const [first, bits] of [
      [0x80, 7],
      [0x40, 6],
      [0x00, 4],
      [0x10, 4],
      [0x20, 5],
    ] as const) {
      expect(() => decode(new HpackDecoder(4096), tooLong(first, bits))).toThrow('more than 6 bytes')
    }
  })

  it('a length whose highest bits alone are too large', () => {
    const block = Buffer.concat([hex('41 7f 80 80 80 80 01'), Buffer.alloc(300, 0x61)])
    expect(() => decode(new HpackDecoder(4096), block)).toThrow('a string of 268435583 bytes')
  })

  it('every proper beginning of a literal', () => {
    const block = new FakeEncoder().literal('indexing', 0, 'some-name', 'some value', true)
    for (let length = 1; length < block.length; length++) {
      expect(() => decode(new HpackDecoder(4096), block.subarray(0, length))).toThrow(HpackError)
    }
  })

  it('an entry that was evicted', () => {
    const decoder = new HpackDecoder(4096)
    const block = new FakeEncoder().literal('indexing', 0, 'a', 'b', false)
    decode(decoder, Buffer.concat([block, block]))
    expect(decode(decoder, hex('bf'))).toEqual(['a', 'b'])
    expect(() => decode(decoder, hex('c0'))).toThrow('index 64, the last is 63')
    decode(decoder, hex('20'))
    expect(() => decode(decoder, hex('be'))).toThrow(HpackError)
  })
})

describe('HpackDecoder takes', () => {
  it.each([0, 1, 2, 3])('numbers with %i bytes of padding that fit into 6', (spare) => {
    const decoder = new HpackDecoder(4096)
    expect(
      decode(decoder, Buffer.concat([Buffer.of(0x41), number(0, 7, 130, spare), Buffer.alloc(130, 0x61)])),
    ).toEqual([':authority', 'a'.repeat(130)])
    expect(decode(decoder, number(0x20, 5, 4096, spare))).toEqual([])
  })

  it('a name by an index in the dynamic table, and one that its own entry pushes out', () => {
    const decoder = new HpackDecoder(4096)
    const encoder = new FakeEncoder()
    decode(decoder, encoder.size(60))
    decode(decoder, encoder.literal('indexing', 0, 'name', 'one', false))
    expect(decode(decoder, encoder.literal('indexing', 62, 'name', 'two', false))).toEqual(['name', 'two'])
    expect(tableOf(decoder)).toEqual(['name', 'two'])
  })

  it('names in Huffman as well', () => {
    const name = huffman(Buffer.from('x-name'))
    const block = Buffer.concat([hex('00'), number(0x80, 7, name.length), name, string('v')])
    expect(decode(new HpackDecoder(4096), block)).toEqual(['x-name', 'v'])
  })
})
