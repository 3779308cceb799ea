import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import type { Clock } from '../../src/core/clock.ts'
import type { Random } from '../../src/core/random.ts'
import { LIMITED_HOST, SLEEPY_HOST, STEADY_HOST } from './fleet.ts'
import type { Outcome } from './outcomes.ts'

const KB = 1_000
const MB = 1_000 * KB

export interface TrafficOptions {
  readonly port: number
  readonly clock: Clock
  readonly random: Random
}

interface Asked {
  readonly path: string
  readonly method?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string | number>>
  /** `true`: on a connection of its own. */
  readonly fresh?: boolean
}

/** One request of each kind; each throws unless it ended as it should have. */
export class Traffic implements Disposable {
  readonly #port: number
  readonly #clock: Clock
  readonly #random: Random
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #bytes = randomBytes(5 * MB)

  constructor({ port, clock, random }: TrafficOptions) {
    this.#port = port
    this.#clock = clock
    this.#random = random
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async small(fresh = false): Promise<Outcome> {
    const response = await this.#answer(this.#ask({ path: '/v', fresh }).end())
    expectEqual('ready', field(await text(response), 'ready'), true)
    return 'answered'
  }

  async download(bytes: number): Promise<Outcome> {
    const response = await this.#answer(this.#ask({ path: `/bytes?count=${bytes}` }).end())
    expectEqual('bytes', (await buffer(response)).length, bytes)
    return 'answered'
  }

  /** Reads in small steps: the gateway has to stop the replica meanwhile. */
  async slowReader(): Promise<Outcome> {
    const response = await this.#answer(this.#ask({ path: `/bytes?count=${20 * MB}`, fresh: true }).end())
    let bytes = 0
    let pauses = 0
    for await (const chunk of response) {
      bytes += Buffer.isBuffer(chunk) ? chunk.length : 0
      if (bytes > pauses * 2 * MB) {
        pauses += 1
        await this.#clock.sleep(100)
      }
    }
    expectEqual('bytes', bytes, 20 * MB)
    return 'answered'
  }

  /** A body in chunks that comes back as it goes, with a trailer at its end. */
  async echo(bytes: number): Promise<Outcome> {
    const body = this.#bytes.subarray(0, bytes)
    const asked = this.#ask({ path: '/echo', method: 'POST' })
    const answer = this.#answer(asked)
    for (let at = 0; at < bytes; at += 40 * KB) asked.write(body.subarray(at, at + 40 * KB))
    asked.end()
    const response = await answer
    const received = await buffer(response)
    if (!received.equals(body))
      throw new Error(`echo: other bytes came back (${received.length} of ${bytes})`)
    expectEqual('trailers', Object.keys(response.trailers).join(), 'x-sha256')
    return 'answered'
  }

  async upload(bytes: number): Promise<Outcome> {
    const headers = { 'content-length': bytes }
    const asked = this.#ask({ path: '/digest', method: 'POST', headers })
    const response = await this.#answer(asked.end(this.#bytes.subarray(0, bytes)))
    expectEqual('bytes', field(await text(response), 'bytes'), bytes)
    return 'answered'
  }

  async events(): Promise<Outcome> {
    const response = await this.#answer(this.#ask({ path: '/events?count=50&ms=20' }).end())
    expectEqual('events', (await text(response)).split('data: ').length - 1, 50)
    return 'answered'
  }

  /** Through the queue of a revision that runs few at once. */
  async queued(): Promise<Outcome> {
    const ms = 20 + this.#random.below(60)
    const response = await this.#answer(this.#ask({ path: `/wait?ms=${ms}`, host: LIMITED_HOST }).end())
    await text(response)
    return 'answered'
  }

  /** Held until the service that sleeps is awake. */
  async cold(): Promise<Outcome> {
    const response = await this.#answer(this.#ask({ path: '/v', host: SLEEPY_HOST, fresh: true }).end())
    await text(response)
    return 'answered'
  }

  async webSocket(): Promise<Outcome> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/`, { headers: { host: STEADY_HOST } })
    const closed = once(socket, 'close')
    try {
      await once(socket, 'open')
      for (let at = 0; at < 20; at++) {
        const message = this.#bytes.subarray(0, at === 10 ? 200 * KB : KB)
        const answer = once(socket, 'message')
        socket.send(message)
        const [data]: unknown[] = await Promise.race([answer, closed.then(() => [])])
        if (!Buffer.isBuffer(data) || !data.equals(message))
          throw new Error('WebSocket: another message came back')
        await this.#clock.sleep(50)
      }
      socket.close(1000)
      const [code]: unknown[] = await closed
      expectEqual('close code', code, 1000)
      return 'answered'
    } finally {
      socket.terminate()
    }
  }

  /** Ends its direction after its request, as `nc` does, and waits for the answer. */
  async halfClose(): Promise<Outcome> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(`GET /wait?ms=${this.#random.below(1_000)} HTTP/1.1\r\nHost: ${STEADY_HOST}\r\n\r\n`)
    const answer = await text(socket)
    if (!/HTTP\/1\.1 200 OK[\s\S]+"ready":true/.test(answer)) throw new Error(`half closed: ${answer}`)
    return 'answered'
  }

  /** Goes away in the middle of something, by an RST or as a process that ends. */
  async vanish(): Promise<Outcome> {
    const ways = [
      () => this.#vanishAfter(`GET /v HTTP/1.1\r\nHost: ${STEADY_HOST}\r\nX-`, undefined),
      () => this.#vanishAfter(`GET /wait?ms=1000 HTTP/1.1\r\nHost: ${STEADY_HOST}\r\n\r\n`, undefined),
      () => this.#vanishAfter(`GET /wait?ms=1000 HTTP/1.1\r\nHost: ${LIMITED_HOST}\r\n\r\n`, undefined),
      () =>
        this.#vanishAfter(
          `POST /digest HTTP/1.1\r\nHost: ${STEADY_HOST}\r\nContent-Length: 1000000\r\n\r\n${'a'.repeat(100_000)}`,
          undefined,
        ),
      () =>
        this.#vanishAfter(
          `POST /echo HTTP/1.1\r\nHost: ${STEADY_HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
          'hello',
        ),
      () => this.#vanishAfter(`GET /bytes?count=50000000 HTTP/1.1\r\nHost: ${STEADY_HOST}\r\n\r\n`, 'xxxx'),
      () =>
        this.#vanishAfter(`GET /events?count=1000&ms=10 HTTP/1.1\r\nHost: ${STEADY_HOST}\r\n\r\n`, 'data: 3'),
      () => this.#vanishAfter(`GET /v HTTP/1.1\r\nHost: ${SLEEPY_HOST}\r\n\r\n`, undefined),
    ]
    return ways[this.#random.below(ways.length)]!()
  }

  /** Sends this, waits until the answer holds `seen` (else a moment, that everything may have been reached), and goes. */
  async #vanishAfter(bytes: string, seen: string | undefined): Promise<Outcome> {
    const socket = connect(this.#port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(bytes)
    if (seen === undefined) await this.#clock.sleep(this.#random.below(100))
    else {
      let received = ''
      const enough = new Promise<void>((resolve) => {
        socket.on('data', (chunk) => {
          received = received.slice(-100) + chunk.toString('latin1')
          if (received.includes(seen)) resolve()
        })
        socket.on('close', () => resolve())
      })
      await enough
    }
    if (this.#random.below(2) === 0) socket.resetAndDestroy()
    else socket.destroy()
    return 'broken off'
  }

  #ask({ path, method = 'GET', host = STEADY_HOST, headers = {}, fresh = false }: Asked): ClientRequest {
    return httpRequest({
      host: '127.0.0.1',
      port: this.#port,
      path,
      method,
      headers: { host, ...headers },
      agent: fresh ? false : this.#agent,
    })
  }

  async #answer(asked: ClientRequest): Promise<IncomingMessage> {
    // An error after the answer began is told by the answer itself.
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.on('response', resolve).on('error', reject)
    })
    if (response.statusCode !== 200) {
      const body = await text(response)
      throw new Error(`status ${response.statusCode}: ${body.slice(0, 200)}`)
    }
    return response
  }
}

function field(json: string, name: string): unknown {
  const said: unknown = JSON.parse(json)
  return typeof said === 'object' && said !== null ? Reflect.get(said, name) : undefined
}

function expectEqual(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`${what}: got ${String(got)}, not ${String(wanted)}`)
}

/** How often each kind is sent, per second, and how. */
export const MIX: Readonly<
  Record<string, { readonly perSecond: number; readonly send: (traffic: Traffic) => Promise<Outcome> }>
> = {
  small: { perSecond: 80, send: (traffic) => traffic.small() },
  'small, own connection': { perSecond: 10, send: (traffic) => traffic.small(true) },
  'download 100 KB': { perSecond: 10, send: (traffic) => traffic.download(100 * KB) },
  'slow reader': { perSecond: 0.5, send: (traffic) => traffic.slowReader() },
  'echo 40 KB': { perSecond: 10, send: (traffic) => traffic.echo(40 * KB) },
  'echo 1 MB': { perSecond: 2, send: (traffic) => traffic.echo(MB) },
  'upload 5 MB': { perSecond: 1, send: (traffic) => traffic.upload(5 * MB) },
  events: { perSecond: 5, send: (traffic) => traffic.events() },
  queued: { perSecond: 20, send: (traffic) => traffic.queued() },
  webSocket: { perSecond: 3, send: (traffic) => traffic.webSocket() },
  'half close': { perSecond: 2, send: (traffic) => traffic.halfClose() },
  vanish: { perSecond: 15, send: (traffic) => traffic.vanish() },
}
