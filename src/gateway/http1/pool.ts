import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../core/clock.ts'
import type { Address } from '../../core/replica.ts'
import type { EndOfTurn } from '../end-of-turn.ts'
import { placeKey, placeKeys, type Transport } from '../upstream.ts'
import type { Llhttp } from './llhttp.ts'
import type { HeadBounds } from './message-parser.ts'
import { UpstreamConnection } from './upstream-connection.ts'

export interface PoolOptions {
  readonly clock: Clock
  readonly llhttp: Llhttp
  readonly endOfTurn: EndOfTurn
  readonly bounds: HeadBounds
  /** Idle connections kept per replica. */
  readonly idleMax: number
  /** How long one may lie idle; 0 = as long as the replica keeps it. */
  readonly idleTimeoutMs: number
  /** Opens a socket that is about to connect. */
  readonly connect: (address: Address, transport: Transport) => Socket
  readonly onConnection: (how: 'opened' | 'reused') => void
}

/** Idle rounds that make up the idle timeout: one that is found `ROUNDS` old has lain for at least that long. */
const ROUNDS = 2

/**
 * Idle connections to replicas, the freshest on top: those at the bottom grow old and go, and what is used is likely to
 * be alive. A connection that turns out to be dead when it is used was `isReused`, so its request is tried again.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #idle = new Map<string, UpstreamConnection[]>()
  readonly #keys = new WeakMap<UpstreamConnection, string>()
  /** Where there are replicas; undefined as long as nobody has said so. */
  #retained: ReadonlySet<string> | undefined
  /** Given back in this turn, and in the one before. */
  #unsettled = new Set<UpstreamConnection>()
  #settling = new Set<UpstreamConnection>()
  #isSettling = false
  #round = 0
  #rounds: Timer | undefined
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Idle connections, over all replicas. */
  get idleCount(): number {
    let count = 0
    for (const idle of this.#idle.values()) count += idle.length
    return count
  }

  /**
   * The freshest idle connection to the address, else one that is about to connect.
   * @param need `settled`: not one that was given back in this very turn, of which nobody has heard yet whether the
   *   replica closed it after its answer; for a request that cannot be sent twice.
   */
  take(address: Address, transport: Transport, need: 'any' | 'settled' | 'fresh'): UpstreamConnection {
    const key = placeKey(address, transport.tls)
    const found = need === 'fresh' ? undefined : this.#freshest(key, need === 'settled')
    if (found !== undefined) {
      this.#options.onConnection('reused')
      return found
    }
    this.#options.onConnection('opened')
    const connection = new UpstreamConnection(this.#options.connect(address, transport), {
      llhttp: this.#options.llhttp,
      bounds: this.#options.bounds,
      endOfTurn: this.#options.endOfTurn,
      connectEvent: transport.tls ? 'secureConnect' : 'connect',
      onIdleEnd: (ended) => this.#forget(ended),
    })
    this.#keys.set(connection, key)
    return connection
  }

  /** Takes back a connection that its user is done with. */
  give(connection: UpstreamConnection): void {
    const key = this.#keys.get(connection)
    if (key === undefined || this.#isClosed || !connection.isReusable || !this.#isRetained(key)) {
      connection.destroy()
      return
    }
    let idle = this.#idle.get(key)
    if (idle === undefined) this.#idle.set(key, (idle = []))
    if (idle.length >= this.#options.idleMax) {
      connection.destroy()
      return
    }
    connection.release()
    connection.idleRound = this.#round
    idle.push(connection)
    this.#settleLater(connection)
    this.#armRound()
  }

  /** Ends idle connections to all addresses but these, and those in use when they are given back. */
  retain(addresses: readonly Address[]): void {
    this.#retained = placeKeys(addresses)
    for (const [key, idle] of this.#idle) {
      if (this.#isRetained(key)) continue
      this.#idle.delete(key)
      for (const connection of idle) connection.destroy()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#rounds?.cancel()
    this.retain([])
  }

  #isRetained(key: string): boolean {
    return this.#retained === undefined || this.#retained.has(key)
  }

  #freshest(key: string, settled: boolean): UpstreamConnection | undefined {
    const idle = this.#idle.get(key)
    if (idle === undefined) return undefined
    for (let at = idle.length - 1; at >= 0; at--) {
      const connection = idle[at]!
      if (settled && (this.#unsettled.has(connection) || this.#settling.has(connection))) continue
      if (at === idle.length - 1) idle.pop()
      else idle.splice(at, 1)
      if (connection.isReusable) return connection
    }
    return undefined
  }

  /** Two turns later all sockets have been looked at. */
  #settleLater(connection: UpstreamConnection): void {
    this.#unsettled.add(connection)
    if (!this.#isSettling) this.#settle()
  }

  #settle(): void {
    this.#isSettling = true
    setImmediate(() => {
      this.#settling = this.#unsettled
      this.#unsettled = new Set()
      this.#isSettling = false
      if (this.#settling.size > 0) this.#settle()
    })
  }

  #forget(connection: UpstreamConnection): void {
    const idle = this.#idle.get(this.#keys.get(connection) ?? '')
    const at = idle?.lastIndexOf(connection) ?? -1
    if (at >= 0) idle?.splice(at, 1)
  }

  /** Looks at all idle connections once per half of the idle timeout, so that lending one out touches no timer. */
  #armRound(): void {
    const { clock, idleTimeoutMs } = this.#options
    if (idleTimeoutMs === 0 || this.#rounds !== undefined) return
    const everyMs = idleTimeoutMs / ROUNDS
    this.#rounds = clock.after(everyMs, () => this.#endRound(), { keepAlive: false })
  }

  #endRound(): void {
    this.#rounds = undefined
    this.#round += 1
    let isAnyLeft = false
    for (const [key, idle] of this.#idle) {
      const firstFresh = idle.findIndex(({ idleRound }) => this.#round - idleRound <= ROUNDS)
      const old = idle.splice(0, firstFresh < 0 ? idle.length : firstFresh)
      for (const connection of old) connection.destroy()
      if (idle.length === 0) this.#idle.delete(key)
      else isAnyLeft = true
    }
    if (isAnyLeft) this.#armRound()
  }
}
