import { expect, test } from 'vitest'
import { SeededRandom } from '../../../core/random.ts'
import { EndOfTurn } from '../../end-of-turn.ts'
import { CODE } from './errors.ts'
import { Diary, FakeClient, FakePeer, FakeSocket, frame, numbers, REQUEST, turn, WHOLE } from './fake-wire.ts'
import { FLAG, FRAME, PREFACE } from './frames.ts'
import { Http2Session } from './session.ts'
import { SlabPool } from './slabs.ts'

/** A client's session, and the test in the place of its server. */
class FakeServer extends FakePeer {
  readonly socket = new FakeSocket()
  readonly diaries: Diary[] = []
  readonly errors: number[] = []
  readonly session: Http2Session = new Http2Session(this.socket, {
    role: 'client',
    slabs: new SlabPool(),
    endOfTurn: new EndOfTurn(),
    nowMs: () => 0,
    hooks: { onError: ({ code }) => this.errors.push(code), onClose: () => undefined },
  })

  ask(fields: readonly string[] = REQUEST): Diary {
    const diary = new Diary()
    diary.stream = this.session.open(fields, true, diary)
    this.diaries.push(diary)
    return diary
  }

  async say(...bytes: readonly Buffer[]): Promise<void> {
    this.socket.push(Buffer.concat(bytes))
    await turn()
  }
}

/** What a client says in a connection with everything in it. */
function requests(): Buffer {
  const peer = new FakePeer()
  const head = peer.block([...REQUEST, 'content-length', '11', 'x-long', 'y'.repeat(40)])
  const padded = Buffer.concat([Buffer.from([4]), Buffer.from('hello '), Buffer.alloc(4)])
  return Buffer.concat([
    PREFACE,
    frame(FRAME.settings, 0, 0),
    frame(FRAME.windowUpdate, 0, 0, numbers(1_000)),
    frame(FRAME.headers, 0, 1, head.subarray(0, 10)),
    frame(FRAME.continuation, 0, 1, head.subarray(10, 30)),
    frame(FRAME.continuation, FLAG.endHeaders, 1, head.subarray(30)),
    frame(FRAME.data, FLAG.padded, 1, padded),
    frame(FRAME.ping, 0, 0, '12345678'),
    peer.headers(3, REQUEST, FLAG.endHeaders),
    frame(FRAME.data, FLAG.endStream, 1, 'world'),
    frame(FRAME.data, 0, 3, 'x'),
    peer.headers(3, ['grpc-status', '0'], WHOLE),
    frame(0x33, 0, 0, 'unknown'),
    peer.headers(5, REQUEST, WHOLE),
    frame(FRAME.rstStream, 0, 5, numbers(CODE.cancel)),
    frame(FRAME.settings, FLAG.ack, 0),
  ])
}

test('a server hears the same wherever the bytes of its client were cut', async () => {
  const bytes = requests()
  const heard = async (cut: number): Promise<unknown> => {
    const client = new FakeClient()
    await client.say(bytes.subarray(0, cut))
    await client.say(bytes.subarray(cut))
    return {
      diaries: client.diaries.map(({ lines }) => lines),
      lines: client.lines,
      sent: client.socket.takeSent(),
    }
  }
  const whole = await heard(bytes.length)
  expect(whole).toMatchObject({
    diaries: [
      [expect.stringMatching(/^request /), 'data hello world end'],
      [expect.stringMatching(/^request /), 'data x', 'trailers grpc-status 0'],
      [expect.stringMatching(/ end$/), 'reset 8'],
    ],
    lines: [],
  })
  for (let cut = 1; cut < bytes.length; cut++) expect(await heard(cut), `cut at ${cut}`).toEqual(whole)
})

test('a client hears the same wherever the bytes of its server were cut', async () => {
  const peer = new FakePeer()
  const bytes = Buffer.concat([
    frame(FRAME.settings, 0, 0),
    peer.headers(1, [':status', '103', 'link', 'x'], FLAG.endHeaders),
    peer.headers(1, [':status', '200', 'content-length', '5'], FLAG.endHeaders),
    peer.headers(3, [':status', '200'], FLAG.endHeaders),
    frame(FRAME.data, 0, 1, 'hel'),
    frame(FRAME.data, 0, 3, 'other'),
    frame(FRAME.data, FLAG.endStream, 1, 'lo'),
    peer.headers(3, ['grpc-status', '0'], WHOLE),
    frame(FRAME.goaway, 0, 0, numbers(3, 0)),
  ])
  for (let cut = 0; cut < bytes.length; cut++) {
    const server = new FakeServer()
    const diaries = [server.ask(), server.ask(), server.ask()]
    if (cut > 0) await server.say(bytes.subarray(0, cut))
    await server.say(bytes.subarray(cut))
    expect(
      diaries.map(({ lines }) => lines),
      `cut at ${cut}`,
    ).toEqual([
      ['head :status 103 link x', 'head :status 200 content-length 5', 'data hello end'],
      ['head :status 200', 'data other', 'trailers grpc-status 0'],
      ['reset 7'],
    ])
  }
})

test('a client says its preface first, and asks while it has heard nothing', async () => {
  const server = new FakeServer()
  server.ask()
  await turn()
  const sent = server.socket.takeSentBytes()
  expect(sent.subarray(0, PREFACE.length)).toEqual(PREFACE)
  expect(server.socket.writes).toBe(1)
  expect(server.session.isAgreed).toBe(false)
  await server.say(frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1])))
  expect(server.session.isAgreed).toBe(true)
  expect(server.session.streamsMax).toBe(1)
  expect(server.session.hasRoom).toBe(false)
  expect(server.ask().stream).toBeUndefined()
})

test.each<[string, (server: FakeServer) => Buffer[], string]>([
  ['an answer without :status', (server) => [server.headers(1, ['server', 'x'], WHOLE)], 'reset 1'],
  ['101', (server) => [server.headers(1, [':status', '101'], FLAG.endHeaders)], 'reset 1'],
  ['1xx as the end', (server) => [server.headers(1, [':status', '103'], WHOLE)], 'reset 1'],
  ['DATA before the head', () => [frame(FRAME.data, 0, 1, 'x')], 'reset 1'],
  [
    'DATA before the final head',
    (server) => [server.headers(1, [':status', '103'], FLAG.endHeaders), frame(FRAME.data, 0, 1, 'x')],
    'reset 1',
  ],
  [
    'DATA with 204',
    (server) => [server.headers(1, [':status', '204'], FLAG.endHeaders), frame(FRAME.data, 0, 1, 'x')],
    'reset 1',
  ],
  [
    'less than its content-length',
    (server) => [server.headers(1, [':status', '200', 'content-length', '3'], WHOLE)],
    'reset 1',
  ],
  [
    'a field of connections',
    (server) => [server.headers(1, [':status', '200', 'connection', 'close'], WHOLE)],
    'reset 1',
  ],
])('a server that answers with %s breaks its stream only', async (_what, say, line) => {
  const server = new FakeServer()
  const diary = server.ask()
  await server.say(frame(FRAME.settings, 0, 0), ...say(server))
  expect(diary.lines.at(-1)).toBe(line)
  const next = server.ask()
  await server.say(server.headers(3, [':status', '200'], WHOLE))
  expect(next.lines).toEqual(['head :status 200 end'])
})

test.each([
  ['HEAD', 200],
  ['GET', 304],
])('the answer to %s with %i may say a length and has no body', async (method, status) => {
  const server = new FakeServer()
  const diary = server.ask([':method', method, ...REQUEST.slice(2)])
  const fields = [':status', `${status}`, 'content-length', '9']
  await server.say(frame(FRAME.settings, 0, 0), server.headers(1, fields, WHOLE))
  expect(diary.lines).toEqual([`head ${fields.join(' ')} end`])
})

test.each<[string, Buffer, number]>([
  ['pushes', frame(FRAME.pushPromise, FLAG.endHeaders, 1, numbers(2)), CODE.protocol],
  ['allows pushes', frame(FRAME.settings, 0, 0, Buffer.from([0, 2, 0, 0, 0, 1])), CODE.protocol],
  ['opens a stream', new FakePeer().headers(2, [':status', '200'], WHOLE), CODE.protocol],
  ['answers what was not asked', new FakePeer().headers(3, [':status', '200'], WHOLE), CODE.protocol],
])('a server that %s loses the connection', async (_what, bytes, code) => {
  const server = new FakeServer()
  const diary = server.ask()
  await server.say(frame(FRAME.settings, 0, 0), bytes)
  expect(server.errors).toEqual([code])
  expect(diary.lines).toEqual([`reset ${code}`])
})

const SEEDS = 300

test('whatever frames come, a session neither throws nor goes on after an error', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(seed)
    const below = (bound: number): number => random.below(bound)
    const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))
    const isServer = seed % 2 === 0
    const peer = isServer ? new FakeClient() : new FakeServer()
    if (peer instanceof FakeClient) {
      peer.handle = (stream) => {
        stream.sendHeaders([':status', '200'], false)
        stream.sendData(Buffer.alloc(below(100_000)), below(2) === 0)
      }
      await peer.greet()
    } else {
      for (let nth = 0; nth < 4; nth++) peer.ask()
      await peer.say(frame(FRAME.settings, 0, 0))
    }
    const sizes = [0, 4, 5, 6, 8, below(300)]
    const frames = Array.from({ length: 40 }, () => {
      const id = below(8) * (below(8) === 0 ? 1 : 2) + (below(6) === 0 ? 0 : 1)
      if (below(3) > 0)
        return peer.headers(
          id,
          isServer ? REQUEST : [':status', '200'],
          below(2) === 0 ? WHOLE : FLAG.endHeaders,
        )
      return frame(
        below(12),
        below(4) === 0 ? below(256) : below(2),
        id,
        bytesOf(sizes[below(sizes.length)]!),
      )
    })
    const bytes = Buffer.concat(frames)
    if (below(3) === 0) bytes[below(bytes.length)] = below(256)
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + below(500)
      // The socket of a session that ended is closed.
      if (peer.socket.destroyed) break
      await peer.say(bytes.subarray(at, end))
      at = end
    }
    const sent = peer.socket.takeSent()
    const goaways = sent.filter(({ type }) => type === FRAME.goaway)
    expect(goaways.length, `seed ${seed}`).toBeLessThan(2)
    const last = sent.findIndex(({ type }) => type === FRAME.goaway)
    // Nothing is said after it.
    expect([-1, sent.length - 1], `seed ${seed}`).toContain(last)
    peer.socket.destroy()
    await turn()
    expect(peer.session.size, `seed ${seed}`).toBe(0)
  }
})
