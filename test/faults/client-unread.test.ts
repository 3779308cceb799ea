import { describe, expect, it } from 'vitest'
import { GET, postOf, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ways: [string, (client: Wire) => void][] = [
  ['a FIN', (client) => client.vanish()],
  ['an RST', (client) => client.reset()],
]

/** More than the gateway and the kernel take of a request that waits. */
const MANY_BYTES = 20_000_000

/** A gateway that has stopped reading a client has to find out in another way that it has gone: within this time. */
const NOTICED_MS = 60_000

describe.each(ways)('a client of which not everything is read, and that vanishes by %s', (_way, leave) => {
  it.each([
    ['another request sent ahead', GET, GET],
    ['a large upload', postOf(MANY_BYTES), 'a'.repeat(MANY_BYTES / 2)],
  ])('leaves the queue: %s', async (_what, first, more) => {
    const world = await startWorld({
      replicas: 0,
      config: { bodyIdleTimeoutMs: 3_600_000, bodyBytesPerSecondMin: 0 },
    })
    const client = await world.asking(first)
    await eventually('it is queued', () => world.queue.waiting === 1)
    client.write(more)
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    leave(client)
    await world.clock.advance(NOTICED_MS)
    await eventually('the queue is empty', () => world.queue.waiting === 0)
    expect(world.finished).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
  })

  it('while the replica thinks gives its permit back: another request sent ahead', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    client.write(GET)
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    leave(client)
    await world.clock.advance(NOTICED_MS)
    expect(['ended', 'reset']).toContain(await replica.over())
    await world.idle()
  })

  it('while the replica reads nothing gives its permit back: a large upload', async () => {
    const world = await startWorld({ config: { bodyIdleTimeoutMs: 3_600_000, bodyBytesPerSecondMin: 0 } })
    const client = await world.asking(postOf(MANY_BYTES) + 'a'.repeat(MANY_BYTES / 2))
    const replica = await world.replica.asked()
    replica.socket.pause()
    for (let turn = 0; turn < 2_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    leave(client)
    await world.clock.advance(NOTICED_MS)
    await eventually('nothing is in flight', () => world.queue.inFlight === 0)
    expect(await world.over(1)).toMatchObject([{ refusal: 'CLIENT_GONE' }])
    replica.socket.resume()
    await replica.over()
  })
})
