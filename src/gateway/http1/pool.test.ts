import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { listening } from '../../../test/support/gateway-harness.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import type { Address } from '../../core/replica.ts'
import { EndOfTurn } from '../end-of-turn.ts'
import type { Transport } from '../upstream.ts'
import { Llhttp } from './llhttp.ts'
import { Pool, type PoolOptions } from './pool.ts'
import { connectPlain, type AnswerTaker, type UpstreamConnection } from './upstream-connection.ts'

const PLAIN = { protocol: 'http/1.1', tls: false } as const
const TLS = { protocol: 'http/1.1', tls: true } as const
const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A replica that answers every request, and says what is done to its connections. */
async function replica(): Promise<{ address: Address; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    socket.on('error', () => socket.destroy())
  })
  const address = await listening(server)
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address, sockets }
}

function poolOf(options: Partial<PoolOptions> = {}) {
  const clock = new ManualClock(0)
  const uses: string[] = []
  const pool = new Pool({
    clock,
    llhttp: new Llhttp(),
    endOfTurn: new EndOfTurn(),
    bounds: { headBytesMax: 1_000, headersMax: 10 },
    idleMax: 2,
    idleTimeoutMs: 60_000,
    connect: ({ host, port }, { tls }) => {
      const socket = connectPlain(host, port)
      // To a pool TLS is a name: it hears when the handshake is over.
      if (tls) socket.once('connect', () => socket.emit('secureConnect'))
      return socket
    },
    onConnection: (use) => uses.push(use),
    ...options,
  })
  ends.push(() => pool.close())
  return { pool, clock, uses }
}

/** One request on a connection of the pool; it is given back when its answer is whole. */
function ask(
  pool: Pool,
  address: Address,
  need: 'any' | 'settled' | 'fresh' = 'any',
  transport: Transport = PLAIN,
): Promise<UpstreamConnection> {
  return new Promise((resolve, reject) => {
    const connection = pool.take(address, transport, need)
    const taker: AnswerTaker = {
      method: 'GET',
      connected: () => void connection.socket.write('GET / HTTP/1.1\r\n\r\n'),
      informed: () => {},
      answered: () => {},
      data: () => {},
      flush: () => {},
      ended: () => resolve(connection),
      failed: reject,
    }
    connection.use(taker)
  })
}

describe('Pool', () => {
  it('lends the freshest connection first', async () => {
    const { address } = await replica()
    const { pool, uses } = poolOf()
    const [older, newer] = await Promise.all([ask(pool, address), ask(pool, address)])
    pool.give(older)
    pool.give(newer)
    expect(pool.take(address, PLAIN, 'any')).toBe(newer)
    expect(pool.take(address, PLAIN, 'any')).toBe(older)
    expect(uses).toEqual(['opened', 'opened', 'reused', 'reused'])
  })

  it('opens one where a fresh one is asked for', async () => {
    const { address } = await replica()
    const { pool } = poolOf()
    const first = await ask(pool, address)
    pool.give(first)
    expect(await ask(pool, address, 'fresh')).not.toBe(first)
  })

  it('lends none of this turn where the request cannot be sent twice', async () => {
    const { address } = await replica()
    const { pool } = poolOf()
    const first = await ask(pool, address)
    pool.give(first)
    expect(pool.take(address, PLAIN, 'settled')).not.toBe(first)
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(pool.take(address, PLAIN, 'settled')).toBe(first)
  })

  it('keeps no more than it may', async () => {
    const { address, sockets } = await replica()
    const { pool } = poolOf()
    const all = await Promise.all([1, 2, 3].map(() => ask(pool, address)))
    const closed = Promise.race(sockets.map((socket) => once(socket, 'close')))
    for (const connection of all) pool.give(connection)
    await closed
    expect(pool.idleCount).toBe(2)
  })

  it('forgets a connection that the replica closed, or that speaks unasked', async () => {
    const { address, sockets } = await replica()
    const { pool } = poolOf()
    const both = await Promise.all([ask(pool, address), ask(pool, address)])
    for (const connection of both) pool.give(connection)
    const gone = both.map((connection) => once(connection.socket, 'close'))
    sockets[0]!.end()
    sockets[1]!.write('HTTP/1.1 408 Request Timeout\r\n\r\n')
    await Promise.all(gone)
    expect(pool.idleCount).toBe(0)
  })

  it('closes what lay idle too long, and nothing that was used meanwhile', async () => {
    const { address, sockets } = await replica()
    const { pool, clock } = poolOf()
    const [old, used] = await Promise.all([ask(pool, address), ask(pool, address)])
    pool.give(old)
    pool.give(used)
    await clock.advance(60_000)
    expect(pool.idleCount).toBe(2)
    const taken = pool.take(address, PLAIN, 'any')
    pool.give(taken)
    const closed = Promise.race(sockets.map((socket) => once(socket, 'close')))
    await clock.advance(30_000)
    await closed
    expect(pool.idleCount).toBe(1)
    expect(pool.take(address, PLAIN, 'any')).toBe(taken)
  })

  it('closes those to replicas that are not there any more', async () => {
    const [kept, left] = [await replica(), await replica()]
    const { pool } = poolOf()
    for (const { address } of [kept, left]) pool.give(await ask(pool, address))
    const closed = once(left.sockets[0]!, 'close')
    pool.retain([kept.address])
    await closed
    expect(pool.idleCount).toBe(1)
  })

  it('closes one that was in use when its replica went, as soon as it is given back', async () => {
    const [kept, left] = [await replica(), await replica()]
    const { pool } = poolOf()
    const [of, ofLeft] = [await ask(pool, kept.address), await ask(pool, left.address)]
    pool.retain([kept.address])
    const closed = once(left.sockets[0]!, 'close')
    pool.give(of)
    pool.give(ofLeft)
    await closed
    expect(pool.idleCount).toBe(1)
    // Its place may be taken by another.
    pool.retain([kept.address, left.address])
    pool.give(await ask(pool, left.address))
    expect(pool.idleCount).toBe(2)
  })

  it('lends a connection only to who speaks over it in the same way, with TLS or without', async () => {
    const { address } = await replica()
    const { pool } = poolOf()
    const plain = await ask(pool, address)
    const secure = await ask(pool, address, 'any', TLS)
    for (const connection of [plain, secure]) pool.give(connection)
    pool.retain([address])
    expect(pool.idleCount).toBe(2)
    expect(pool.take(address, PLAIN, 'any')).toBe(plain)
    expect(pool.take(address, PLAIN, 'any')).not.toBe(secure)
    expect(pool.take(address, TLS, 'any')).toBe(secure)
  })
})
