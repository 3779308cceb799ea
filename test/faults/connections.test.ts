import { describe, expect, it } from 'vitest'
import { answerOf, GET, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'

async function served(client: Wire): Promise<void> {
  client.write(GET)
  await client.until('answer')
}

describe('connectionsMax', () => {
  it('refuses one more with 503, and takes the next one as soon as one has gone', async () => {
    const world = await startWorld({ config: { connectionsMax: 3 } })
    void world.replica.answerAll(ANSWER)
    const clients = [await world.client(), await world.client(), await world.client()]
    for (const client of clients) await served(client)
    const tooMany = await world.asking(GET)
    await tooMany.until(/\}$/)
    expect(await tooMany.over()).toBe('ended')
    const { status, head, body } = answerOf(tooMany.text)
    expect(status).toBe(503)
    expect(head).toContain('connection: close')
    expect(head).toContain('retry-after: ')
    expect(JSON.parse(body)).toMatchObject({ code: 'CONNECTION_LIMIT' })
    expect(world.refusedConnections).toEqual(['limit'])
    clients[1]!.vanish()
    await eventually('one has gone', () => world.connections === 2)
    await served(await world.client())
    expect(world.connections).toBe(3)
  })

  it('counts connections that have said nothing yet', async () => {
    const world = await startWorld({ config: { connectionsMax: 2 } })
    void world.replica.answerAll(ANSWER)
    await world.client()
    await world.client()
    const tooMany = await world.asking(GET)
    expect(await tooMany.until(/\}$/)).toContain('CONNECTION_LIMIT')
    await tooMany.over()
  })
})

describe('connectionsPerAddressMax', () => {
  it('refuses one more of an address, and none of another', async () => {
    const world = await startWorld({ config: { connectionsPerAddressMax: 2 } })
    void world.replica.answerAll(ANSWER)
    const first = await world.client({ localAddress: '127.0.0.2' })
    const second = await world.client({ localAddress: '127.0.0.2' })
    await served(first)
    await served(second)
    const tooMany = await world.client({ localAddress: '127.0.0.2' })
    tooMany.write(GET)
    await tooMany.until('CONNECTION_LIMIT')
    expect(world.refusedConnections).toEqual(['per-address'])
    await served(await world.client({ localAddress: '127.0.0.3' }))
    first.reset()
    await eventually('one has gone', () => world.connections === 2)
    await served(await world.client({ localAddress: '127.0.0.2' }))
  })
})

describe('requestsPerConnectionMax', () => {
  it('says Connection: close with the last answer, and serves no more of that connection', async () => {
    const world = await startWorld({ config: { requestsPerConnectionMax: 3 } })
    void world.replica.answerAll(ANSWER)
    const client = await world.asking(GET)
    await client.until('answer')
    client.write(GET)
    await client.untilTimes('answer', 2)
    expect(client.text.toLowerCase()).not.toContain('connection: close')
    // The fourth is on its way already: it is not answered, and its client may send it elsewhere.
    client.write(GET + GET)
    expect(await client.over()).toBe('ended')
    const answers = client.text.split('HTTP/1.1 200 OK').slice(1)
    expect(answers).toHaveLength(3)
    expect(answers[2]!.toLowerCase()).toContain('connection: close')
    await world.idle()
    expect(await world.over(3)).toHaveLength(3)
    await served(await world.client())
  })
})

describe('a listener', () => {
  it('outlives a storm of connections that come and go', async () => {
    const world = await startWorld()
    void world.replica.answerAll(ANSWER)
    for (let round = 0; round < 20; round++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => world.client()))
      for (const [at, client] of clients.entries()) {
        if (at % 3 === 0) client.write(GET.slice(0, at))
        if (at % 2 === 0) client.reset()
        else client.vanish()
      }
    }
    await eventually('all have gone', () => world.connections === 0)
    await served(await world.client())
    expect(world.refusedConnections).toEqual([])
  })
})
