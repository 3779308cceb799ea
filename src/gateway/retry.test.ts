import { once } from 'node:events'
import { connect, createServer as createNetServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  deadAddress,
  ends,
  get,
  listening,
  post,
  raw,
  startGateway,
  up,
} from '../../test/support/gateway-harness.ts'
import type { Permit } from '../../activator/permit.ts'
import { Refusal } from '../core/refusals.ts'
import { silentMetrics } from '../core/telemetry.ts'
import { FakeExchange } from './http2/fake-exchange.ts'
import { Pace } from './pace.ts'
import { send } from './retry.ts'
import type { ForwardResult } from './upstream.ts'

describe('a retry', () => {
  it('goes to another replica after a refused connection', async () => {
    const { port, activator, retries } = await up((_request, response) => response.end('second'), {}, [
      await deadAddress(),
    ])
    expect((await raw(port, post('a'.repeat(200_000)))).text).toContain('second')
    expect(retries()).toBe(1)
    expect(activator.acquired[1]!.failed).toHaveLength(1)
    expect(activator.held).toBe(0)
  })

  it('sends a kept body again after a reset', async () => {
    const dying = createNetServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const address = await listening(dying)
    ends.push(() => dying.close())
    const { port } = await up((request, response) => request.pipe(response), {}, [address])
    expect((await raw(port, post('again'))).text).toContain('again')
  })

  it('is not made once more of the body has left than was kept', async () => {
    const dying = createNetServer((socket) => {
      let seen = 0
      socket.on('data', (chunk) => (seen += chunk.length) > 150_000 && socket.resetAndDestroy())
    })
    const address = await listening(dying)
    ends.push(() => dying.close())
    const { port, nextFinished } = await up((_request, response) => response.end('second'), {}, [address])
    expect((await raw(port, post('a'.repeat(200_000)))).text).toContain('UPSTREAM_RESET')
    expect(await nextFinished()).toMatchObject({ status: 502, refusal: 'UPSTREAM_RESET' })
  })

  it('ends at retriesMax', async () => {
    const dead = await deadAddress()
    const gateway = await startGateway([dead], { config: { retriesMax: 1 } })
    ends.push(() => gateway.gateway.close())
    expect((await raw(gateway.port, get())).text).toContain('UPSTREAM_UNREACHABLE')
    expect(gateway.activator.acquired).toHaveLength(2)
  })

  it('of a stale connection stays on its replica', async () => {
    let requests = 0
    const { port, retries } = await up((request, response) => {
      requests += 1
      // The second request of a connection finds it broken.
      if (requests === 2) request.socket.resetAndDestroy()
      else response.end(`answer ${requests}`)
    })
    await raw(port, get())
    expect((await raw(port, get())).text).toContain('answer 3')
    expect(retries()).toBe(0)
  })
})

describe('an end before the end', () => {
  it('of the client in the queue aborts the wait', async () => {
    const { port, activator, nextFinished } = await up((_request, response) => response.end())
    const queued = Promise.withResolvers<void>()
    activator.instead = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', { handleEvent: () => reject(signal.reason) })
        queued.resolve()
      })
    const socket = connect(port, '127.0.0.1', () => socket.write(post('abc')))
    await queued.promise
    socket.destroy()
    expect(await nextFinished()).toMatchObject({ status: 499, refusal: 'CLIENT_GONE' })
  })

  it('of the client aborts the replica', async () => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const { port, nextFinished, activator } = await up((request) => {
      request.socket.on('close', () => gone.resolve())
      arrived.resolve()
    })
    const socket = connect(port, '127.0.0.1', () => socket.write(get()))
    await arrived.promise
    socket.destroy()
    await gone.promise
    expect(await nextFinished()).toMatchObject({ status: 499, refusal: 'CLIENT_GONE' })
    expect(activator.held).toBe(0)
  })

  it.each([
    ['RESPONSE_START_TIMEOUT', { responseStartTimeoutMs: 500 }],
    ['REQUEST_TIMEOUT', { timeoutMs: 500 }],
  ])('%s is a 504', async (code, limits) => {
    const arrived = Promise.withResolvers<void>()
    const { port, clock } = await up(() => arrived.resolve(), { limits })
    const answer = raw(port, get())
    await arrived.promise
    await clock.advance(500)
    expect((await answer).text).toContain(`HTTP/1.1 504 `)
    expect((await answer).text).toContain(code)
  })

  it.each([
    ['silence', { idleTimeoutMs: 500 }],
    ['the deadline', { timeoutMs: 500 }],
  ])('by %s in mid-answer resets the client', async (_, limits) => {
    const { port, clock, nextFinished } = await up((_request, response) => void response.write('part'), {
      limits,
    })
    const socket = connect(port, '127.0.0.1', () => socket.write(get()))
    await once(socket, 'data')
    const error = once(socket, 'error')
    await clock.advance(500)
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }])
    expect(await nextFinished()).toMatchObject({ status: 200, refusal: expect.any(String) })
  })

  it('of the replica in mid-answer resets the client', async () => {
    const { port } = await up((request, response) => {
      response.write('part', () => request.socket.resetAndDestroy())
    })
    const { text, reset } = await raw(port, get())
    expect(reset).toBe(true)
    expect(text).not.toContain('\r\n0\r\n')
  })
})

describe('requests that get room at the same time', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  let permits = 0
  const permit = (): Permit => {
    permits += 1
    return {
      revision: 'ml/iris-predictor-00001',
      replica: 'ml/replica-0',
      address: { host: '127.0.0.1', port: 1 },
      waitedMs: 1,
      cold: true,
      [Symbol.dispose]: () => void (permits -= 1),
    }
  }

  it('go on in turns of the event loop, less those whose client has gone', async () => {
    const room = Promise.withResolvers<void>()
    const sending = {
      admission: { acquire: () => room.promise.then(permit), failed() {}, answered() {}, used() {} },
      metrics: silentMetrics,
      retriesMax: 0,
      pace: new Pace(2),
    }
    const attempted: FakeExchange[] = []
    const exchanges = Array.from({ length: 6 }, () => new FakeExchange())
    const sent = exchanges.map((exchange) => {
      const attempt = (): Promise<ForwardResult> => {
        attempted.push(exchange)
        return Promise.resolve({ outcome: 'answered' })
      }
      return send(exchange, 'ml/iris-predictor-00001', attempt, sending)
    })
    const outcomes = Promise.allSettled(sent)
    room.resolve()
    await room.promise
    await turn()
    expect(attempted).toHaveLength(2)
    exchanges[4]!.abort(new Refusal('CLIENT_GONE'))
    await turn()
    expect(attempted).toHaveLength(4)
    const statuses = (await outcomes).map(({ status }) => status)
    expect(statuses).toEqual([...Array(4).fill('fulfilled'), 'rejected', 'fulfilled'])
    expect(attempted).toEqual([...exchanges.slice(0, 4), exchanges[5]])
    expect(permits).toBe(0)
  })
})
