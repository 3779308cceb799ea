import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import type { Clock } from '../core/clock.ts'
import { Latest } from '../core/latest.ts'
import type { Random } from '../core/random.ts'
import type { Log } from '../core/telemetry.ts'

/** A connection that has been asked something and says nothing for this long is ended and opened anew. */
const SILENCE_MS = 2_000
const CONNECT_TIMEOUT_MS = 2_000
const RETRY_FIRST_MS = 50
const RETRY_LONGEST_MS = 2_000
/** Characters that were written and not answered for: what would go beyond is dropped. */
const UNANSWERED_MAX = 4 * 1024 * 1024
/** How long `close` waits for what is under way. */
const QUIT_TIMEOUT_MS = 500

export interface RedisConnectionOptions {
  /** `redis://host:port/db` or `rediss://`, with `user:password@` if need be. */
  readonly url: string
  /** PEM of the CAs for `rediss://`; undefined: those that Node brings. */
  readonly ca?: string | undefined
  /** Instead of the one in the URL. */
  readonly password?: string | undefined
  /** What Redis lists the connection as. */
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly onMessage: (channel: string, text: string) => void
  /** Connected, and every subscription asked for. */
  readonly onUp: () => void
  /** The connection is lost; called once for each that was up. */
  readonly onDown: () => void
}

/**
 * One connection to Redis for commands and subscriptions both (RESP3, so Redis 6 or newer), opened again whenever it is
 * lost. In order, and never longer than what Redis answers for: without a connection nothing is queued.
 */
export class RedisConnection {
  /** True while subscriptions stand. */
  readonly up = new Latest(false)
  readonly #options: RedisConnectionOptions
  readonly #redis: Redis
  readonly #channels = new Set<string>()
  #unanswered = 0
  /** Said of this outage, or of this connection, already. */
  #isOutageTold = false
  #isRefusalTold = false
  #lastError: unknown
  #isClosed = false
  #heardAtMs: number | undefined

  /** Messages that somebody got. */
  sent = 0
  /** Messages that nobody got: no connection, no listener, or too many under way. */
  dropped = 0
  received = 0

  constructor(options: RedisConnectionOptions) {
    const { url, ca, password, name, random } = options
    this.#options = options
    this.#redis = new Redis(url, {
      connectionName: name.replaceAll(/[^!-~]/g, '-'),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: QUIT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      retryStrategy: (attempt) => retryDelayMs(attempt, random),
      // Nothing waits for a connection: what is old is worth nothing.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // We subscribe ourselves, to what is wanted then.
      autoResubscribe: false,
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    })
    this.#redis.on('error', (error: unknown) => {
      this.#lastError = error
    })
    this.#redis.on('ready', () => {
      this.#isRefusalTold = false
      void this.#ready()
    })
    this.#redis.on('close', () => this.#lost())
    this.#redis.on('message', (channel: string, text: string) => this.#message(channel, text))
  }

  /** Connects, and goes on trying for as long as it takes. */
  open(): void {
    // What fails comes as an event, and is tried again.
    this.#redis.connect().catch(() => {})
  }

  /** Tries again to subscribe where Redis refused; of a connection that is whole it changes nothing. */
  renew(): void {
    if (this.#redis.status === 'ready' && !this.up.value) void this.#ready()
  }

  /** When Redis last said anything, epoch ms. */
  get heardAtMs(): number | undefined {
    return this.#heardAtMs
  }

  /** Hears the channel from now on, over every connection that is to come. */
  subscribe(channel: string): void {
    if (this.#channels.has(channel)) return
    this.#channels.add(channel)
    void this.#answered(() => this.#redis.subscribe(channel))
  }

  unsubscribe(channel: string): void {
    if (this.#channels.delete(channel)) void this.#answered(() => this.#redis.unsubscribe(channel))
  }

  /** Says it now or never. */
  publish(channel: string, text: string): void {
    if (!this.offer(channel, text)) this.dropped += 1
  }

  /** The same, but false where it cannot be said now: the caller may say it again. */
  offer(channel: string, text: string): boolean {
    if (!this.#canSay(text)) return false
    void this.#publish(channel, text)
    return true
  }

  /** The script's reply, or undefined where there is none. */
  async evaluate(
    script: string,
    { keys, args }: { readonly keys: readonly string[]; readonly args: readonly (string | number)[] },
  ): Promise<unknown> {
    if (!this.#canSay(script)) return undefined
    return this.#answered(() => this.#redis.eval(script, keys.length, ...keys, ...args))
  }

  /** Asks for a sign of life; resolves when everything that was said before is settled. */
  async ping(): Promise<void> {
    await this.#answered(() => this.#redis.ping())
  }

  /** Ends the connection for good, after what is under way if that does not take long. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const patience = Promise.withResolvers<void>()
    using _timer = this.#options.clock.after(QUIT_TIMEOUT_MS, patience.resolve)
    await Promise.race([this.ping(), patience.promise])
    const ended = Promise.withResolvers<void>()
    this.#redis.once('end', ended.resolve)
    // Without a socket there is no end to wait for.
    if (['end', 'wait', 'reconnecting'].includes(this.#redis.status)) ended.resolve()
    this.#redis.disconnect()
    await Promise.race([ended.promise, patience.promise])
  }

  #canSay(text: string): boolean {
    return this.#redis.status === 'ready' && this.#unanswered + text.length <= UNANSWERED_MAX
  }

  async #publish(channel: string, text: string): Promise<void> {
    this.#unanswered += text.length
    const receivers = await this.#answered(() => this.#redis.publish(channel, text))
    this.#unanswered -= text.length
    if (receivers === undefined || receivers === 0) this.dropped += 1
    else this.sent += 1
  }

  /** The reply, or undefined where there is no connection, it broke, or Redis refused; the latter is said once. */
  async #answered<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.#redis.status !== 'ready') return undefined
    try {
      const reply = await ask()
      this.#heardAtMs = this.#options.clock.now()
      return reply
    } catch (error) {
      if (this.#redis.status === 'ready' && !this.#isRefusalTold) {
        this.#isRefusalTold = true
        this.#options.log.error(this.#why(error), 'Redis refuses what it is asked for')
      }
      return undefined
    }
  }

  async #ready(): Promise<void> {
    if (this.#channels.size > 0) {
      const subscribed = await this.#answered(() => this.#redis.subscribe(...this.#channels))
      if (subscribed === undefined) return
    }
    this.#options.log.info({ redis: this.#where }, 'connected to Redis')
    this.#isOutageTold = false
    this.#lastError = undefined
    this.#heardAtMs = this.#options.clock.now()
    this.up.set(true)
    this.#options.onUp()
  }

  #lost(): void {
    if (this.up.value) {
      this.up.set(false)
      this.#options.onDown()
    }
    if (this.#isOutageTold || this.#isClosed) return
    this.#isOutageTold = true
    this.#options.log.warn(
      this.#why(this.#lastError),
      'no connection to Redis: gateways and the controller do not hear each other until it is back',
    )
  }

  #message(channel: string, text: string): void {
    // What was on its way when the channel was left.
    if (!this.#channels.has(channel)) return
    this.#heardAtMs = this.#options.clock.now()
    this.received += 1
    this.#options.onMessage(channel, text)
  }

  /** Not the error itself: it holds the command that failed with all its arguments, passwords and reports among them. */
  #why(error: unknown): { readonly reason: string; readonly redis: string } {
    return { reason: reasonOf(error), redis: this.#where }
  }

  /** The address without the password. */
  get #where(): string {
    const { protocol, host, pathname } = new URL(this.#options.url)
    return `${protocol}//${host}${pathname}`
  }
}

function reasonOf(error: unknown): string {
  if (error === undefined) return 'it was closed'
  if (!(error instanceof Error)) return inspect(error)
  // A host with several addresses fails with an error for each, and none of its own.
  if (error instanceof AggregateError) return error.errors.map((each) => reasonOf(each)).join('; ')
  return error.message
}

/** Doubled each time; between half of it and all of it, so that not all come back at once. */
function retryDelayMs(attempt: number, random: Random): number {
  const longestMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** (attempt - 1))
  return Math.round(longestMs * (0.5 + random.next() / 2))
}
