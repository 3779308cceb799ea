import { describe, expect, it } from 'vitest'
import { CHUNKED_POST, GET, postOf, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ways: [string, (client: Wire) => void][] = [
  ['a FIN', (client) => client.vanish()],
  ['an RST', (client) => client.reset()],
]
const uploads: [string, string][] = [
  ['with a length', `${postOf(1_000)}aaaa`],
  ['in chunks', `${CHUNKED_POST}64\r\naaaa`],
]

describe.each(ways)('a client that vanishes by %s', (_way, leave) => {
  it.each(uploads)('while it is queued in mid-upload %s is counted once, as gone', async (_kind, request) => {
    const world = await startWorld({ replicas: 0 })
    const client = await world.asking(request)
    await eventually('it is queued', () => world.queue.waiting === 1)
    leave(client)
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
  })

  it.each(uploads)('while it uploads %s is counted once, as gone', async (_kind, request) => {
    const world = await startWorld()
    const client = await world.asking(request)
    const replica = await world.replica.asked()
    await replica.until(/aaaa/)
    leave(client)
    await replica.over()
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
  })
})

describe('a client that vanishes', () => {
  it('with requests behind the first that it has sent already takes them all along', async () => {
    const world = await startWorld()
    const client = await world.asking(GET + GET + GET)
    const replica = await world.replica.asked()
    client.reset()
    expect(['reset', 'ended']).toContain(await replica.over())
    await world.idle()
    expect(replica.text.split('GET /x')).toHaveLength(2)
    expect(world.replica.connections).toBe(1)
  })
})
