import { describe, expect, it } from 'vitest'
import { GET, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer'

describe('connections to a replica', () => {
  it('that nobody uses are kept up to upstreamIdleConnectionsMax, and for upstreamKeepAliveTimeoutMs', async () => {
    const world = await startWorld({
      config: { upstreamIdleConnectionsMax: 5, upstreamKeepAliveTimeoutMs: 20_000 },
    })
    const clients: Wire[] = []
    for (let at = 0; at < 20; at++) clients.push(await world.asking(GET))
    const replicas: Wire[] = []
    for (let at = 0; at < 20; at++) replicas.push(await world.replica.asked())
    expect(world.replica.open).toBe(20)
    for (const replica of replicas) replica.write(ANSWER)
    for (const client of clients) await client.until('answer')
    await eventually('five are left', () => world.replica.open === 5)
    await world.clock.advance(19_000)
    expect(world.replica.open).toBe(5)
    await world.clock.advance(41_000)
    await eventually('none is left', () => world.replica.open === 0)
  })

  it('are used again, and no more are made than requests run at once', async () => {
    const world = await startWorld()
    void world.replica.answerAll(ANSWER)
    const client = await world.client()
    for (let at = 1; at <= 50; at++) {
      client.write(GET)
      await client.untilTimes('answer', at)
    }
    expect(world.replica.connections).toBe(1)
  })

  it('are not used again after a replica has said Connection: close', async () => {
    const world = await startWorld()
    void world.replica.answerAll(ANSWER.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const client = await world.client()
    for (let at = 1; at <= 3; at++) {
      client.write(GET)
      await client.untilTimes('answer', at)
    }
    expect(world.replica.connections).toBe(3)
    await eventually('none is left open', () => world.replica.open === 0)
  })

  it('whose request was not sent whole are not used again', async () => {
    const world = await startWorld()
    const client = await world.asking(
      GET.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 100000\r\n\r\nabc'),
    )
    const replica = await world.replica.asked()
    replica.write(ANSWER)
    await client.until('answer')
    await replica.over()
    const next = await world.asking(GET)
    const fresh = await world.replica.asked()
    fresh.write(ANSWER)
    expect(await next.until('answer')).toContain('HTTP/1.1 200 OK')
    await world.clock.advance(10_000)
    await client.over()
  })
})
