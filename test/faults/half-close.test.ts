import { describe, expect, it } from 'vitest'
import { answerOf, CHUNKED_POST, GET, HOST, postOf, startWorld } from './world.ts'
import { eventually } from './wire.ts'

/**
 * A FIN says either "I have sent all" or "my process is gone"; TCP does not tell which until something is sent. So the
 * gateway sends `100 Continue`, at once and again from time to time, which every client of HTTP/1.1 passes over: who is
 * gone answers it with an RST.
 */
const PROBE = 'HTTP/1.1 100 Continue\r\n\r\n'
const PROBES = /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)*/

const requests: [string, string][] = [
  ['GET', GET],
  ['POST with a length', `${postOf(5)}hello`],
  ['POST in chunks', `${CHUNKED_POST}5\r\nhello\r\n0\r\n\r\n`],
]

describe.each(requests)('a client that ends its direction after a %s', (_kind, request) => {
  it('and has room at once gets its answer, and then the end', async () => {
    const world = await startWorld()
    const client = await world.asking(request)
    client.finish()
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer')
    await client.until('answer')
    expect(await client.over()).toBe('ended')
    expect(answerOf(client.text.replace(PROBES, ''))).toMatchObject({ status: 200, body: 'answer' })
    await world.idle()
    expect(await world.over(1)).toMatchObject([{ status: 200 }])
    expect(world.finished[0]?.refusal).toBeUndefined()
  })

  it('while it is queued is probed, stays in the queue, and gets its answer', async () => {
    const world = await startWorld({ replicas: 1 })
    world.ready()
    const client = await world.asking(request)
    await eventually('it is queued', () => world.queue.waiting === 1)
    client.finish()
    await client.until(PROBE)
    await world.clock.advance(120_000)
    expect(world.queue.waiting).toBe(1)
    world.ready(world.replica.address)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer')
    await client.until('answer')
    expect(await client.over()).toBe('ended')
    expect(answerOf(client.text.replace(PROBES, ''))).toMatchObject({ status: 200, body: 'answer' })
  })

  it('while the replica thinks is probed and gets its answer', async () => {
    const world = await startWorld()
    const client = await world.asking(request)
    const replica = await world.replica.asked()
    client.finish()
    await client.until(PROBE)
    replica.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n\r\n')
    await client.until('0\r\n\r\n')
    expect(await client.over()).toBe('ended')
  })

  it('and vanishes later is taken out of the queue when it resets', async () => {
    const world = await startWorld({ replicas: 0 })
    const client = await world.asking(request)
    await eventually('it is queued', () => world.queue.waiting === 1)
    client.finish()
    await client.until(PROBE)
    client.reset()
    // Once a side has ended, nothing is read from it any more: the next question tells.
    await world.clock.advance(60_000)
    await eventually('the queue is empty', () => world.queue.waiting === 0)
    expect(await world.over(1)).toMatchObject([{ status: 499, refusal: 'CLIENT_GONE' }])
  })
})

describe('a client that ends its direction', () => {
  it('while it reads the answer counts as gone: nothing can be asked in the middle of a body', async () => {
    const world = await startWorld()
    const client = await world.asking(GET)
    const replica = await world.replica.asked()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
    await client.until('half')
    client.finish()
    expect(['ended', 'reset']).toContain(await replica.over())
    await client.over()
    expect(client.text).not.toContain('100 Continue')
    expect(await world.over(1)).toMatchObject([{ status: 200, refusal: 'CLIENT_GONE' }])
  })

  it('in the middle of its body is gone: its request can never be whole', async () => {
    const world = await startWorld({ replicas: 0 })
    const client = await world.asking(`${postOf(10)}hello`)
    await eventually('it is queued', () => world.queue.waiting === 1)
    client.finish()
    await eventually('the queue is empty', () => world.queue.waiting === 0)
    await client.over()
    expect(client.text).not.toContain('100 Continue')
  })

  it('in the middle of its head has no answer to get', async () => {
    const world = await startWorld()
    const client = await world.asking(GET.slice(0, -2))
    client.finish()
    await client.over()
    expect(client.text).not.toContain('HTTP/1.1 200')
    expect(world.replica.connections).toBe(0)
  })

  it('of HTTP/1.0 is never sent a 100, which that version does not know', async () => {
    const world = await startWorld()
    const client = await world.asking(`GET /x HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`)
    const replica = await world.replica.asked()
    client.finish()
    replica.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer')
    await client.over()
    expect(client.text).not.toContain('100 Continue')
  })
})
