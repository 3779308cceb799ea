import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { FakeClient, frame, numbers, REQUEST, setting, turn, WHOLE, type Frame } from './fake-wire.ts'
import { FLAG, FRAME, PREFACE, SETTING } from './frames.ts'

const { endHeaders, endStream, ack, padded } = FLAG

/** The code of the GOAWAY among the frames. */
function goawayOf(frames: readonly Frame[]): number | undefined {
  return frames.findLast(({ type }) => type === FRAME.goaway)?.payload.readUInt32BE(4)
}

function resetsOf(frames: readonly Frame[]): [number, number][] {
  return frames.flatMap(({ type, id, payload }) =>
    type === FRAME.rstStream ? [[id, payload.readUInt32BE()] as [number, number]] : [],
  )
}

test('a server says its settings and widens the connection before it has heard anything', async () => {
  const client = new FakeClient({ streamsMax: 7, windowBytes: 100_000, listBytesMax: 5_000 })
  await turn()
  const [settings, update, ...rest] = client.socket.takeSent()
  expect(settings).toMatchObject({ type: FRAME.settings, flags: 0, id: 0 })
  expect(settings!.payload).toEqual(
    Buffer.concat([
      setting(SETTING.maxHeaderListSize, 5_000),
      setting(SETTING.initialWindowSize, 100_000),
      setting(SETTING.maxConcurrentStreams, 7),
    ]),
  )
  expect(update).toMatchObject({ type: FRAME.windowUpdate, id: 0 })
  expect(update!.payload.readUInt32BE()).toBe(1_048_576 - 65_535)
  expect(rest).toEqual([])
})

test('a request is answered and the connection is idle again', async () => {
  const client = new FakeClient()
  client.handle = (stream) => {
    stream.sendHeaders([':status', '103', 'link', 'x'], false)
    stream.sendHeaders([':status', '200'], false)
    stream.sendData(Buffer.from('hello'), false)
    stream.sendHeaders(['grpc-status', '0'], true)
  }
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE))
  const frames = client.socket.takeSent()
  expect(frames.map(({ type, flags, id }) => [type, flags, id])).toEqual([
    [FRAME.headers, endHeaders, 1],
    [FRAME.headers, endHeaders, 1],
    [FRAME.data, 0, 1],
    [FRAME.headers, WHOLE, 1],
  ])
  expect(client.fieldsOf(frames[0]!)).toEqual([':status', '103', 'link', 'x'])
  expect(client.diaries[0]!.lines).toEqual([`request ${REQUEST.join(' ')} end`])
  expect(client.lines).toEqual(['idle'])
  expect(client.streams[0]!.isClosed).toBe(true)
})

test('a PING is answered with what it said, an unknown frame and an unasked answer are not', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(
    frame(FRAME.ping, 0, 0, '12345678'),
    frame(0x10, 0, 0, 'u=1'),
    frame(0xfe, 0xff, 9, 'grease'),
    frame(FRAME.ping, ack, 0, '87654321'),
  )
  expect(client.socket.takeSent()).toEqual([
    { type: FRAME.ping, flags: ack, id: 0, payload: Buffer.from('12345678') },
  ])
})

test('our own PING tells when it was answered', async () => {
  const client = new FakeClient()
  await client.greet()
  let pongs = 0
  expect(client.session.sendPing(() => (pongs += 1))).toBe(true)
  await turn()
  const [ping] = client.socket.takeSent()
  expect(ping).toMatchObject({ type: FRAME.ping, flags: 0 })
  await client.say(frame(FRAME.ping, ack, 0, ping!.payload), frame(FRAME.ping, ack, 0, ping!.payload))
  expect(pongs).toBe(1)
})

type Say = (client: FakeClient) => Buffer[]
const open = (client: FakeClient): Buffer => client.headers(1, REQUEST, endHeaders)
const whole = (client: FakeClient): Buffer => client.headers(1, REQUEST, WHOLE)

test.each<[string, number, Say]>([
  ['DATA on an idle stream', CODE.protocol, () => [frame(FRAME.data, 0, 1, 'x')]],
  ['RST_STREAM on an idle stream', CODE.protocol, () => [frame(FRAME.rstStream, 0, 1, numbers(8))]],
  ['WINDOW_UPDATE on an idle stream', CODE.protocol, () => [frame(FRAME.windowUpdate, 0, 1, numbers(8))]],
  ['CONTINUATION without a head', CODE.protocol, () => [frame(FRAME.continuation, endHeaders, 1)]],
  ['PUSH_PROMISE', CODE.protocol, () => [frame(FRAME.pushPromise, endHeaders, 1, numbers(2))]],
  ['an even stream', CODE.protocol, (client) => [client.headers(2, REQUEST, WHOLE)]],
  ['HEADERS on stream 0', CODE.protocol, (client) => [client.headers(0, REQUEST, WHOLE)]],
  ['DATA on stream 0', CODE.protocol, () => [frame(FRAME.data, 0, 0, 'x')]],
  ['PING on a stream', CODE.protocol, () => [frame(FRAME.ping, 0, 1, '12345678')]],
  ['SETTINGS on a stream', CODE.protocol, () => [frame(FRAME.settings, 0, 1)]],
  ['GOAWAY on a stream', CODE.protocol, () => [frame(FRAME.goaway, 0, 1, numbers(0, 0))]],
  ['PING of 7 bytes', CODE.frameSize, () => [frame(FRAME.ping, 0, 0, '1234567')]],
  ['SETTINGS of 5 bytes', CODE.frameSize, () => [frame(FRAME.settings, 0, 0, '12345')]],
  ['an acknowledgement with settings', CODE.frameSize, () => [frame(FRAME.settings, ack, 0, '123456')]],
  ['GOAWAY of 4 bytes', CODE.frameSize, () => [frame(FRAME.goaway, 0, 0, numbers(0))]],
  ['WINDOW_UPDATE of 3 bytes', CODE.frameSize, () => [frame(FRAME.windowUpdate, 0, 0, '123')]],
  ['WINDOW_UPDATE of 0', CODE.protocol, () => [frame(FRAME.windowUpdate, 0, 0, numbers(0))]],
  ['a window beyond 2^31-1', CODE.flowControl, () => [frame(FRAME.windowUpdate, 0, 0, numbers(0x7fff_ffff))]],
  ['a push setting of 2', CODE.protocol, () => [frame(FRAME.settings, 0, 0, setting(SETTING.enablePush, 2))]],
  [
    'an initial window of 2^31',
    CODE.flowControl,
    () => [frame(FRAME.settings, 0, 0, setting(SETTING.initialWindowSize, 2 ** 31))],
  ],
  [
    'a frame size below 2^14',
    CODE.protocol,
    () => [frame(FRAME.settings, 0, 0, setting(SETTING.maxFrameSize, 16_383))],
  ],
  ['fields that are no HPACK', CODE.compression, () => [frame(FRAME.headers, WHOLE, 1, Buffer.from([0x80]))]],
  [
    'padding that is longer than the head',
    CODE.protocol,
    () => [frame(FRAME.headers, WHOLE | padded, 1, Buffer.from([9, 0x82]))],
  ],
  [
    'a frame between HEADERS and CONTINUATION',
    CODE.protocol,
    (client) => [client.headers(1, REQUEST, 0), frame(FRAME.ping, 0, 0, '12345678')],
  ],
  [
    'CONTINUATION of another stream',
    CODE.protocol,
    (client) => [client.headers(1, REQUEST, 0), frame(FRAME.continuation, endHeaders, 3)],
  ],
  [
    'DATA between HEADERS and CONTINUATION',
    CODE.protocol,
    (client) => [client.headers(1, REQUEST, 0), frame(FRAME.data, 0, 1, 'x')],
  ],
  [
    'a stream below the last one',
    CODE.protocol,
    (client) => [client.headers(5, REQUEST, WHOLE), client.headers(3, REQUEST, WHOLE)],
  ],
  ['PRIORITY of 4 bytes', CODE.frameSize, () => [frame(FRAME.priority, 0, 1, numbers(0))]],
])('%s ends the connection with %i', async (_what, code, say) => {
  const client = new FakeClient()
  await client.greet()
  await client.say(...say(client))
  expect(goawayOf(client.socket.takeSent())).toBe(code)
  expect(client.lines).toContain(`connection error ${code}`)
  expect(client.lines.at(-1)).toBe('close')
  expect(client.socket.destroyed).toBe(true)
})

test.each<[string, number, Say]>([
  ['DATA after the end', CODE.streamClosed, (client) => [whole(client), frame(FRAME.data, 0, 1, 'x')]],
  ['HEADERS after the end', CODE.streamClosed, (client) => [whole(client), whole(client)]],
  [
    'WINDOW_UPDATE of 0',
    CODE.protocol,
    (client) => [open(client), frame(FRAME.windowUpdate, 0, 1, numbers(0))],
  ],
  [
    'a window beyond 2^31-1',
    CODE.flowControl,
    (client) => [open(client), frame(FRAME.windowUpdate, 0, 1, numbers(0x7fff_ffff))],
  ],
  [
    'more DATA than its window',
    CODE.flowControl,
    (client) => [
      open(client),
      ...Array.from({ length: 5 }, () => frame(FRAME.data, 0, 1, 'x'.repeat(16_000))),
    ],
  ],
  [
    'a second head that is no end',
    CODE.protocol,
    (client) => [open(client), client.headers(1, ['a', 'b'], endHeaders)],
  ],
  [
    'trailers with a pseudo field',
    CODE.protocol,
    (client) => [open(client), client.headers(1, [':path', '/'], WHOLE)],
  ],
  [
    'more DATA than its content-length',
    CODE.protocol,
    (client) => [
      client.headers(1, [...REQUEST, 'content-length', '3'], endHeaders),
      frame(FRAME.data, 0, 1, 'abcd'),
    ],
  ],
  [
    'less DATA than its content-length',
    CODE.protocol,
    (client) => [
      client.headers(1, [...REQUEST, 'content-length', '3'], endHeaders),
      frame(FRAME.data, endStream, 1, 'ab'),
    ],
  ],
  [
    'trailers before its content-length',
    CODE.protocol,
    (client) => [
      client.headers(1, [...REQUEST, 'content-length', '3'], endHeaders),
      client.headers(1, ['a', 'b'], WHOLE),
    ],
  ],
  [
    'a priority on itself',
    CODE.protocol,
    (client) => [open(client), frame(FRAME.priority, 0, 1, Buffer.concat([numbers(1), Buffer.from([1])]))],
  ],
])('%s ends the stream with its code, and its owner hears it', async (_what, code, say) => {
  const client = new FakeClient({ windowBytes: 65_535 })
  client.handle = () => (client.diaries.at(-1)!.isReading = false)
  await client.greet()
  await client.say(...say(client))
  const frames = client.socket.takeSent()
  expect(resetsOf(frames)).toEqual([[1, code]])
  expect(goawayOf(frames)).toBeUndefined()
  expect(client.diaries[0]!.lines.at(-1)).toBe(`reset ${code}`)
  // The connection goes on.
  await client.say(client.headers(3, REQUEST, WHOLE))
  expect(client.streams).toHaveLength(2)
})

test.each([
  ['a malformed head', [...REQUEST, 'Upper', 'x'], CODE.protocol],
  ['a length without data', [...REQUEST, 'content-length', '3'], CODE.protocol],
  ['a head that is too large', [...REQUEST, 'x', 'y'.repeat(3_000)], CODE.enhanceYourCalm],
])('%s resets the stream and nobody hears of it', async (_what, fields, code) => {
  const client = new FakeClient({ listBytesMax: 2_000 })
  await client.greet()
  await client.say(client.headers(1, fields, WHOLE), client.headers(3, REQUEST, WHOLE))
  expect(resetsOf(client.socket.takeSent())).toEqual([[1, code]])
  // The table went on: the second head is understood.
  expect(client.diaries.map(({ lines }) => lines)).toEqual([[`request ${REQUEST.join(' ')} end`]])
})

test('streams beyond what we allow are refused', async () => {
  const client = new FakeClient({ streamsMax: 2 })
  await client.greet()
  await client.say(...[1, 3, 5].map((id) => client.headers(id, REQUEST, WHOLE)))
  expect(resetsOf(client.socket.takeSent())).toEqual([[5, CODE.refusedStream]])
  client.streams[0]!.sendHeaders([':status', '204'], true)
  await client.say(client.headers(7, REQUEST, WHOLE))
  expect(client.streams.map(({ id }) => id)).toEqual([1, 3, 7])
})

test('what is on its way when we reset a stream is dropped and its window given back', async () => {
  const client = new FakeClient()
  await client.greet()
  await client.say(open(client))
  client.streams[0]!.reset(CODE.cancel)
  const body = Array.from({ length: 60 }, () => frame(FRAME.data, 0, 1, Buffer.alloc(16_000)))
  await client.say(...body, client.headers(1, ['a', 'b'], WHOLE), frame(FRAME.rstStream, 0, 1, numbers(8)))
  const frames = client.socket.takeSent()
  expect(resetsOf(frames)).toEqual([[1, CODE.cancel]])
  const returned = frames.filter(({ type, id }) => type === FRAME.windowUpdate && id === 0)
  expect(returned.map(({ payload }) => payload.readUInt32BE())).toEqual([528_000])
  expect(client.diaries[0]!.lines).toEqual([`request ${REQUEST.join(' ')}`])
  expect(client.lines).toEqual(['idle'])
})

test.each<[string, Say, number]>([
  ['DATA', () => [frame(FRAME.data, 0, 1, 'x')], CODE.streamClosed],
  ['HEADERS', (client) => [client.headers(1, ['a', 'b'], WHOLE)], CODE.streamClosed],
])('%s after the peer has reset the stream is an error of the stream', async (_what, say, code) => {
  const client = new FakeClient()
  await client.greet()
  await client.say(open(client), frame(FRAME.rstStream, 0, 1, numbers(CODE.cancel)), ...say(client))
  expect(resetsOf(client.socket.takeSent())).toEqual([[1, code]])
  expect(client.diaries[0]!.lines.at(-1)).toBe(`reset ${CODE.cancel}`)
})

test('DATA after both sides have ended is an error of the connection, WINDOW_UPDATE is not', async () => {
  const client = new FakeClient()
  client.handle = (stream) => stream.sendHeaders([':status', '204'], true)
  await client.greet()
  await client.say(whole(client), frame(FRAME.windowUpdate, 0, 1, numbers(1)))
  expect(goawayOf(client.socket.takeSent())).toBeUndefined()
  await client.say(frame(FRAME.data, 0, 1, 'x'))
  expect(goawayOf(client.socket.takeSent())).toBe(CODE.streamClosed)
})

test.each<[string, Buffer]>([
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')],
  ['a preface with another ending', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\rX')],
  ['a first frame that is not SETTINGS', Buffer.concat([PREFACE, frame(FRAME.ping, 0, 0, '12345678')])],
  ['an acknowledgement first', Buffer.concat([PREFACE, frame(FRAME.settings, ack, 0)])],
])('%s is no HTTP/2', async (_what, bytes) => {
  const client = new FakeClient()
  await client.say(bytes)
  expect(goawayOf(client.socket.takeSent())).toBe(CODE.protocol)
  expect(client.socket.destroyed).toBe(true)
})

test('a reset after the whole answer leaves after it, though it waits for a window', async () => {
  const client = new FakeClient()
  await client.greet(setting(SETTING.initialWindowSize, 3))
  await client.say(open(client))
  const [stream] = client.streams
  stream!.sendHeaders([':status', '200'], false)
  expect(stream!.sendData(Buffer.from('hello'), false)).toBe(false)
  stream!.sendHeaders(['a', 'b'], true)
  stream!.reset(CODE.noError)
  await client.say(frame(FRAME.windowUpdate, 0, 1, numbers(10)))
  const frames = client.socket.takeSent()
  expect(frames.map(({ type }) => type)).toEqual([
    FRAME.headers,
    FRAME.data,
    FRAME.data,
    FRAME.headers,
    FRAME.rstStream,
  ])
  expect(resetsOf(frames)).toEqual([[1, CODE.noError]])
})
