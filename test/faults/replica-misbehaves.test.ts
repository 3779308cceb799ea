import { describe, expect, it } from 'vitest'
import { expectBrokenOff, GET, postOf, startWorld } from './world.ts'
import { eventually } from './wire.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

describe('a replica that speaks no HTTP', () => {
  it.each([
    ['noise', '\x00\x01\x02\x03 what?\r\n\r\n'],
    ['a TLS alert', '\x15\x03\x01\x00\x02\x02\x46'],
    ['a request', 'GET / HTTP/1.1\r\nHost: me\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['two lengths', `${OK}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`],
    [
      'a length and chunks',
      `${OK}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
    ],
    ['a header without a name', `${OK}: nothing\r\n\r\n`],
    ['a header cut by NUL', `${OK}X-A: a\x00b\r\n\r\n`],
  ])('but %s is a 502, and its connection is not used again', async (_what, said) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(said)
    await client.until(/HTTP\/1\.1 502 [\s\S]*\}$/)
    await replica.over()
    const next = await world.asking(GET)
    const another = await world.replica.asked()
    another.write(`${OK}Content-Length: 6\r\n\r\nanswer`)
    expect(await next.until('answer')).toContain('HTTP/1.1 200 OK')
    await world.idle()
  })

  const badChunks: [string, string][] = [
    ['no size', 'nonsense\r\n'],
    ['more than its size', '4\r\npartially\r\n0\r\n\r\n'],
    ['a size beyond all bounds', 'fffffffffffffffff\r\n'],
  ]

  it.each(badChunks)('in its chunks (%s) has its answer broken off', async (_what, chunks) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`)
    await client.until('part')
    replica.write(chunks)
    await expectBrokenOff(client)
    expect(['ended', 'reset']).toContain(await replica.over())
    await world.idle()
  })

  it.each(badChunks)(
    'in its first chunk (%s) is a 502, or has its answer broken off',
    async (_what, chunks) => {
      const world = await startWorld()
      const client = await world.asking(GET)
      const replica = await world.replica.asked()
      replica.write(`${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}`)
      expect(['ended', 'reset']).toContain(await replica.over())
      await world.idle()
      const how = await Promise.race([
        client.over(),
        client.until(/^HTTP\/1\.1 502 [\s\S]*\}$/).then(() => 'refused'),
      ])
      expect(['reset', 'refused']).toContain(how)
      expect(client.text).not.toContain('partially')
    },
  )
})

describe('a replica that says too much', () => {
  it.each([
    ['more than its length', `${OK}Content-Length: 4\r\n\r\npartisan`],
    ['a body for a 204', 'HTTP/1.1 204 No Content\r\n\r\nsurprise'],
    ['a second answer', `${OK}Content-Length: 4\r\n\r\npart${OK}Content-Length: 5\r\n\r\nstray`],
  ])('(%s) never has it shown to anyone', async (_what, said) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(said)
    await replica.over()
    void world.replica.answerAll(`${OK}Content-Length: 6\r\n\r\nanswer`)
    const second = await world.asking(GET)
    await second.until('answer')
    // The first client's connection has ended with its answer, or goes on as if nothing had been.
    if (client.isOpen) {
      client.write(GET)
      await client.until('answer')
    }
    for (const { text } of [client, second]) expect(text).not.toMatch(/isan|surprise|stray/)
    await world.idle()
  })

  it('on an idle connection loses that connection, and the next request does not see it', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Content-Length: 5\r\n\r\nfirst`)
    await client.until('first')
    await world.idle()
    replica.write(`${OK}Content-Length: 5\r\n\r\nstray`)
    await replica.over()
    client.write(GET)
    const next = await world.replica.asked()
    next.write(`${OK}Content-Length: 6\r\n\r\nsecond`)
    await client.until('second')
    expect(client.text).not.toContain('stray')
  })
})

describe('a replica that closes idle connections', () => {
  it.each([
    ['a FIN', 'vanish' as const],
    ['an RST', 'reset' as const],
  ])('by %s is asked on another one', async (_way, how) => {
    const world = await startWorld()
    for (let round = 0; round < 20; round++) {
      const client = await world.asking(GET)
      const replica = await world.replica.asked()
      replica.write(`${OK}Content-Length: 2\r\n\r\nok`)
      await client.until('ok')
      replica[how]()
    }
    expect(world.retries).toBe(0)
    await world.idle()
    expect(await world.over(20)).toEqual(
      Array.from({ length: 20 }, () => expect.objectContaining({ status: 200 }) as unknown),
    )
  })

  it.each([
    ['a GET', GET],
    ['an upload', `${postOf(5)}hello`],
  ])('just as %s arrives is asked again on a new one, and nobody is told', async (_what, request) => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Content-Length: 5\r\n\r\nfirst`)
    await client.until('first')
    await world.idle()
    const closes = replica.until(/GET \/x[\s\S]+(?:GET|POST) \/x/).then(() => replica.reset())
    client.write(request)
    await closes
    const fresh = await world.replica.asked()
    fresh.write(`${OK}Content-Length: 6\r\n\r\nsecond`)
    await client.until('second')
    expect(client.text).not.toContain('HTTP/1.1 5')
    expect(world.retries).toBe(0)
    await world.idle()
  })
})

describe('a replica that does not answer', () => {
  it('is given up after responseStartTimeout', async () => {
    const world = await startWorld({ limits: { responseStartTimeoutMs: 5_000 } })
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    await world.clock.advance(4_500)
    expect(client.text).toBe('')
    await world.clock.advance(600)
    expect(await client.until(/\}$/)).toContain('RESPONSE_START_TIMEOUT')
    expect(['ended', 'reset']).toContain(await replica.over())
    await world.idle()
  })

  it('is given up after the time of the whole request, whatever it drips meanwhile', async () => {
    const world = await startWorld({ limits: { timeoutMs: 10_000, idleTimeoutMs: 3_000 } })
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Content-Length: 1000\r\n\r\n`)
    for (let byte = 1; byte <= 9; byte++) {
      replica.write('x')
      await client.until(new RegExp(`\\r\\n\\r\\nx{${byte}}$`))
      await world.clock.advance(1_000)
    }
    await world.clock.advance(1_200)
    await expectBrokenOff(client)
    expect(await world.over(1)).toMatchObject([{ status: 200, refusal: 'REQUEST_TIMEOUT' }])
    await replica.over()
  })

  it('after its head is cut by idleTimeout', async () => {
    const world = await startWorld({ limits: { idleTimeoutMs: 5_000 } })
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write(`${OK}Content-Length: 1000\r\n\r\npart`)
    await client.until('part')
    await world.clock.advance(4_500)
    replica.write('more')
    await client.until('partmore')
    await world.clock.advance(4_500)
    expect(client.socket.destroyed).toBe(false)
    await world.clock.advance(700)
    await expectBrokenOff(client)
    expect(['ended', 'reset']).toContain(await replica.over())
  })
})

describe('a replica that does not read', () => {
  it('stops its client, and lets both go when the client leaves', async () => {
    const world = await startWorld()
    const client = await world.client()
    client.write(postOf(50_000_000))
    client.write(Buffer.alloc(10_000))
    const replica = await world.replica.asked()
    replica.socket.pause()
    const chunk = Buffer.alloc(1_000_000)
    let sent = 0
    let quietTurns = 0
    while (quietTurns < 2_000) {
      if (sent < 40_000_000 && !client.socket.writableNeedDrain) {
        client.write(chunk)
        sent += chunk.length
        quietTurns = 0
      }
      quietTurns += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    // What is under way is bounded by the kernel's buffers and the gateway's own.
    expect(sent).toBeLessThan(30_000_000)
    client.reset()
    replica.socket.resume()
    expect(['ended', 'reset']).toContain(await replica.over())
    await world.idle()
  })

  it('is given up after responseStartTimeout, with its client', async () => {
    const world = await startWorld({ limits: { responseStartTimeoutMs: 5_000 } })
    const client = await world.client()
    client.write(postOf(50_000_000))
    client.write(Buffer.alloc(10_000_000))
    const replica = await world.replica.asked()
    replica.socket.pause()
    await world.clock.advance(5_200)
    expect(await client.until('RESPONSE_START_TIMEOUT')).toContain('HTTP/1.1 504 ')
    await world.idle()
    replica.socket.resume()
    await replica.over()
    await world.clock.advance(10_000)
    await client.over()
  })
})

describe('a replica that is done before its client', () => {
  it('answers early, and the rest of the upload goes nowhere', async () => {
    const world = await startWorld()
    const client = await world.asking(`${postOf(10_000_000)}beginning`)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much')
    replica.finish()
    await client.until('too much')
    await world.idle()
    await world.clock.advance(10_000)
    // The rest never comes, so the connection cannot be used again.
    await client.over()
    expect(await world.over(1)).toMatchObject([{ status: 413 }])
  })

  it('answers early while the upload goes on to its end', async () => {
    const world = await startWorld()
    const client = await world.asking(`${postOf(20)}beginning:`)
    const replica = await world.replica.asked()
    replica.write(`${OK}Content-Length: 8\r\n\r\nhalf`)
    await client.until('half')
    client.write('and an end')
    await replica.until('beginning:and an end')
    replica.write('full')
    expect(await client.until('halffull')).toContain('HTTP/1.1 200 OK')
    client.write(GET)
    const again = world.replica.connections
    await eventually('it goes on', () => replica.text.includes('GET /x') || world.replica.connections > again)
    client.vanish()
    await world.idle()
  })
})
