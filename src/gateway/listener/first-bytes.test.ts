import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { FirstBytes } from './first-bytes.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const wheel = new TimerWheel(new ManualClock())
let server: Server
let port: number

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  port = typeof bound === 'object' && bound !== null ? bound.port : 0
})

afterAll(() => void server.close())

/** What becomes of a connection whose client sends these pieces, each read by itself. */
async function sent(pieces: readonly string[], mayBeHttp2 = true): Promise<{ as: string; bytes: string }> {
  const client = connect({ port, host: '127.0.0.1', noDelay: true })
  const [socket]: Socket[] = await once(server, 'connection')
  if (socket === undefined) throw new Error('no connection')
  let bytes = ''
  let as = 'nothing yet'
  const listen = (): void => void socket.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')))
  const taker = {
    http1: (first: Buffer): void => {
      as = 'http1'
      bytes += first.toString('latin1')
      listen()
    },
    http2: (): void => {
      as = 'http2'
      expect(socket.isPaused()).toBe(true)
      listen()
      socket.resume()
    },
  }
  const firstBytes = new FirstBytes(socket, taker, { wheel, timeoutMs: 1_000, mayBeHttp2 })
  socket.on('close', () => firstBytes.stop())
  let length = 0
  for (const piece of pieces) {
    client.write(piece)
    length += piece.length
    while (socket.bytesRead < length) await new Promise((resolve) => setImmediate(resolve))
  }
  const isAll = (): boolean => as === 'nothing yet' || bytes.length >= length
  while (!isAll()) await new Promise((resolve) => setImmediate(resolve))
  const closed = once(socket, 'close')
  client.destroy()
  socket.destroy()
  await closed
  return { as, bytes }
}

describe('FirstBytes', () => {
  it('knows the preface of HTTP/2 wherever it is cut', async () => {
    const whole = `${PREFACE}\0\0\0\x04\0\0\0\0\0`
    for (let cut = 1; cut < whole.length; cut++) {
      expect(await sent([whole.slice(0, cut), whole.slice(cut)]), `cut at ${cut}`).toEqual({
        as: 'http2',
        bytes: whole,
      })
    }
    expect(await sent(whole.split(''))).toEqual({ as: 'http2', bytes: whole })
  })

  it.each([
    [['GET / HTTP/1.1\r\n']],
    [['P', 'OST / HTTP/1.1\r\n']],
    [['PR', 'OPFIND / HTTP/1.1\r\n']],
    [['PRI * HTTP/2.0\r\n', '\r\nXX\r\n\r\n', 'more']],
    [['PRI * HTTP/1.1\r\n']],
    [['\0']],
  ])('hands %j on as HTTP/1.1', async (pieces) => {
    expect(await sent(pieces)).toEqual({ as: 'http1', bytes: pieces.join('') })
  })

  it('hands a preface on as HTTP/1.1 where something else was agreed on', async () => {
    expect(await sent([PREFACE], false)).toEqual({ as: 'http1', bytes: PREFACE })
  })

  it('waits while it may still be either', async () => {
    expect(await sent([PREFACE.slice(0, 23)])).toEqual({ as: 'nothing yet', bytes: '' })
    expect(wheel.size).toBe(0)
  })
})
