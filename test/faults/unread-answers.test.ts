import { connect } from 'node:http2'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { bothEnds, turns, unreadWorld } from './unread.ts'
import { CHUNKED_POST, GET, HOST, postOf, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'
/** How long a client may take to close after the gateway has. */
const LINGER_MS = 2_000

describe('a client whose last answer lies unsent', () => {
  it('gets all of it when it reads on, however long that takes', async () => {
    const { world, client, server, replica } = await unreadWorld({ config: { bodyIdleTimeoutMs: 60_000 } })
    const before = world.finished.length
    replica.write(ANSWER)
    await world.over(before + 1)
    expect(server.writableLength).toBeGreaterThan(0)
    await world.clock.advance(55_000)
    client.socket.resume()
    expect(await client.over()).toBe('ended')
    expect(client.text.endsWith('answer')).toBe(true)
  })

  it('is cut when it takes nothing for bodyIdleTimeoutMs', async () => {
    const { world, client, server, replica } = await unreadWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    const before = world.finished.length
    replica.write(ANSWER)
    await world.over(before + 1)
    await turns(20)
    await world.clock.advance(4_800)
    expect(server.destroyed).toBe(false)
    await world.clock.advance(400)
    expect(server.destroyed).toBe(true)
    client.socket.resume()
    await client.over()
    expect(client.text.endsWith('answer')).toBe(false)
  })

  it('and that stays open after its end is let go', async () => {
    const world = await startWorld()
    const { client, server } = await bothEnds(world)
    client.write(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const replica = await world.replica.asked()
    replica.write(ANSWER)
    expect(await client.over()).toBe('ended')
    client.write('what nobody asked for')
    await world.clock.advance(LINGER_MS - 200)
    expect(server.destroyed).toBe(false)
    await world.clock.advance(400)
    expect(server.destroyed).toBe(true)
  })
})

describe.each(['GET', 'HEAD'])('a client that asks on and on with %s and reads nothing', (method) => {
  /** Each is answered in the turn in which it is read. */
  const REFUSED = GET.replace(HOST, 'nobody.localhost').replace('GET', method).repeat(500)

  async function unread(client: Wire, server: Socket): Promise<number> {
    client.socket.pause()
    let asked = 0
    await eventually('it is read no more', () => {
      if (client.socket.writableLength < REFUSED.length * 10) {
        client.write(REFUSED)
        asked += 500
      }
      return server.isPaused() && client.socket.writableLength > 0
    })
    await turns(20)
    return asked
  }

  it('is not read either, and is cut when it takes nothing for bodyIdleTimeoutMs', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    const { client, server } = await bothEnds(world)
    await unread(client, server)
    const answered = world.finished.length
    await world.clock.advance(4_800)
    expect(server.destroyed).toBe(false)
    await world.clock.advance(400)
    expect(server.destroyed).toBe(true)
    expect(world.finished).toHaveLength(answered)
  })

  it('gets the answers to all when it reads again', async () => {
    const world = await startWorld()
    const { client, server } = await bothEnds(world)
    const asked = await unread(client, server)
    let answers = 0
    let rest = ''
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString('latin1')).split('HTTP/1.1 404 ')
      rest = parts.at(-1)!.slice(-12)
      answers += parts.length - 1
    })
    client.socket.resume()
    await eventually('all answers came', () => answers === asked)
    expect(client.isOpen).toBe(true)
  })
})

describe('a replica that says one 103 after the other to a client that reads nothing', () => {
  it('does not fill the memory', async () => {
    const world = await startWorld()
    const { client, server } = await bothEnds(world)
    client.socket.pause()
    client.write(GET)
    const replica = await world.replica.asked()
    const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${'a'.repeat(1_000)}>\r\n\r\n`.repeat(1_000)
    for (let sent = 0; sent < 30; sent++) {
      replica.write(hint)
      await eventually('it was taken', () => replica.socket.writableLength === 0)
    }
    await turns(50)
    expect(server.writableLength).toBeGreaterThan(0)
    expect(server.writableLength).toBeLessThan(1_000_000)
    replica.write(ANSWER)
    client.socket.resume()
    await client.until('answer')
  })
})

describe('a drain', () => {
  it('waits until a slow reader has its last answer', async () => {
    const { world, client, server, replica } = await unreadWorld()
    const before = world.finished.length
    const drained = world.gateway.drain()
    replica.write(ANSWER)
    await world.over(before + 1)
    await turns(50)
    expect(server.writableLength).toBeGreaterThan(0)
    client.socket.resume()
    expect(await client.over()).toBe('ended')
    expect(client.text.endsWith('answer')).toBe(true)
    client.finish()
    await drained
  })

  it('is over after drainTimeoutMs, whoever has not read', async () => {
    const { world, client, server, replica } = await unreadWorld({ config: { drainTimeoutMs: 10_000 } })
    const before = world.finished.length
    const drained = world.gateway.drain()
    replica.write(ANSWER)
    await world.over(before + 1)
    await world.clock.advance(9_900)
    expect(server.destroyed).toBe(false)
    await world.clock.advance(200)
    await drained
    expect(server.destroyed).toBe(true)
    client.socket.resume()
    await client.over()
  })

  it.each([
    ['with a length', postOf(1_000)],
    ['in chunks', `${CHUNKED_POST}3e8\r\n`],
  ])('resets nobody who still sends the rest of a body %s that was answered early', async (_kind, head) => {
    const world = await startWorld()
    const client = await world.asking(`${head}half`)
    const replica = await world.replica.asked()
    const drained = world.gateway.drain()
    let isOver = false
    void drained.then(() => (isOver = true))
    replica.write(ANSWER)
    await client.until('answer')
    client.write('more')
    await turns(50)
    client.write('and more')
    await turns(50)
    expect(isOver).toBe(false)
    expect(await client.over()).toBe('ended')
    client.finish()
    await drained
  })

  it('does not wait for clients that keep a connection and ask nothing', async () => {
    const world = await startWorld()
    void world.replica.answerAll(ANSWER)
    const client = await world.asking(GET)
    await client.until('answer')
    const drained = world.gateway.drain()
    expect(await client.over()).toBe('ended')
    await world.clock.advance(LINGER_MS + 200)
    await drained
  })

  it('waits until a client of HTTP/2 has let its answer come', async () => {
    const world = await startWorld()
    const session = connect(`http://127.0.0.1:${world.port}`, { settings: { initialWindowSize: 0 } })
    try {
      const stream = session.request({ ':authority': HOST, ':path': '/x' })
      let body = ''
      stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
      const replica = await world.replica.asked()
      const drained = world.gateway.drain()
      let isOver = false
      void drained.then(() => (isOver = true))
      replica.write(ANSWER)
      await world.over(1)
      await turns(100)
      expect(isOver).toBe(false)
      expect(body).toBe('')
      const ended = new Promise((resolve) => stream.on('end', resolve))
      session.settings({ initialWindowSize: 65_535 })
      await ended
      expect(body).toBe('answer')
      await drained
    } finally {
      session.destroy()
    }
  })
})
