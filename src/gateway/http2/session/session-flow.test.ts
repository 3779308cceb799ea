import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { FakeClient, frame, numbers, REQUEST, setting, turn, WHOLE, type Frame } from './fake-wire.ts'
import { FLAG, FRAME, SETTING } from './frames.ts'

function dataOf(frames: readonly Frame[]): [number, number, boolean][] {
  return frames
    .filter(({ type }) => type === FRAME.data)
    .map(({ id, payload, flags }) => [id, payload.length, (flags & FLAG.endStream) !== 0])
}

function updatesOf(frames: readonly Frame[]): [number, number][] {
  return frames
    .filter(({ type }) => type === FRAME.windowUpdate)
    .map(({ id, payload }) => [id, payload.readUInt32BE()])
}

async function requested(client: FakeClient, ...ids: readonly number[]): Promise<void> {
  await client.say(...ids.map((id) => client.headers(id, REQUEST, WHOLE)))
  for (const stream of client.streams) stream.sendHeaders([':status', '200'], false)
  await turn()
  client.socket.takeSent()
}

test('data waits for the window of its stream and goes on when it opens', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 10))
  await requested(client, 1)
  const [stream] = client.streams
  expect(stream!.sendData(Buffer.from('0123456'), false)).toBe(true)
  expect(stream!.sendData(Buffer.from('789abcdef'), false)).toBe(false)
  expect(stream!.sendData(Buffer.from('ghi'), true)).toBe(false)
  await turn()
  expect(dataOf(client.socket.takeSent())).toEqual([
    [1, 7, false],
    [1, 3, false],
  ])
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(7)))
  expect(dataOf(client.socket.takeSent())).toEqual([
    [1, 6, false],
    [1, 1, false],
  ])
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(100)))
  expect(dataOf(client.socket.takeSent())).toEqual([[1, 2, true]])
  expect(stream!.isClosed).toBe(true)
})

test('whoever was told to wait hears once that all has left', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 4))
  await requested(client, 1)
  client.streams[0]!.sendData(Buffer.from('12345678'), false)
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(3)))
  expect(client.diaries[0]!.lines.slice(1)).toEqual([])
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(3)))
  expect(client.diaries[0]!.lines.slice(1)).toEqual(['writable'])
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(3)))
  expect(client.diaries[0]!.lines.slice(1)).toEqual(['writable'])
})

test('a change of the initial window moves open streams, below zero too', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 10))
  await requested(client, 1)
  client.streams[0]!.sendData(Buffer.alloc(20), true)
  await turn()
  expect(dataOf(client.socket.takeSent())).toEqual([[1, 10, false]])
  // 10 bytes are out: a window of 4 leaves -6.
  await client.say(frame(FRAME.settings, 0, 0, setting(SETTING.initialWindowSize, 4)))
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(6)))
  expect(dataOf(client.socket.takeSent())).toEqual([])
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(1)))
  expect(dataOf(client.socket.takeSent())).toEqual([[1, 1, false]])
  await client.say(frame(FRAME.settings, 0, 0, setting(SETTING.initialWindowSize, 100)))
  expect(dataOf(client.socket.takeSent())).toEqual([[1, 9, true]])
})

test('SETTINGS that make the window of a stream too large end the connection', async () => {
  const client = new FakeClient()
  await client.greet()
  await requested(client, 1)
  await client.say(
    frame(FRAME.windowUpdate, 0, 1, numbers(0x7fff_ffff - 65_535)),
    frame(FRAME.settings, 0, 0, setting(SETTING.initialWindowSize, 65_536)),
  )
  expect(client.lines).toContain(`connection error ${CODE.flowControl}`)
})

test('streams that wait for the window of the connection go round, a frame each', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 1_000_000))
  await requested(client, 1, 3, 5)
  for (const stream of client.streams) stream.sendData(Buffer.alloc(65_535), true)
  await turn()
  // The first had all of the connection's window.
  expect(dataOf(client.socket.takeSent())).toEqual([
    [1, 16_384, false],
    [1, 16_384, false],
    [1, 16_384, false],
    [1, 16_383, true],
  ])
  await client.say(frame(FRAME.windowUpdate, 0, 0, numbers(40_000)))
  expect(dataOf(client.socket.takeSent())).toEqual([
    [3, 16_384, false],
    [5, 16_384, false],
    [3, 7_232, false],
  ])
  await client.say(frame(FRAME.windowUpdate, 0, 0, numbers(1_000_000)))
  expect(dataOf(client.socket.takeSent()).map(([id]) => id)).toEqual([5, 3, 5, 3, 5, 3])
  expect(client.session.size).toBe(0)
})

test('a peer that does not read stops data, not answers to PING', async () => {
  const client = new FakeClient({ backlogBytesMax: 65_536 })
  await client.greet(setting(SETTING.initialWindowSize, 10_000_000))
  await client.say(frame(FRAME.windowUpdate, 0, 0, numbers(10_000_000)))
  await requested(client, 1)
  client.socket.stick()
  const [stream] = client.streams
  const chunk = Buffer.alloc(50_000)
  let said = 0
  while (stream!.sendData(chunk, false)) {
    said += 1
    await turn()
  }
  expect(said).toBeLessThan(4)
  await client.say(frame(FRAME.ping, 0, 0, '12345678'))
  expect(client.socket.writableLength).toBeLessThan(200_000)
  client.socket.unstick()
  await turn()
  await turn()
  const frames = client.socket.takeSent()
  expect(frames.reduce((all, { type, payload }) => all + (type === FRAME.data ? payload.length : 0), 0)).toBe(
    (said + 1) * 50_000,
  )
  expect(frames.filter(({ type }) => type === FRAME.ping)).toHaveLength(1)
  expect(client.diaries[0]!.lines.at(-1)).toBe('writable')
})

test('a peer that sends PINGs and does not read is cut off', async () => {
  const client = new FakeClient({ floods: { controlBacklogBytesMax: 1_000 } })
  await client.greet()
  client.socket.stick()
  for (let round = 0; round < 100 && !client.socket.destroyed; round++)
    await client.say(frame(FRAME.ping, 0, 0, '12345678'))
  expect(client.lines).toContain(`connection error ${CODE.enhanceYourCalm}`)
})

test('the windows open again by halves as the owner consumes', async () => {
  const client = new FakeClient({ windowBytes: 40_000, connectionWindowBytes: 100_000 })
  client.handle = () => (client.diaries.at(-1)!.isReading = false)
  await client.greet()
  await client.say(client.headers(1, REQUEST, FLAG.endHeaders), frame(FRAME.data, 0, 1, Buffer.alloc(16_000)))
  await client.say(frame(FRAME.data, 0, 1, Buffer.alloc(16_000)))
  const [stream] = client.streams
  stream!.consumed(16_000)
  await turn()
  expect(updatesOf(client.socket.takeSent())).toEqual([])
  stream!.consumed(4_000)
  await turn()
  expect(updatesOf(client.socket.takeSent())).toEqual([[1, 20_000]])
  // More than was given is not believed.
  stream!.consumed(1_000_000)
  await client.say(frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(16_000)))
  stream!.consumed(5_000)
  await turn()
  expect(updatesOf(client.socket.takeSent())).toEqual([])
  stream!.consumed(16_000)
  // The peer has said all on the stream, but the connection goes on: 48,000 is not half of 100,000.
  await client.say(client.headers(3, REQUEST, FLAG.endHeaders), frame(FRAME.data, 0, 3, Buffer.alloc(16_000)))
  client.streams[1]!.consumed(16_000)
  await turn()
  expect(updatesOf(client.socket.takeSent())).toEqual([[0, 64_000]])
})

test('what a reset stream had not consumed goes back to the connection', async () => {
  const client = new FakeClient({ connectionWindowBytes: 65_535 })
  client.handle = () => (client.diaries.at(-1)!.isReading = false)
  await client.greet()
  for (let id = 1; id < 41; id += 2)
    await client.say(
      client.headers(id, REQUEST, FLAG.endHeaders),
      frame(FRAME.data, 0, id, Buffer.alloc(16_000)),
      frame(FRAME.rstStream, 0, id, numbers(CODE.cancel)),
    )
  const returned = updatesOf(client.socket.takeSent())
  expect(returned.every(([id]) => id === 0)).toBe(true)
  expect(returned.reduce((all, [, bytes]) => all + bytes, 0)).toBeGreaterThan(20 * 16_000 - 65_535 / 2)
  expect(client.lines.filter((line) => line.includes('error'))).toEqual([])
})

test('padding is counted, and given back though nobody reads it', async () => {
  const client = new FakeClient({ windowBytes: 65_535, connectionWindowBytes: 65_535 })
  await client.greet()
  await client.say(client.headers(1, REQUEST, FLAG.endHeaders))
  const padded = Buffer.concat([Buffer.from([255]), Buffer.from('x'), Buffer.alloc(255)])
  for (let round = 0; round < 1_000; round++) await client.say(frame(FRAME.data, FLAG.padded, 1, padded))
  const returned = updatesOf(client.socket.takeSent())
  const sum = (of: number): number => returned.reduce((all, [id, bytes]) => all + (id === of ? bytes : 0), 0)
  expect(sum(0)).toBeGreaterThan(257_000 - 33_000)
  expect(sum(1)).toBe(sum(0))
  expect(client.diaries[0]!.lines[1]).toBe(`data ${'x'.repeat(1_000)}`)
})

test('more DATA than the connection allows ends it', async () => {
  const client = new FakeClient({ windowBytes: 1_000_000, connectionWindowBytes: 65_535 })
  client.handle = () => (client.diaries.at(-1)!.isReading = false)
  await client.greet()
  await client.say(client.headers(1, REQUEST, FLAG.endHeaders))
  await client.say(...Array.from({ length: 5 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_000))))
  expect(client.lines).toContain(`connection error ${CODE.flowControl}`)
  expect(client.diaries[0]!.lines.at(-1)).toBe(`reset ${CODE.flowControl}`)
})

test('a head that nobody can say resets its stream, and its owner hears it', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE))
  client.streams[0]!.sendHeaders([':status', '200', 'x', 'y'.repeat(1_100_000)], true)
  await turn()
  expect(client.socket.takeSent().map(({ type }) => type)).toEqual([FRAME.rstStream])
  expect(client.diaries[0]!.lines.at(-1)).toBe(`reset ${CODE.internal}`)
})

test('what waited together with the end is told of, so that its source can be consumed', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 4))
  await requested(client, 1, 3)
  expect(client.streams[0]!.sendData(Buffer.from('12345678'), true)).toBe(false)
  expect(client.streams[1]!.sendData(Buffer.from('12345678'), false)).toBe(false)
  client.streams[1]!.sendHeaders(['grpc-status', '0'], true)
  await client.say(
    frame(FRAME.windowUpdate, 0, 1, numbers(100)),
    frame(FRAME.windowUpdate, 0, 3, numbers(100)),
  )
  expect(client.diaries.map(({ lines }) => lines.slice(1))).toEqual([['writable'], ['writable']])
  expect(client.session.size).toBe(0)
})

test('an owner that never consumes does not stop the streams that come after it', async () => {
  const client = new FakeClient({ connectionWindowBytes: 65_535 })
  client.handle = () => (client.diaries.at(-1)!.isReading = false)
  await client.greet()
  for (let id = 1; id < 41; id += 2) {
    await client.say(
      client.headers(id, REQUEST, FLAG.endHeaders),
      frame(FRAME.data, FLAG.endStream, id, Buffer.alloc(16_000)),
    )
    client.streams.at(-1)!.sendHeaders([':status', '204'], true)
  }
  expect(client.streams).toHaveLength(20)
  expect(client.lines.filter((line) => line.includes('error'))).toEqual([])
})
