import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { FakeClient, frame, numbers, REQUEST, turn, WHOLE, type Frame } from './fake-wire.ts'
import { FLAG, FRAME, STREAM_ID_MAX } from './frames.ts'

/** Last stream and code of each GOAWAY. */
function goawaysOf(frames: readonly Frame[]): [number, number][] {
  return frames
    .filter(({ type }) => type === FRAME.goaway)
    .map(({ payload }) => [payload.readUInt32BE(), payload.readUInt32BE(4)])
}

test('a server that drains takes what is on its way, and no more after the client knows', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE))
  client.session.drain()
  await turn()
  const first = client.socket.takeSent()
  expect(goawaysOf(first)).toEqual([[STREAM_ID_MAX, CODE.noError]])
  const ping = first.find(({ type }) => type === FRAME.ping)
  await client.say(client.headers(3, REQUEST, WHOLE), frame(FRAME.ping, FLAG.ack, 0, ping!.payload))
  expect(goawaysOf(client.socket.takeSent())).toEqual([[3, CODE.noError]])
  // It knows and does it all the same: nothing is said of it, and nothing done.
  await client.say(client.headers(5, REQUEST, FLAG.endHeaders), frame(FRAME.data, FLAG.endStream, 5, 'x'))
  expect(client.socket.takeSent()).toEqual([])
  expect(client.streams.map(({ id }) => id)).toEqual([1, 3])
  for (const stream of client.streams) stream.sendHeaders([':status', '204'], true)
  await turn()
  expect(client.socket.takeSent().map(({ id }) => id)).toEqual([1, 3])
  expect(client.lines).toEqual(['idle', 'ending'])
  expect(client.socket.writableEnded).toBe(true)
  client.socket.push(null)
  await turn()
  expect(client.lines.at(-1)).toBe('close')
})

test('to drain a second time does not wait for the client', async () => {
  const client = new FakeClient()
  await client.greet()
  client.session.drain()
  client.session.drain()
  await turn()
  expect(goawaysOf(client.socket.takeSent())).toEqual([
    [STREAM_ID_MAX, CODE.noError],
    [0, CODE.noError],
  ])
  expect(client.lines).toEqual(['ending'])
})

test('a client that says GOAWAY is answered to the end', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE), frame(FRAME.goaway, 0, 0, numbers(0, 0)))
  expect(client.lines).toEqual(['goaway 0'])
  client.streams[0]!.sendHeaders([':status', '204'], true)
  await turn()
  expect(client.socket.takeSent().map(({ type }) => type)).toEqual([FRAME.headers])
  expect(client.lines).toEqual(['goaway 0', 'idle', 'ending'])
})

test('to destroy a session tells every stream and the client', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE), client.headers(3, REQUEST, FLAG.endHeaders))
  client.session.destroy(CODE.internal, 'we stop')
  client.session.destroy()
  expect(client.diaries.map(({ lines }) => lines.at(-1))).toEqual(['reset 2', 'reset 2'])
  await turn()
  const frames = client.socket.takeSent()
  expect(goawaysOf(frames)).toEqual([[3, CODE.internal]])
  expect(frames[0]!.payload.subarray(8).toString()).toBe('we stop')
  expect(client.lines).toEqual(['idle', 'ending', 'close'])
  // Too late.
  client.streams[0]!.sendHeaders([':status', '200'], true)
  expect(client.streams[1]!.sendData(Buffer.from('x'), true)).toBe(true)
  client.streams[1]!.consumed(10)
  await turn()
  expect(client.socket.takeSent()).toEqual([])
})

test.each([
  ['ends', (client: FakeClient) => client.socket.push(null)],
  ['breaks', (client: FakeClient) => client.socket.destroy(new Error('ECONNRESET'))],
])('a connection that %s resets its streams', async (_how, lose) => {
  const client = new FakeClient()
  await client.greet()
  await client.say(client.headers(1, REQUEST, FLAG.endHeaders))
  lose(client)
  await turn()
  expect(client.diaries[0]!.lines.at(-1)).toBe(`reset ${CODE.cancel}`)
  expect(client.lines).toEqual(['idle', 'close'])
})

test('an owner that ends the session in the middle of a read hears nothing more', async () => {
  const client = new FakeClient()
  client.handle = () => client.session.destroy()
  await client.greet()
  await client.say(
    client.headers(1, REQUEST, FLAG.endHeaders),
    frame(FRAME.data, 0, 1, 'x'),
    client.headers(3, REQUEST, WHOLE),
  )
  expect(client.diaries.map(({ lines }) => lines.slice(1))).toEqual([[`reset ${CODE.cancel}`]])
})

test.each([
  ['streamsMax', { streamsMax: 0 }],
  ['windowBytes', { windowBytes: 2 ** 31 }],
  ['connectionWindowBytes', { connectionWindowBytes: 1_000 }],
  ['backlogBytesMax', { backlogBytesMax: 1 }],
  ['listBytesMax', { listBytesMax: 1.5 }],
])('%s out of range is an error that names it', (name, options) => {
  expect(() => new FakeClient(options)).toThrow(new RegExp(`^${name} is .*allowed are whole numbers from`))
})
