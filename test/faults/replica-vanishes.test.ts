import { describe, expect, it } from 'vitest'
import { answerOf, expectBrokenOff, GET, postOf, startWorld } from './world.ts'
import { eventually, type Wire } from './wire.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const LENGTH = `${OK}Content-Length: 1000\r\n\r\n`
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

const ways: [string, (replica: Wire) => void][] = [
  ['a FIN', (replica) => replica.finish()],
  ['an RST', (replica) => replica.reset()],
]

describe.each(ways)('a replica that vanishes by %s', (_way, leave) => {
  it.each([
    ['before the head', ''],
    ['in the middle of the status line', 'HTTP/1.1 20'],
    ['in the middle of the head', `${OK}Content-Le`],
    ['before the last line of the head', LENGTH.slice(0, -2)],
    ['after a 103', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('%s is a 502', async (_when, said) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    if (said !== '') replica.write(said)
    leave(replica)
    await client.until(/HTTP\/1\.1 502 [\s\S]*\}$/)
    const { status, body } = answerOf(client.text.slice(client.text.indexOf('HTTP/1.1 502')))
    expect(status).toBe(502)
    expect(JSON.parse(body)).toMatchObject({ code: 'UPSTREAM_RESET' })
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 502, refusal: 'UPSTREAM_RESET' }])
  })

  it.each([
    ['in a body with a length', `${LENGTH}part`],
    ['in the middle of a chunk', `${CHUNKED}64\r\npart`],
    ['in the middle of a chunk size', `${CHUNKED}4\r\npart\r\n1`],
    ['between chunks', `${CHUNKED}4\r\npart\r\n`],
    ['in the middle of the last chunk', `${CHUNKED}4\r\npart\r\n0`],
    ['before the trailers end', `${CHUNKED}4\r\npart\r\n0\r\nx-sum: 1`],
  ])('%s breaks the answer off', async (_when, said) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(said)
    await client.until('part')
    leave(replica)
    await expectBrokenOff(client)
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 200, refusal: 'UPSTREAM_RESET' }])
  })

  it.each([
    ['right after a head with a length', LENGTH],
    ['right after a head in chunks', CHUNKED],
  ])('%s breaks the answer off', async (_when, said) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(said)
    leave(replica)
    await expectBrokenOff(client)
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ refusal: 'UPSTREAM_RESET' }])
  })

  it('while it takes an upload too large to be sent again is a 502, and the client may go on afterwards', async () => {
    const world = await startWorld({ replicas: 2, config: { retriesMax: 2 } })
    const client = await world.asking(postOf(200_000) + 'a'.repeat(150_000))
    const asked = await Promise.race(world.replicas.map((replica) => replica.asked()))
    await eventually('most of it came', () => asked.text.length > 140_000)
    leave(asked)
    await client.until(/HTTP\/1\.1 502 /)
    expect(world.retries).toBe(0)
    await client.until('UPSTREAM_RESET')
    client.write('a'.repeat(50_000))
    await world.idle()
  })

  it.each([
    ['a GET', GET, 0],
    ['an upload', postOf(60_000) + 'a'.repeat(60_000), 60_000],
  ])(
    'before the head is not noticed by the client of %s while another is there',
    async (_kind, request, bytes) => {
      const world = await startWorld({ replicas: 2, config: { retriesMax: 2 } })
      const client = await world.asking(request)
      const asked = world.replicas.map((replica) => replica.asked())
      const first = await Promise.race(asked.map((one, at) => one.then((wire) => ({ wire, at }))))
      leave(first.wire)
      const again = await asked[1 - first.at]!
      await again.until(new RegExp(`\\r\\n\\r\\na{${bytes}}$`))
      again.write(`${OK}Content-Length: 6\r\n\r\nanswer`)
      await client.until('answer')
      expect(client.text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
      expect(world.retries).toBe(1)
      await world.idle()
    },
  )
})

describe('an answer that only its end ends', () => {
  it('is whole after a FIN', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Connection: close\r\n\r\npart`)
    await client.until('part')
    replica.finish()
    await client.until(/\r\n0\r\n\r\n$/)
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 200 }])
    expect(world.finished[0]?.refusal).toBeUndefined()
  })

  it('is broken off after an RST', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Connection: close\r\n\r\npart`)
    await client.until('part')
    replica.reset()
    await expectBrokenOff(client)
    expect(await world.over(1)).toMatchObject([{ status: 200, refusal: 'UPSTREAM_RESET' }])
  })
})

describe('a WebSocket', () => {
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

  it.each([
    ['the client by an RST', (client: Wire) => client.reset()],
    ['the client by a FIN', (client: Wire) => client.vanish()],
    ['the replica by an RST', (_client: Wire, replica: Wire) => replica.reset()],
    ['the replica by a FIN', (_client: Wire, replica: Wire) => replica.vanish()],
  ])('ends on the other side too when it is ended by %s', async (_who, leave) => {
    const world = await startWorld()
    const client = await world.asking(GET.replace(/\r\n\r\n$/, `\r\n${upgrade}`))
    const replica = await world.replica.asked()
    replica.write(`${switched}hello`)
    await client.until('\r\n\r\nhello')
    client.write('hi')
    await replica.until(/\r\n\r\nhi$/)
    expect(world.queue.inFlight).toBe(1)
    leave(client, replica)
    const other = client.socket.destroyed ? replica : client
    expect(['ended', 'reset']).toContain(await other.over())
    other.finish()
    await world.idle()
  })
})
