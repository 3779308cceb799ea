import { createServer, type Server } from 'node:net'
import type { Clock } from '../core/clock.ts'

export const REPLICA_HOST = '127.0.0.1'

/** One port, kept from being given again until disposed. */
export interface PortLease extends Disposable {
  readonly port: number
}

const BOUND_AHEAD = 8
const REST_AFTER_USE_MS = 60_000

/**
 * Free ports for replicas. Some are bound ahead of time, and a port is let go in the turn in which it is given, so
 * that a cold start does not wait for it and the time in which somebody else may take it is that of starting a
 * process. If somebody does, the replica dies with its port in use, and its restart gets another port: one that
 * was given is not given again while its replica lives, nor in the minute after.
 */
export class PortPool implements Disposable {
  readonly #clock: Clock
  #ahead: Server[] = []
  #opening = 0
  #isClosed = false
  readonly #given = new Set<number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Binds ports ahead. Resolves when they are bound. @throws the system's error when none is to be had. */
  async fill(): Promise<void> {
    const missing = BOUND_AHEAD - this.#ahead.length - this.#opening
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.#openAhead()))
  }

  /** A port in this turn, or undefined when none is bound ahead. */
  tryTake(): PortLease | undefined {
    const server = this.#ahead.shift()
    if (server === undefined) return undefined
    // A port that cannot be bound ahead now is bound, or reported, by `take`.
    this.fill().catch(() => {})
    return this.#lease(server)
  }

  async take(): Promise<PortLease> {
    return this.tryTake() ?? this.#lease(await this.#open())
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const server of this.#ahead) server.close()
    this.#ahead = []
  }

  async #openAhead(): Promise<void> {
    this.#opening += 1
    try {
      const server = await this.#open()
      if (this.#isClosed) server.close()
      else this.#ahead.push(server)
    } finally {
      this.#opening -= 1
    }
  }

  async #open(): Promise<Server> {
    const refused: Server[] = []
    try {
      for (;;) {
        const server = await listenAnywhere()
        if (!this.#given.has(portOf(server))) return server
        // Kept bound until another is found, or the system would offer it again.
        refused.push(server)
      }
    } finally {
      for (const server of refused) server.close()
    }
  }

  #lease(server: Server): PortLease {
    const port = portOf(server)
    this.#given.add(port)
    // libuv closes the descriptor in this turn: the port is free when this returns.
    server.close()
    const giveBack = (): void => {
      this.#clock.after(REST_AFTER_USE_MS, () => this.#given.delete(port), { keepAlive: false })
    }
    return { port, [Symbol.dispose]: giveBack }
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null)
    throw new Error('a server that listens on TCP has a port')
  return address.port
}

function listenAnywhere(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', reject)
    server.listen({ host: REPLICA_HOST, port: 0 }, () => resolve(server))
  })
}
