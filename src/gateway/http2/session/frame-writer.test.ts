import { expect, test } from 'vitest'
import { EndOfTurn } from '../../end-of-turn.ts'
import { HpackDecoder, HpackEncoder } from '../hpack/index.ts'
import { FakeSocket, turn } from './fake-wire.ts'
import { FrameWriter } from './frame-writer.ts'
import { FLAG, FRAME } from './frames.ts'
import { SLAB_BYTES, SlabPool } from './slabs.ts'

function writing(): { writer: FrameWriter; socket: FakeSocket; flushes: () => number } {
  const socket = new FakeSocket()
  let flushes = 0
  const writer = new FrameWriter(socket, {
    slabs: new SlabPool(),
    endOfTurn: new EndOfTurn(),
    onFlushed: () => (flushes += 1),
  })
  return { writer, socket, flushes: () => flushes }
}

test('all frames of a turn leave in one write and in their order', async () => {
  const { writer, socket, flushes } = writing()
  const large = Buffer.alloc(10_000, 'x')
  writer.settings([3, 100])
  writer.headers(1, ['a', 'b'], { endStream: false, encoder: new HpackEncoder(), frameBytesMax: 16_384 })
  writer.data(1, Buffer.from('-small-'), 1, 6, false)
  writer.data(1, large, 0, 10_000, false)
  writer.data(1, large, 5_000, 10_000, true)
  writer.windowUpdate(3, 70_000)
  writer.reset(5, 8)
  await turn()
  expect(socket.writes).toBe(1)
  expect(flushes()).toBe(1)
  const frames = socket.takeSent()
  expect(frames.map(({ type, flags, id, payload }) => [type, flags, id, payload.length])).toEqual([
    [FRAME.settings, 0, 0, 6],
    [FRAME.headers, FLAG.endHeaders, 1, 5],
    [FRAME.data, 0, 1, 5],
    [FRAME.data, 0, 1, 10_000],
    [FRAME.data, FLAG.endStream, 1, 5_000],
    [FRAME.windowUpdate, 0, 3, 4],
    [FRAME.rstStream, 0, 5, 4],
  ])
  expect(frames[2]!.payload.toString()).toBe('small')
  expect(frames[5]!.payload.readUInt32BE()).toBe(70_000)
})

test('what left is not touched by what is written later', async () => {
  const { writer, socket } = writing()
  const sent: Buffer[] = []
  for (let at = 0; at < 2_000; at++) {
    writer.windowUpdate(at, at)
    if (at % 7 !== 0) continue
    await turn()
    sent.push(socket.takeSentBytes())
  }
  await turn()
  sent.push(socket.takeSentBytes())
  const all = Buffer.concat(sent)
  for (let at = 0; at < 2_000; at++) expect(all.readUInt32BE(at * 13 + 9)).toBe(at)
})

test('sessions that take turns with a slab do not write over each other', async () => {
  const slabs = new SlabPool()
  const endOfTurn = new EndOfTurn()
  const sockets = [new FakeSocket(), new FakeSocket()]
  const writers = sockets.map(
    (socket) => new FrameWriter(socket, { slabs, endOfTurn, onFlushed: () => undefined }),
  )
  for (let round = 0; round < 500; round++) {
    for (const [nth, writer] of writers.entries()) writer.windowUpdate(nth, round)
    await turn()
  }
  for (const [nth, socket] of sockets.entries()) {
    const frames = socket.takeSent()
    expect(frames.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, () => nth))
    expect(frames.map(({ payload }) => payload.readUInt32BE())).toEqual(
      Array.from({ length: 500 }, (_, round) => round),
    )
  }
})

test.each([
  ['that does not fit what is left of a slab', SLAB_BYTES - 200],
  ['that is larger than a frame', 40_000],
  ['that is larger than two guesses', 300_000],
])('a head %s is whole on the other side', async (_what, bytes) => {
  const { writer, socket } = writing()
  const encoder = new HpackEncoder()
  const value = 'v'.repeat(bytes)
  writer.data(1, Buffer.alloc(3_000), 0, 3_000, false)
  writer.headers(1, ['x-large', value], { endStream: true, encoder, frameBytesMax: 16_384 })
  await turn()
  const [, head, ...rest] = socket.takeSent()
  expect(head).toMatchObject({ type: FRAME.headers, id: 1 })
  expect(head!.flags & FLAG.endStream).toBe(FLAG.endStream)
  const frames = [head!, ...rest]
  expect(frames.map(({ flags }) => flags & FLAG.endHeaders)).toEqual(
    frames.map((_, nth) => (nth === frames.length - 1 ? FLAG.endHeaders : 0)),
  )
  const block = Buffer.concat(frames.map(({ payload }) => payload))
  const fields: string[] = []
  new HpackDecoder(4_096).decode(block, 0, block.length, fields, 1_000_000)
  expect(fields).toEqual(['x-large', value])
})

test('a head beyond a megabyte is not said', async () => {
  const { writer, socket } = writing()
  const said = { endStream: true, encoder: new HpackEncoder(), frameBytesMax: 16_384 }
  expect(writer.headers(1, ['x', 'y'.repeat(1_100_000)], said)).toBe(false)
  await turn()
  expect(socket.takeSent()).toEqual([])
})

test('a writer that was closed writes nothing', async () => {
  const { writer, socket } = writing()
  writer.windowUpdate(0, 1)
  writer.close()
  writer.windowUpdate(0, 2)
  writer.data(1, Buffer.alloc(9_000), 0, 9_000, true)
  await turn()
  expect(socket.takeSentBytes()).toHaveLength(0)
  expect(writer.backlogBytes).toBe(0)
})
