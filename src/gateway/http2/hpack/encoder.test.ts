import { deepStrictEqual } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { HpackDecoder } from './decoder.ts'
import { HpackEncoder } from './encoder.ts'
import { STATIC_TABLE } from './static-table.ts'

/** An encoder, and a decoder that has read all it wrote. */
class Direction {
  readonly encoder = new HpackEncoder()
  readonly #decoder = new HpackDecoder(4096)

  /** The block of these fields, which has to mean them. */
  block(...fields: string[]): Buffer {
    const out = Buffer.alloc(100_000)
    const block = out.subarray(7, this.encoder.encode(fields, out, 7))
    const read: string[] = []
    this.#decoder.decode(block, 0, block.length, read, 1_000_000)
    deepStrictEqual(read, fields)
    return block
  }

  hex(...fields: string[]): string {
    return this.block(...fields).toString('hex')
  }
}

const HEAD = Object.entries({
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/inference.GRPCInferenceService/ModelInfer',
  ':authority': 'iris.default.example.com',
  te: 'trailers',
  'content-type': 'application/grpc',
  'user-agent': 'grpc-node-js/1.12.0',
  'grpc-accept-encoding': 'identity,deflate,gzip',
}).flat()

describe('HpackEncoder', () => {
  it('knows all static entries', () => {
    for (let index = 1; index <= 61; index++) {
      const [name, value] = STATIC_TABLE.slice(index * 2, index * 2 + 2)
      expect([...new Direction().block(name!, value!)]).toEqual([0x80 | index])
    }
  })

  it('writes one byte for each field of a head that it has written before', () => {
    const direction = new Direction()
    direction.block(...HEAD)
    expect(direction.block(...HEAD)).toHaveLength(HEAD.length / 2)
  })

  it('finds what is in the table by what it says, whichever string says it', () => {
    const direction = new Direction()
    direction.block('x-name', 'some value of more than twelve')
    const other = ['x-', 'name', 'some value', ' of more than twelve']
    expect(direction.hex(other[0]! + other[1]!, other[2]! + other[3]!)).toBe('be')
  })

  it('writes the name as an index where it knows it', () => {
    const direction = new Direction()
    expect(direction.hex('server', 'a')).toBe('760161')
    expect(direction.hex('x-n', 'a')).toBe('4003782d6e0161')
    expect(direction.hex('x-n', 'b')).toBe('0f2f0162')
  })

  it('finds every pair and every name of a full table', () => {
    const direction = new Direction()
    // 100 entries of 32 + 4 + 4 bytes.
    const numbers = Array.from({ length: 100 }, (_, nth) => 10 + nth).map((nth) => `${nth}`.padStart(3, '0'))
    direction.block(...numbers.flatMap((nth) => [`x${nth}`, `v${nth}`]))
    for (const [nth, number] of numbers.entries()) {
      // Indexes above 126 take a second byte.
      expect(direction.block(`x${number}`, `v${number}`)).toHaveLength(nth < 35 ? 2 : 1)
    }
    for (const number of numbers) {
      // Two bytes for the index of the name or, 127 above it, three, and three for a value that is too large to be kept.
      const block = direction.block(`x${number}`, 'v'.repeat(1000))
      expect(block.length - 1000).toBeLessThanOrEqual(6)
    }
  })

  it('takes any byte, and strings of any length', () => {
    const direction = new Direction()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1')
    for (const length of [1, 12, 15, 16, 17, 126, 127, 128, 254, 255, 256]) {
      const fields = [bytes.slice(0, length), bytes.slice(256 - length)]
      // Each length takes a byte up to 126, two up to 254, three from there.
      const lengthBytes = length < 127 ? 1 : length < 255 ? 2 : 3
      expect(direction.block(...fields)).toHaveLength(1 + 2 * (length + lengthBytes))
    }
    expect(direction.block('x-long', 'y'.repeat(70_000))).toHaveLength(1 + 7 + 4 + 70_000)
    expect(direction.hex('', '', 'x', '')).toBe('40000040017800')
  })

  it('writes the same field as often as it is there', () => {
    const direction = new Direction()
    expect(direction.hex('x', '1', 'x', '1', 'x', '1')).toBe('4001780131bebe')
  })

  it('writes nothing for no fields', () => {
    expect(new Direction().block()).toHaveLength(0)
  })
})

describe('HpackEncoder, what goes into the table', () => {
  it.each(['authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'x-api-key', 'api-key'])(
    'never %s',
    (name) => {
      const direction = new Direction()
      const before = direction.block(name, 'secret')
      expect(before[0]! & 0xf0).toBe(0x10)
      expect(direction.block(name, 'secret')).toEqual(before)
      expect(direction.hex('x', '1')).toBe('4001780131')
      expect(direction.hex('x', '1'), 'the only entry').toBe('be')
    },
  )

  it.each(['content-length', 'date', 'etag', 'last-modified', 'location'])(
    'no value of %s, whose name is static',
    (name) => {
      const direction = new Direction()
      const before = direction.block(name, '1')
      expect(before[0]! & 0xf0).toBe(0)
      expect(direction.block(name, '1')).toEqual(before)
    },
  )

  it.each(['traceparent', 'x-request-id', 'grpc-timeout', 'x-unheard-of'])(
    'one value of %s, however many there are',
    (name) => {
      const direction = new Direction()
      direction.block('x-stays', 'here')
      direction.block(name, '0999')
      for (let nth = 1000; nth < 1500; nth++) {
        // The index of its name, and 5 bytes of value.
        const value = Buffer.from(`${nth}`).toString('hex')
        expect(direction.hex(name, `${nth}`)).toBe(`0f2f04${value}`)
      }
      expect(direction.hex('x-stays', 'here')).toBe('bf')
    },
  )

  it('a value that comes twice in a row', () => {
    const direction = new Direction()
    direction.block('x-model', 'one')
    direction.block('x-model', 'two')
    direction.block('x-model', 'two')
    expect(direction.hex('x-model', 'two')).toBe('be')
    expect(direction.hex('x-model', 'one')).toBe('bf')
  })

  it('a value after one that was of use', () => {
    const direction = new Direction()
    direction.block('x-model', 'one')
    direction.block('x-model', 'one')
    direction.block('x-model', 'two')
    expect(direction.hex('x-model', 'two', 'x-model', 'one')).toBe('bebf')
  })

  it('in time all of a few values that take turns', () => {
    const direction = new Direction()
    let bytes = 0
    for (let nth = 0; nth < 400; nth++) {
      const block = direction.block(':path', `/package.Service/Method${(nth * nth) % 11}`)
      if (nth >= 300) bytes += block.length
    }
    expect(bytes).toBe(100)
  })

  it('no path with a query, though it comes again', () => {
    const direction = new Direction()
    for (let nth = 0; nth < 3; nth++) expect(direction.block(':path', '/v1?q=a')).toHaveLength(9)
    direction.block(':path', '/v1')
    expect(direction.block(':path', '/v1')).toHaveLength(1)
  })

  it('no value that takes more than a fourth of the table', () => {
    const direction = new Direction()
    const value = 'v'.repeat(1024 - 32 - 1)
    direction.block('x', `${value}v`)
    expect(direction.block('x', `${value}v`)).toHaveLength(1 + 2 + 3 + 992)
    direction.block('x', value)
    expect(direction.block('x', value)).toHaveLength(1)
  })
})

describe('HpackEncoder, room', () => {
  it('writes nothing and changes nothing where the block may not fit', () => {
    const direction = new Direction()
    direction.encoder.setTableBytesMax(200)
    const fields = ['x-name', 'value', ':method', 'GET']
    const room = 6 + 13 * 2 + 'x-namevalue:methodGET'.length
    for (let less = 1; less <= room; less++) {
      const out = Buffer.alloc(10 + room - less, 0xee)
      expect(direction.encoder.encode(fields, out, 10)).toBe(-1)
      expect(out.every((byte) => byte === 0xee)).toBe(true)
    }
    const out = Buffer.alloc(10 + room)
    expect(direction.encoder.encode(fields, out, 10)).toBe(10 + 18)
    expect(out.toString('hex', 10, 28)).toBe('3fa9014006782d6e616d650576616c756582')
  })

  it('needs no more than it asks for', () => {
    for (const size of [0, 1, 126, 127, 128, 254, 255, 400, 16_511, 16_512, 20_000]) {
      const encoder = new HpackEncoder()
      encoder.setTableBytesMax(0)
      encoder.setTableBytesMax(4096)
      const fields = ['n'.repeat(size), 'v'.repeat(size), 'authorization', 'v'.repeat(size)]
      const room = 6 + 13 * 2 + fields.join('').length
      const out = Buffer.alloc(room + 100, 0xee)
      const end = encoder.encode(fields, out.subarray(0, room), 0)
      expect(end).toBeGreaterThan(0)
      expect(end).toBeLessThanOrEqual(room)
      expect(out.subarray(end).every((byte) => byte === 0xee)).toBe(true)
    }
  })
})

describe('HpackEncoder, table size', () => {
  it('stays at 4096 where the peer takes more, and says nothing', () => {
    const direction = new Direction()
    direction.encoder.setTableBytesMax(65_536)
    expect(direction.hex(':method', 'GET')).toBe('82')
    direction.encoder.setTableBytesMax(4096)
    expect(direction.hex(':method', 'GET')).toBe('82')
  })

  it('follows the peer down and up, and says so once in the next block', () => {
    const direction = new Direction()
    direction.block('x', '1')
    direction.encoder.setTableBytesMax(0)
    expect(direction.hex(':method', 'GET')).toBe('2082')
    expect(direction.hex('x', '1', 'x', '1')).toBe('00017801310001780131')
    direction.encoder.setTableBytesMax(4096)
    expect(direction.hex('x', '1', 'x', '1')).toBe('3fe11f4001780131be')
    expect(direction.hex('x', '1')).toBe('be')
  })

  it('says the smallest size in between, which empties the table', () => {
    const direction = new Direction()
    direction.block('x', '1')
    direction.encoder.setTableBytesMax(1000)
    direction.encoder.setTableBytesMax(0)
    direction.encoder.setTableBytesMax(200)
    direction.encoder.setTableBytesMax(5000)
    expect(direction.hex()).toBe('203fe11f')
    expect(direction.hex('x', '1', 'x', '1')).toBe('4001780131be')
  })

  it('says one size where it only grows or only shrinks', () => {
    const direction = new Direction()
    direction.encoder.setTableBytesMax(200)
    direction.encoder.setTableBytesMax(100)
    expect(direction.hex()).toBe('3f45')
    direction.encoder.setTableBytesMax(150)
    direction.encoder.setTableBytesMax(200)
    expect(direction.hex()).toBe('3fa901')
    direction.encoder.setTableBytesMax(200)
    expect(direction.hex()).toBe('')
  })

  it('keeps what fits, newest first', () => {
    const direction = new Direction()
    direction.block('a', '1', 'b', '2', 'c', '3')
    direction.encoder.setTableBytesMax(70)
    expect(direction.hex('c', '3', 'b', '2')).toBe('3f27bebf')
  })
})
