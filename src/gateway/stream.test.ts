import { once } from 'node:events'
import { connect } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { describe, expect, it } from 'vitest'
import { get, HOST, raw, REVISION, up } from '../../test/support/gateway-harness.ts'

describe('a stream', () => {
  it('passes event by event', async () => {
    const say = Promise.withResolvers<void>()
    const { port } = await up(async (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('data: 1\n\n')
      await say.promise
      response.end('data: 2\n\n')
    })
    const response = await fetch(`http://127.0.0.1:${port}/serving/ml/iris/`)
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n')
    say.resolve()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 2\n\n')
  })

  it('stalls its replica while the client does not read, and then goes on whole', async () => {
    const sizeBytes = 100_000_000
    const chunk = Buffer.alloc(100_000, 'x')
    const stalled = Promise.withResolvers<number>()
    const { port } = await up((_request, response) => {
      response.writeHead(200, { 'Content-Length': sizeBytes })
      let sent = 0
      const more = (): void => {
        while (sent < sizeBytes) {
          sent += chunk.length
          if (!response.write(chunk)) {
            // Nothing leaves for many turns: everything between is full.
            let turns = 0
            const before = sent
            const look = (): void => {
              if (sent !== before) return
              if (++turns > 2_000) stalled.resolve(sent)
              else setImmediate(look)
            }
            look()
            response.once('drain', more)
            return
          }
        }
        response.end()
      }
      more()
    })
    const socket = connect(port, '127.0.0.1')
    socket.pause()
    socket.write(get())
    expect(await stalled.promise).toBeLessThan(40_000_000)
    let received = 0
    socket.on('data', (data) => (received += data.length)).resume()
    await once(socket, 'close')
    expect(received).toBeGreaterThan(sizeBytes)
  })

  it('stalls its client while the replica does not read', async () => {
    const sizeBytes = 100_000_000
    const goOn = Promise.withResolvers<void>()
    const { port } = await up(async (request, response) => {
      await goOn.promise
      let received = 0
      request
        .on('data', (data: Buffer) => (received += data.length))
        .on('end', () => response.end(`got ${received}`))
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `PUT / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nContent-Length: ${sizeBytes}\r\n\r\n`,
    )
    const chunk = Buffer.alloc(100_000, 'x')
    let sent = 0
    let text = ''
    socket.on('data', (data) => (text += data))
    let turns = 0
    while (turns < 2_000) {
      if (sent < sizeBytes && !socket.writableNeedDrain) {
        socket.write(chunk)
        sent += chunk.length
        turns = 0
      }
      turns += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent).toBeLessThan(40_000_000)
    goOn.resolve()
    for (; sent < sizeBytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
    await once(socket, 'close')
    expect(text).toContain(`got ${sizeBytes}`)
  })

  it('is answered early', async () => {
    const { port, clock, nextFinished } = await up((_request, response) =>
      response.writeHead(413).end('too much'),
    )
    const answer = raw(
      port,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 9000000\r\n\r\n${'a'.repeat(3_000_000)}`,
    )
    await nextFinished()
    // The rest of the body never comes: its connection is given up.
    await clock.advance(2_000)
    const { text } = await answer
    expect(text).toContain('HTTP/1.1 413 ')
    expect(text).toContain('too much')
  })
})

describe('a WebSocket', () => {
  it('speaks both ways and holds its permit', async () => {
    const { port, server, activator } = await up((_request, response) => response.end())
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) =>
      socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`)),
    )
    const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: HOST } })
    const switched = once(client, 'upgrade')
    await once(client, 'open')
    expect((await switched)[0].headers).toHaveProperty('x-pilotlight-revision', REVISION)
    client.send('hi')
    expect(String((await once(client, 'message'))[0])).toBe('echo hi')
    expect(activator.held).toBe(1)
    const released = activator.released()
    client.close()
    await released
    expect(activator.held).toBe(0)
  })

  it('is refused in plain HTTP, by the gateway and by the replica', async () => {
    const { port } = await up((_request, response) => response.end())
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
    const unknown = await raw(port, `GET / HTTP/1.1\r\nHost: nobody\r\n${upgrade}\r\n`)
    expect(unknown.text).toContain('HTTP/1.1 404 ')
    const plain = await raw(port, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`)
    expect(plain.text).toContain('HTTP/1.1 200 ')
  })
})
