import { describe, expect, it } from 'vitest'
import { CHUNKED_POST, expectBrokenOff, GET, postOf, startWorld } from './world.ts'
import { eventually } from './wire.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'
const uploads: [string, string][] = [
  ['with a length', `${postOf(1_000)}a`],
  ['in chunks', `${CHUNKED_POST}3e8\r\na`],
]

describe('a client that sends its head at a byte a second', () => {
  it('is cut with 408 after headTimeoutMs, however far it has come', async () => {
    const world = await startWorld({ config: { headTimeoutMs: 10_000 } })
    const client = await world.client()
    let sent = 0
    for (const byte of GET.slice(0, 60)) {
      if (!client.isOpen) break
      client.write(byte)
      sent += 1
      await world.clock.advance(1_000)
    }
    expect(await client.until(/\}$/)).toContain('CLIENT_TIMEOUT')
    expect(client.text).toContain('HTTP/1.1 408 ')
    expect(client.text.toLowerCase()).toContain('\r\nconnection: close\r\n')
    expect(sent).toBeLessThanOrEqual(12)
    await client.over()
    expect(world.finished).toMatchObject([{ status: 408, refusal: 'CLIENT_TIMEOUT' }])
    expect(world.replica.connections).toBe(0)
  })

  it('is cut in the head of a later request too', async () => {
    const world = await startWorld({ config: { headTimeoutMs: 10_000, keepAliveTimeoutMs: 60_000 } })
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(ANSWER)
    await client.until('answer')
    // The time of a head begins with its first byte.
    await world.clock.advance(50_000)
    client.write('G')
    await world.clock.advance(9_000)
    client.write('E')
    await world.clock.advance(500)
    expect(client.isOpen).toBe(true)
    await world.clock.advance(1_000)
    await client.until(/HTTP\/1\.1 408 /)
    await client.over()
  })

  it('and finishes in time is served', async () => {
    const world = await startWorld({ config: { headTimeoutMs: 10_000 } })
    const client = await world.client()
    for (let at = 0; at < 9; at++) {
      client.write(GET[at]!)
      await world.clock.advance(1_000)
    }
    client.write(GET.slice(9))
    const replica = await world.replica.asked()
    await world.clock.advance(60_000)
    replica.write(ANSWER)
    expect(await client.until('answer')).toContain('HTTP/1.1 200 OK')
  })
})

describe('a client that says nothing', () => {
  it('from the start is let go after headTimeoutMs', async () => {
    const world = await startWorld({ config: { headTimeoutMs: 10_000 } })
    const client = await world.client()
    await world.clock.advance(9_500)
    expect(client.isOpen).toBe(true)
    await world.clock.advance(800)
    await client.over()
    // A word of farewell is allowed, an answer to nothing is not.
    expect(client.text).toMatch(/^(?:HTTP\/1\.1 408 [\s\S]*)?$/)
  })

  it('after an answer is let go after keepAliveTimeoutMs, without a word', async () => {
    const world = await startWorld({ config: { keepAliveTimeoutMs: 20_000 } })
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(ANSWER)
    await client.until('answer')
    const before = client.text
    await world.clock.advance(19_500)
    expect(client.isOpen).toBe(true)
    await world.clock.advance(800)
    expect(await client.over()).toBe('ended')
    expect(client.text).toBe(before)
  })

  it('because it waits for its answer is never let go', async () => {
    const world = await startWorld({
      config: { headTimeoutMs: 1_000, bodyIdleTimeoutMs: 1_000, keepAliveTimeoutMs: 1_000 },
    })
    world.ready()
    const client = await world.asking(`${postOf(5)}hello`)
    await eventually('it is queued', () => world.queue.waiting === 1)
    await world.clock.advance(600_000)
    world.ready(world.replica.address)
    const replica = await world.replica.asked()
    await world.clock.advance(600_000)
    replica.write(ANSWER)
    expect(await client.until('answer')).toContain('HTTP/1.1 200 OK')
  })
})

describe.each(uploads)('a client in the middle of a body %s', (_kind, request) => {
  it('that falls silent for bodyIdleTimeoutMs is cut with 408, and the replica never sees an end', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000, bodyBytesPerSecondMin: 0 } })
    const client = await world.asking(request)
    const replica = await world.replica.asked()
    await replica.until(/\na(?:\r\n)?$/)
    for (let byte = 2; byte <= 6; byte++) {
      client.write('a')
      // In chunks or not, each byte is passed on as it comes.
      await eventually(
        'it came',
        () => replica.text.split('\r\n\r\n')[1]!.replaceAll(/[^a]/g, '').length >= byte,
      )
      await world.clock.advance(1_000)
    }
    await world.clock.advance(3_500)
    expect(client.isOpen).toBe(true)
    // It is looked at once in that time, so it may take twice as long.
    await world.clock.advance(6_500)
    expect(await client.until(/\}$/)).toContain('CLIENT_TIMEOUT')
    expect(client.text).toContain('HTTP/1.1 408 ')
    expect(['ended', 'reset']).toContain(await replica.over())
    expect(replica.text).not.toContain('\r\n0\r\n\r\n')
    await client.over()
    expect(await world.over(1)).toMatchObject([{ status: 408, refusal: 'CLIENT_TIMEOUT' }])
  })

  it('that falls silent while it is queued leaves the queue with 408', async () => {
    const world = await startWorld({ replicas: 0, config: { bodyIdleTimeoutMs: 5_000 } })
    const client = await world.asking(request)
    await eventually('it is queued', () => world.queue.waiting === 1)
    await world.clock.advance(5_200)
    expect(await client.until(/\}$/)).toContain('CLIENT_TIMEOUT')
    await eventually('the queue is empty', () => world.queue.waiting === 0)
  })
})

describe('a client in the middle of a body', () => {
  it('at a byte a second is served, if that is often enough', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 1_500, bodyBytesPerSecondMin: 0 } })
    const client = await world.asking(`${postOf(30)}a`)
    const replica = await world.replica.asked()
    for (let byte = 2; byte <= 30; byte++) {
      await replica.until(new RegExp(`\\r\\n\\r\\na{${byte - 1}}$`))
      await world.clock.advance(1_000)
      client.write('a')
    }
    await replica.until(/a{30}$/)
    replica.write(ANSWER)
    expect(await client.until('answer')).toContain('HTTP/1.1 200 OK')
  })

  it('at a byte a second is cut with 408, if that is less than bodyBytesPerSecondMin', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000, bodyBytesPerSecondMin: 2 } })
    const client = await world.asking(`${postOf(1_000)}a`)
    const replica = await world.replica.asked()
    for (let byte = 2; byte < 30 && client.isOpen; byte++) {
      await world.clock.advance(1_000)
      client.write('a')
      await eventually('it came', () => !client.isOpen || replica.text.endsWith(`\n${'a'.repeat(byte)}`))
    }
    expect(await client.until(/\}$/)).toContain('CLIENT_TIMEOUT')
    expect(['ended', 'reset']).toContain(await replica.over())
  })

  it('that the gateway has stopped reading is not to blame for the silence', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    world.ready()
    const client = await world.client()
    client.write(postOf(2_000_000))
    client.write(Buffer.alloc(2_000_000, 'a'))
    await eventually('it is queued', () => world.queue.waiting === 1)
    await world.clock.advance(60_000)
    expect(client.isOpen).toBe(true)
    world.ready(world.replica.address)
    const replica = await world.replica.asked()
    await eventually('all of it came', () => replica.text.length > 2_000_000)
    replica.write(ANSWER)
    await client.until('answer')
  })
})

describe('a client that does not read', () => {
  const CHUNK = Buffer.alloc(1_000_000, 'x')
  const BODY_BYTES = 400_000_000

  /** Sends as much as is taken, until nothing has been for many turns. */
  async function sendUntilStalled(socket: {
    write(chunk: Buffer): boolean
    writableNeedDrain: boolean
  }): Promise<number> {
    let sent = 0
    for (let quietTurns = 0; quietTurns < 2_000; quietTurns++) {
      if (!socket.writableNeedDrain && sent < BODY_BYTES) {
        socket.write(CHUNK)
        sent += CHUNK.length
        quietTurns = 0
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    return sent
  }

  it('stops its replica in constant memory, and is cut by bodyIdleTimeoutMs', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    const client = await world.asking(GET)
    client.socket.pause()
    const replica = await world.replica.asked()
    const beforeBytes = process.memoryUsage.rss()
    replica.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`)
    expect(await sendUntilStalled(replica.socket)).toBeLessThan(40_000_000)
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(60_000_000)
    await world.clock.advance(4_500)
    expect(world.queue.inFlight).toBe(1)
    await world.clock.advance(1_000)
    expect(['ended', 'reset']).toContain(await replica.over())
    await world.idle()
    client.socket.resume()
    await expectBrokenOff(client)
    expect(await world.over(1)).toMatchObject([{ status: 200 }])
    expect(world.finished[0]?.refusal).toBeDefined()
  })

  it('for a while only gets the whole answer', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    const client = await world.client()
    let received = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (chunk: Buffer) => (received += chunk.length))
    client.write(GET)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n')
    for (let sent = 0; sent < 60; sent++) replica.write(CHUNK)
    for (let pause = 0; pause < 5; pause++) {
      client.socket.pause()
      await world.clock.advance(4_000)
      const before = received
      client.socket.resume()
      // More than lies in the kernel's buffers: what is taken from there the gateway cannot see.
      await eventually('it reads', () => received > before + 9_000_000)
    }
    await eventually('all came', () => received > 60_000_000)
    await world.idle()
    expect(world.finished).toMatchObject([{ status: 200 }])
    expect(world.finished[0]?.refusal).toBeUndefined()
  })
})
