import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { countOf, HOST, nothingInFlight, upWithCanary } from './echo.ts'
import type { Running } from './harness.ts'

const EIGHT_MB = 8 * 1024 * 1024

describe('the ws package, through a canary of one half', () => {
  let running: Running

  beforeAll(async () => {
    running = await upWithCanary()
  })
  afterAll(() => running[Symbol.asyncDispose]())

  async function open(options: ClientOptions = {}): Promise<{ socket: WebSocket; version: string }> {
    const socket = new WebSocket(`ws://127.0.0.1:${running.gateway.port}/`, {
      maxPayload: 64 * 1024 * 1024,
      ...options,
      headers: { host: HOST },
    })
    const upgraded = once(socket, 'upgrade') as Promise<[IncomingMessage]>
    await once(socket, 'open')
    const [response] = await upgraded
    return { socket, version: String(response.headers['x-version']) }
  }

  /** Its answer to one message. */
  async function echoOf(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
    const answer = once(socket, 'message') as Promise<[Buffer]>
    socket.send(message)
    return (await answer)[0]
  }

  /** Closes, and tells how the other side did. */
  async function closed(socket: WebSocket, close: () => void): Promise<[number, string]> {
    const over = once(socket, 'close') as Promise<[number, Buffer]>
    close()
    const [code, reason] = await over
    return [code, reason.toString()]
  }

  it('reaches both versions, and counts as in flight while it is open', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => open()))
    expect(countOf(all.map(({ version }) => version))).toEqual({ v1: 5, v2: 5 })
    await running.until(
      'ten are in flight',
      ({ revisions }) => revisions.reduce((sum, { inFlight }) => sum + inFlight, 0) === 10,
    )
    for (const { socket } of all) await closed(socket, () => socket.close())
    await nothingInFlight(running)
  })

  it.each([
    ['as they are', false],
    ['compressed', true],
  ])('carries messages of 8 MB both ways, %s', async (_how, perMessageDeflate) => {
    const { socket } = await open({ perMessageDeflate })
    expect(socket.extensions).toBe(perMessageDeflate ? 'permessage-deflate' : '')
    const binary = randomBytes(EIGHT_MB)
    expect((await echoOf(socket, binary)).equals(binary)).toBe(true)
    const words = randomBytes(EIGHT_MB / 2).toString('hex')
    expect((await echoOf(socket, words)).toString()).toBe(words)
    for (let at = 0; at < 200; at++) expect((await echoOf(socket, `${at}`)).toString()).toBe(`${at}`)
    await closed(socket, () => socket.close())
  })

  it('passes close codes and reasons whole, both ways', async () => {
    const { socket: first } = await open()
    expect(await closed(first, () => first.close(4001, 'bye'))).toEqual([4001, 'bye'])
    const { socket: second } = await open()
    expect(await closed(second, () => second.send('close 4002 enough of it'))).toEqual([4002, 'enough of it'])
    const { socket: third } = await open()
    expect(await closed(third, () => third.terminate())).toEqual([1006, ''])
    await nothingInFlight(running)
    const seen: unknown[] = []
    for (let at = 0; at < 2; at++) {
      const answer = await running.ask('echo.default', '/closes')
      seen.push(...(JSON.parse(answer.body) as unknown[]))
    }
    expect(seen).toContainEqual([4001, 'bye'])
    expect(seen).toContainEqual([4002, 'enough of it'])
    expect(seen).toContainEqual([1006, ''])
  })

  it('answers pings both ways', async () => {
    const { socket } = await open()
    const pong = once(socket, 'pong') as Promise<[Buffer]>
    socket.ping('hello?')
    expect((await pong)[0].toString()).toBe('hello?')
    const ping = once(socket, 'ping') as Promise<[Buffer]>
    socket.send('ping')
    expect((await ping)[0].toString()).toBe('are you there')
    await closed(socket, () => socket.close())
  })

  it('carries a message in fragments, with a ping between them', async () => {
    const { socket } = await open({ perMessageDeflate: false })
    const answer = once(socket, 'message') as Promise<[Buffer, boolean]>
    const pong = once(socket, 'pong')
    for (let at = 0; at < 100; at++) {
      socket.send(`${at},`, { fin: false })
      if (at === 50) socket.ping()
    }
    socket.send('end', { fin: true })
    await pong
    const [data, isBinary] = await answer
    expect(isBinary).toBe(false)
    expect(data.toString()).toBe(`${Array.from({ length: 100 }, (_, at) => `${at},`).join('')}end`)
    await closed(socket, () => socket.close())
  })

  it('is refused in HTTP by a host that nobody has', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${running.gateway.port}/`, { headers: { host: 'nobody' } })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toBe('Unexpected server response: 404')
  })
})
