import { describe, expect, it } from 'vitest'
import { CHUNKED_POST, GET, postOf, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const ways: [string, (client: Wire) => void][] = [
  ['a FIN', (client) => client.vanish()],
  ['an RST', (client) => client.reset()],
]

describe.each(ways)('a client that vanishes by %s', (_way, leave) => {
  it('while it is queued leaves the queue at once', async () => {
    const world = await startWorld({ replicas: 0 })
    const client = await world.asking(GET)
    await eventually('it is queued', () => world.queue.waiting === 1)
    leave(client)
    await eventually('the queue is empty', () => world.queue.waiting === 0)
    expect(await world.over(1)).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
    expect(world.queueLeft).toEqual(['gone'])
  })

  it.each([
    ['with a length', postOf(1_000), 'a'.repeat(100)],
    ['in chunks', CHUNKED_POST, '64\r\naaaa'],
  ])('while it is queued in mid-upload %s leaves the queue at once', async (_kind, head, part) => {
    const world = await startWorld({ replicas: 0 })
    const client = await world.asking(head + part)
    await eventually('it is queued', () => world.queue.waiting === 1)
    leave(client)
    await eventually('the queue is empty', () => world.queue.waiting === 0)
    expect(world.queue.waitingBytes).toBe(0)
    await eventually('it is counted', () => world.finished.some(({ refusal }) => refusal === 'CLIENT_GONE'))
  })

  it('among many that wait takes only itself out of the queue', async () => {
    const world = await startWorld({ replicas: 0 })
    const clients: Wire[] = []
    for (let at = 0; at < 20; at++) clients.push(await world.asking(GET.replace('/x', `/${at}`)))
    await eventually('all are queued', () => world.queue.waiting === 20)
    for (const [at, client] of clients.entries()) if (at % 2 === 1) leave(client)
    await eventually('half are left', () => world.queue.waiting === 10)
    expect(world.queueLeft).toEqual(Array.from({ length: 10 }, () => 'gone'))
  })

  it.each([
    ['with a length', postOf(1_000), 'a'.repeat(100)],
    ['in chunks', CHUNKED_POST, '64\r\naaaa'],
  ])('while it uploads %s breaks off the request to the replica', async (_kind, head, part) => {
    const world = await startWorld()
    const client = await world.asking(head + part)
    const replica = await world.replica.asked()
    await replica.until(/aaaa/)
    leave(client)
    // A clean end of the connection would be one too, but never the end of the body.
    expect(['reset', 'ended']).toContain(await replica.over())
    expect(replica.text).not.toContain('\r\n0\r\n')
    await world.idle()
    await eventually('it is counted', () => world.finished.some(({ refusal }) => refusal === 'CLIENT_GONE'))
  })

  it('while the replica thinks gives its permit and connection back', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    expect(world.queue.inFlight).toBe(1)
    leave(client)
    expect(['reset', 'ended']).toContain(await replica.over())
    expect(await world.over(1)).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
    await world.idle()
  })

  it.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n', 'part'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '4\r\npart\r\n'],
    ['until the end', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', 'part'],
  ])('while it reads an answer %s closes the connection to the replica', async (_kind, head, part) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(head + part)
    await client.until('part')
    leave(client)
    // A client that has only ended its direction still reads: what comes next tells the two apart.
    replica.write(part)
    expect(['reset', 'ended']).toContain(await replica.over())
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 200, refusal: 'CLIENT_GONE' }])
  })

  it('in the middle of a head is no request', async () => {
    const world = await startWorld()
    const client = await world.asking(GET.slice(0, 20))
    leave(client)
    const next = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 204 No Content\r\n\r\n')
    await next.until('HTTP/1.1 204')
    expect(world.replica.connections).toBe(1)
  })

  it('after its answer does not disturb the next request to the replica', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst')
    await client.until('first')
    leave(client)
    await world.idle()
    const next = await world.asking(GET)
    await eventually('it was asked again', () => replica.text.split('GET /x').length === 3)
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond')
    await next.until('second')
    expect(world.replica.connections).toBe(1)
  })
})

describe('a client that vanishes', () => {
  it('and comes back a hundred times leaves nothing behind', async () => {
    const world = await startWorld()
    for (let round = 0; round < 100; round++) {
      const client = await world.asking(round % 2 === 0 ? GET : `${postOf(10)}aaaa`)
      const replica = await world.replica.asked()
      if (round % 3 === 0) client.reset()
      else client.vanish()
      await replica.over()
      replica.vanish()
    }
    await world.idle()
    expect(world.finished.length).toBeGreaterThanOrEqual(100)
  })
})
