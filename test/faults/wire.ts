import { createServer, connect, type Server, type Socket } from 'node:net'
import { SystemClock } from '../../src/core/clock.ts'
import type { Address } from '../../src/core/replica.ts'

/**
 * One end of a connection, with all that has come on it so far. Half-open: that the other side has ended is seen, and
 * answered only by what the test does.
 */
export class Wire {
  readonly socket: Socket
  #text = ''
  #end: 'ended' | 'reset' | 'closed' | undefined
  #changed = Promise.withResolvers<void>()

  constructor(socket: Socket) {
    this.socket = socket
    const change = (): void => {
      const { resolve } = this.#changed
      this.#changed = Promise.withResolvers()
      resolve()
    }
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      change()
    })
    socket.on('end', () => {
      this.#end ??= 'ended'
      change()
    })
    socket.on('error', () => {
      this.#end = 'reset'
      change()
    })
    socket.on('close', () => {
      this.#end ??= 'closed'
      change()
    })
  }

  /** Neither side has ended it. */
  get isOpen(): boolean {
    return this.#end === undefined && !this.socket.destroyed
  }

  /** All bytes that have come, one character each. */
  get text(): string {
    return this.#text
  }

  /** Everything that has come, as soon as it holds `word` so many times. */
  async untilTimes(word: string, times: number): Promise<string> {
    for (let seen = 0, from = 0; seen < times; seen++) {
      await this.#untilHolds(word, (text) => text.indexOf(word, from) >= 0)
      from = this.#text.indexOf(word, from) + word.length
    }
    return this.#text
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /**
   * Everything that has come, as soon as it holds `wanted`.
   * @throws Error when the connection is over before.
   */
  async until(wanted: string | RegExp): Promise<string> {
    return this.#untilHolds(String(wanted), (text) =>
      typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text),
    )
  }

  async #untilHolds(what: string, holds: (text: string) => boolean): Promise<string> {
    while (!holds(this.#text)) {
      if (this.#end !== undefined)
        throw new Error(`the connection ${this.#end} before ${what} came: ${this.#text}`)
      await this.#changed.promise
    }
    return this.#text
  }

  /** How the other side let go: by its end, or by a reset. */
  async over(): Promise<'ended' | 'reset' | 'closed'> {
    while (this.#end === undefined) await this.#changed.promise
    // A reset may follow an end that was seen first.
    return this.#end
  }

  /** Ends our direction only. */
  finish(): void {
    this.socket.end()
  }

  /** Lets go as a process does that ends: the other side sees a FIN, and an RST once it writes. */
  vanish(): void {
    this.socket.destroy()
  }

  /** Lets go with an RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }
}

export async function dial(port: number, options: { readonly localAddress?: string } = {}): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true, ...options })
  const wire = new Wire(socket)
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return wire
}

/** A replica that does on its connections what the test says. */
export class WireReplica {
  readonly address: Address
  readonly #server: Server
  readonly #wires: Wire[] = []
  readonly #takers: ((wire: Wire) => void)[] = []
  #taken = 0

  static async start(): Promise<WireReplica> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('the replica has no address')
    return new WireReplica(server, { host: bound.address, port: bound.port })
  }

  constructor(server: Server, address: Address) {
    this.#server = server
    this.address = address
    server.on('connection', (socket) => {
      const wire = new Wire(socket)
      this.#wires.push(wire)
      const taker = this.#takers.shift()
      if (taker === undefined) return
      this.#taken += 1
      taker(wire)
    })
  }

  /** Connections that were made to it so far. */
  get connections(): number {
    return this.#wires.length
  }

  /** Those of them that neither side has ended. */
  get open(): number {
    return this.#wires.filter(({ isOpen }) => isOpen).length
  }

  /** The next connection that the gateway makes, in order. */
  next(): Promise<Wire> {
    const wire = this.#wires[this.#taken]
    if (wire === undefined) return new Promise((resolve) => this.#takers.push(resolve))
    this.#taken += 1
    return Promise.resolve(wire)
  }

  /** The next connection once a whole head has come on it. */
  async asked(): Promise<Wire> {
    const wire = await this.next()
    await wire.until('\r\n\r\n')
    return wire
  }

  /** From now on each request without a body is answered with this, on every connection that is not taken by the test. */
  async answerAll(answer: string): Promise<void> {
    for (;;) {
      const wire = await this.next()
      let answered = 0
      const answerMore = (): void => {
        const asked = wire.text.split('\r\n\r\n').length - 1
        for (; answered < asked; answered++) wire.write(answer)
      }
      answerMore()
      wire.socket.on('data', answerMore)
    }
  }

  /** Takes no connection more, as a process that has ended. */
  async stop(): Promise<void> {
    for (const { socket } of this.#wires) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const real = new SystemClock()
const PATIENCE_MS = 4_000

/** Waits, turn by turn of the event loop, until it holds; for what no event tells. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const untilMs = real.now() + PATIENCE_MS
  while (!holds()) {
    if (real.now() > untilMs) throw new Error(`it did not come to this: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
