import { expect, test } from 'vitest'
import { CODE } from './errors.ts'
import { FakeClient, frame, numbers, REQUEST, setting, WHOLE } from './fake-wire.ts'
import { FLAG, FRAME, SETTING } from './frames.ts'

const bounds = {
  resets: { burst: 20, perSecond: 10 },
  control: { burst: 50, perSecond: 10 },
  continuationsMax: 3,
}

type Say = (client: FakeClient, round: number) => Buffer[]
const id = (round: number): number => round * 2 + 1

test.each<[string, Say]>([
  [
    'streams that are opened and reset (CVE-2023-44487)',
    (client, round) => [
      client.headers(id(round), REQUEST, WHOLE),
      frame(FRAME.rstStream, 0, id(round), numbers(CODE.cancel)),
    ],
  ],
  [
    'streams that make us reset them (CVE-2025-8671)',
    (client, round) => [
      client.headers(id(round), REQUEST, FLAG.endHeaders),
      frame(FRAME.windowUpdate, 0, id(round), numbers(0)),
    ],
  ],
  ['malformed heads', (client, round) => [client.headers(id(round), ['x', 'y'], WHOLE)]],
  ['PING', () => [frame(FRAME.ping, 0, 0, '12345678')]],
  ['SETTINGS', () => [frame(FRAME.settings, 0, 0, setting(SETTING.initialWindowSize, 65_535))]],
  ['acknowledgements', () => [frame(FRAME.settings, FLAG.ack, 0)]],
  ['windows that open by 1', () => [frame(FRAME.windowUpdate, 0, 0, numbers(1))]],
  ['PRIORITY', () => [frame(FRAME.priority, 0, 1, Buffer.alloc(5))]],
  ['unknown frames', () => [frame(0x20, 0, 0)]],
  [
    'empty DATA',
    (client, round) =>
      round === 0 ? [client.headers(1, REQUEST, FLAG.endHeaders)] : [frame(FRAME.data, 0, 1)],
  ],
  [
    'DATA on a stream that we reset',
    (client, round) => {
      if (round === 1) client.streams[0]!.reset(CODE.cancel)
      return round === 0 ? [client.headers(1, REQUEST, FLAG.endHeaders)] : [frame(FRAME.data, 0, 1)]
    },
  ],
])('a flood of %s is cut off', async (_what, say) => {
  const client = new FakeClient({ floods: bounds })
  await client.greet()
  let rounds = 0
  while (!client.socket.destroyed && rounds < 200) await client.say(...say(client, rounds++))
  expect(rounds).toBeGreaterThan(15)
  expect(rounds).toBeLessThan(100)
  const goaway = client.socket.takeSent().findLast(({ type }) => type === FRAME.goaway)
  expect(goaway?.payload.readUInt32BE(4)).toBe(CODE.enhanceYourCalm)
})

test.each<[string, Say]>([
  [
    'cancels at a rate that is allowed',
    (client, round) => [
      client.headers(id(round), REQUEST, WHOLE),
      frame(FRAME.rstStream, 0, id(round), numbers(CODE.cancel)),
    ],
  ],
  ['PINGs at a rate that is allowed', () => [frame(FRAME.ping, 0, 0, '12345678')]],
])('a client that %s goes on for ever', async (_what, say) => {
  const client = new FakeClient({ floods: bounds })
  await client.greet()
  for (let round = 0; round < 500; round++) {
    client.nowMs += 100
    await client.say(...say(client, round))
  }
  expect(client.socket.destroyed).toBe(false)
})

test('a client that reads a large answer in small pieces is no flood', async () => {
  const client = new FakeClient({ floods: bounds })
  client.handle = (stream) => {
    stream.sendHeaders([':status', '200'], false)
    stream.sendData(Buffer.alloc(1_000_000), true)
  }
  await client.greet()
  await client.say(client.headers(1, REQUEST, WHOLE))
  let bytes = 0
  while (!client.socket.destroyed && bytes < 1_000_000) {
    for (const { payload, type } of client.socket.takeSent()) {
      if (type !== FRAME.data) continue
      for (let at = 0; at < payload.length; at += 4_096) {
        const piece = numbers(Math.min(4_096, payload.length - at))
        await client.say(frame(FRAME.windowUpdate, 0, 0, piece), frame(FRAME.windowUpdate, 0, 1, piece))
      }
      bytes += payload.length
    }
  }
  expect(bytes).toBe(1_000_000)
  expect(client.streams[0]!.isClosed).toBe(true)
})

test.each([
  ['in too many frames', [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)]],
  ['in too many bytes', [Buffer.alloc(16_000), Buffer.alloc(16_000)]],
])('a head %s is cut off before it is whole (CVE-2024-27316)', async (_what, parts) => {
  const client = new FakeClient({ floods: bounds, listBytesMax: 20_000 })
  await client.greet()
  await client.say(
    client.headers(1, REQUEST, FLAG.endStream),
    ...parts.map((part) => frame(FRAME.continuation, 0, 1, part)),
  )
  expect(client.lines).toContain(`connection error ${CODE.enhanceYourCalm}`)
})

test('a head in as many frames as are allowed is taken', async () => {
  const client = new FakeClient({ floods: bounds })
  await client.greet()
  const block = client.block(REQUEST)
  await client.say(
    frame(FRAME.headers, FLAG.endStream, 1, block.subarray(0, 2)),
    frame(FRAME.continuation, 0, 1, block.subarray(2, 9)),
    frame(FRAME.continuation, 0, 1),
    frame(FRAME.continuation, FLAG.endHeaders, 1, block.subarray(9)),
  )
  expect(client.diaries[0]!.lines).toEqual([`request ${REQUEST.join(' ')} end`])
})
