import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { frame } from './fake-wire.ts'
import { FrameReader } from './frame-reader.ts'
import { FLAG, FRAME } from './frames.ts'

function reading(): { reader: FrameReader; lines: string[] } {
  const lines: string[] = []
  let data = ''
  const reader = new FrameReader({
    frame: (type, flags, id, bytes, start, end) =>
      lines.push(`${type} ${flags} ${id} ${bytes.toString('latin1', start, end)}`),
    dataHead: (flags, id, bytes) => {
      lines.push(`data ${flags} ${id} of ${bytes}`)
      data = ''
    },
    dataPart: (part, isLast) => {
      data += part.toString('latin1')
      if (isLast) lines.push(`all ${data}`)
    },
  })
  return { reader, lines }
}

const padded = Buffer.concat([Buffer.from([3]), Buffer.from('hello'), Buffer.alloc(3)])
const exchange = Buffer.concat([
  frame(FRAME.settings, 0, 0, '123456'),
  frame(FRAME.headers, FLAG.endHeaders, 1, 'some fields'),
  frame(FRAME.data, 0, 1, 'first'),
  frame(FRAME.data, FLAG.padded, 1, padded),
  frame(FRAME.data, FLAG.padded, 1, Buffer.from([2, 0, 0])),
  frame(FRAME.data, FLAG.padded, 1, Buffer.from([0])),
  frame(FRAME.ping, 0, 0, '12345678'),
  frame(FRAME.data, FLAG.endStream, 1),
])
const read = [
  '4 0 0 123456',
  '1 4 1 some fields',
  'data 0 1 of 5',
  'all first',
  'data 8 1 of 9',
  'all hello',
  'data 8 1 of 3',
  'all ',
  'data 8 1 of 1',
  'all ',
  '6 0 0 12345678',
  'data 1 1 of 0',
  'all ',
]

test('frames come out the same wherever the bytes are cut', () => {
  for (let cut = 0; cut <= exchange.length; cut++) {
    const { reader, lines } = reading()
    reader.receive(exchange.subarray(0, cut))
    reader.receive(exchange.subarray(cut))
    expect(lines, `cut at ${cut}`).toEqual(read)
  }
})

test('frames come out the same byte by byte', () => {
  const { reader, lines } = reading()
  for (let at = 0; at < exchange.length; at++) reader.receive(exchange.subarray(at, at + 1))
  expect(lines).toEqual(read)
})

test('data goes on before the frame is whole', () => {
  const { reader } = reading()
  const parts: string[] = []
  const early = new FrameReader({
    frame: () => undefined,
    dataHead: () => undefined,
    dataPart: (part, isLast) => parts.push(`${part.toString('latin1')} ${isLast}`),
  })
  early.receive(frame(FRAME.data, 0, 1, 'hello').subarray(0, 11))
  expect(parts).toEqual(['he false'])
  reader.stop()
})

test.each([
  ['a frame beyond 16 KiB', frame(FRAME.headers, 0, 1, Buffer.alloc(16_385)), CODE.frameSize],
  ['DATA beyond 16 KiB', frame(FRAME.data, 0, 1, Buffer.alloc(16_385)), CODE.frameSize],
  ['padding beyond the frame', frame(FRAME.data, FLAG.padded, 1, Buffer.from([3, 0, 0])), CODE.protocol],
  ['a padded frame without a length', frame(FRAME.data, FLAG.padded, 1), CODE.frameSize],
])('%s is refused', (_what, bytes, code) => {
  expect(() => reading().reader.receive(bytes)).toThrow(expect.objectContaining({ code }))
})

test('a reader that was stopped takes nothing more, also of the chunk at hand', () => {
  const lines: number[] = []
  const reader: FrameReader = new FrameReader({
    frame: (type) => {
      lines.push(type)
      reader.stop()
    },
    dataHead: () => undefined,
    dataPart: () => undefined,
  })
  reader.receive(Buffer.concat([frame(FRAME.ping, 0, 0), frame(FRAME.settings, 0, 0)]))
  expect(lines).toEqual([FRAME.ping])
})
