import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../../../core/random.ts'
import { FakeEncoder } from './fake-encoder.ts'
import { HpackDecoder, HpackEncoder, HpackError } from './index.ts'
import { STATIC_TABLE } from './static-table.ts'

const SEEDS = [1, 2, 3, 4]

function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!
}

/** Any bytes, mostly few. */
function text(random: Random): string {
  const length = random.below(8) === 0 ? random.below(700) : random.below(12)
  return Buffer.from(Array.from({ length }, () => random.below(256))).toString('latin1')
}

const NAMES = ['x-a', 'x-b', 'x-c', 'x-model-name', 'traceparent', 'x-api-key', ''].concat(
  STATIC_TABLE.filter((_, at) => at >= 2 && at % 2 === 0),
)

/** Names and values some of which repeat. */
function fieldsFrom(random: Random, values: readonly string[]): string[] {
  return Array.from({ length: random.below(12) }, () => [
    random.below(20) === 0 ? text(random) : oneOf(random, NAMES),
    random.below(4) === 0 ? text(random) : oneOf(random, values),
  ]).flat()
}

describe('HPACK', () => {
  it.each(SEEDS)(
    'reads what it wrote, block after block, while the table changes its size (seed %i)',
    (seed) => {
      const random = new SeededRandom(seed)
      const encoder = new HpackEncoder()
      const decoder = new HpackDecoder(4096)
      const values = Array.from({ length: 40 }, () => text(random))
      const out = Buffer.alloc(100_000)
      let indexed = 0
      for (let nth = 0; nth < 3000; nth++) {
        while (random.below(30) === 0) encoder.setTableBytesMax(oneOf(random, [0, 50, 130, 600, 4096, 9999]))
        const fields = fieldsFrom(random, values)
        const end = encoder.encode(fields, out, 0)
        if (fields.length > 0 && end < fields.length) indexed += 1
        const read: string[] = []
        const bytes = decoder.decode(out, 0, end, read, 1_000_000)
        expect(read, `block ${nth} of seed ${seed}`).toEqual(fields)
        expect(bytes).toBe(fields.join('').length + fields.length * 16)
      }
      expect(indexed, 'blocks that are nearly all indexes').toBeGreaterThan(10)
    },
  )

  it.each(SEEDS)('reads every representation that another may choose (seed %i)', (seed) => {
    const random = new SeededRandom(seed * 1000)
    const encoder = new FakeEncoder()
    const decoder = new HpackDecoder(4096)
    const values = Array.from({ length: 40 }, () => text(random))
    for (let nth = 0; nth < 2000; nth++) {
      const parts: Buffer[] = []
      const fields: string[] = []
      if (random.below(20) === 0) parts.push(encoder.size(oneOf(random, [0, 34, 500, 4096])))
      for (let left = random.below(10); left > 0; left--) {
        if (random.below(2) === 0) {
          const index = 1 + random.below(61 + encoder.count)
          fields.push(...encoder.field(index))
          parts.push(encoder.indexed(index))
          continue
        }
        const [name, value] = [
          random.below(10) === 0 ? text(random) : oneOf(random, NAMES),
          oneOf(random, values),
        ]
        const kind = oneOf(random, ['indexing', 'without', 'never'] as const)
        const nameIndex = random.below(3) === 0 ? 0 : encoder.indexOf(name)
        fields.push(name, value)
        parts.push(encoder.literal(kind, nameIndex, name, value, random.below(2) === 0))
      }
      const block = Buffer.concat(parts)
      const read: string[] = []
      decoder.decode(block, 0, block.length, read, 1_000_000)
      expect(read, `block ${nth} of seed ${seed}`).toEqual(fields)
    }
  })

  it.each(SEEDS)('refuses or reads any bytes, and nothing else happens (seed %i)', (seed) => {
    const random = new SeededRandom(seed * 77)
    let refused = 0
    let read = 0
    for (let run = 0; run < 3000; run++) {
      const decoder = new HpackDecoder(4096)
      // Low bytes are often whole representations: without them nearly all would be refused at once.
      const bytes = Buffer.from(
        Array.from({ length: random.below(60) }, () =>
          random.below(2) === 0 ? random.below(256) : random.below(8),
        ),
      )
      const fields: string[] = []
      try {
        const listBytes = decoder.decode(bytes, 0, bytes.length, fields, 100_000)
        if (listBytes !== fields.join('').length + fields.length * 16) throw new Error('the size is wrong')
        read += 1
      } catch (error) {
        if (!(error instanceof HpackError))
          throw new Error(`bytes ${bytes.toString('hex')}`, { cause: error })
        refused += 1
      }
    }
    expect(refused).toBeGreaterThan(100)
    expect(read).toBeGreaterThan(50)
  })

  it('keeps entries apart while slots are used again and numbers wrap', () => {
    // More entries than the table has slots, many times over, of a few names in changing order.
    const encoder = new HpackEncoder()
    const decoder = new HpackDecoder(4096)
    const out = Buffer.alloc(1000)
    for (let nth = 0; nth < 20_000; nth++) {
      const value = String((nth * 7919) % 331)
      const fields = [`x-${value}`, value, `x-${(nth * 31) % 97}`, String(nth % 3)]
      const read: string[] = []
      decoder.decode(out, 0, encoder.encode(fields, out, 0), read, 10_000)
      expect(read).toEqual(fields)
    }
  })
})
