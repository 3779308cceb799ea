import { describe, expect, it } from 'vitest'
import { GET, HOST, startWorld } from './world.ts'
import { eventually } from './wire.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'

describe('a client in the middle of a body', () => {
  it('that waits for 100 Continue is not to blame for the silence', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 5_000 } })
    world.ready()
    const client = await world.asking(
      `POST /x HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    )
    await eventually('it is queued', () => world.queue.waiting === 1)
    await world.clock.advance(60_000)
    expect(client.text).toBe('')
    world.ready(world.replica.address)
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('hello')
    const replica = await world.replica.asked()
    await replica.until('hello')
    replica.write(ANSWER)
    expect(await client.until('answer')).toContain('HTTP/1.1 200 OK')
  })
})

describe('a client that ends its direction', () => {
  it('after several requests gets every answer, in order', async () => {
    const world = await startWorld()
    const client = await world.asking(GET + GET + GET)
    client.finish()
    const replica = await world.replica.asked()
    for (const [at, word] of ['one', 'two', 'six'].entries()) {
      await eventually(`request ${at} came`, () => replica.text.split('GET /x').length === at + 2)
      replica.write(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n${word}`)
      await client.until(word)
    }
    expect(await client.over()).toBe('ended')
    expect(client.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  })
})
