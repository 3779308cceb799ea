import type { Clock } from '../../core/clock.ts'
import type { Random } from '../../core/random.ts'
import type { Log } from '../../core/telemetry.ts'
import type { ApiClient } from './api-client.ts'
import { isApiError } from './api-error.ts'
import { KINDS, pathOf } from './kinds.ts'
import { heldLease, releasedLease, type Lease } from './lease.ts'

export interface LeaderElectionOptions {
  readonly client: ApiClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly namespace: string
  /** The name of the Lease. */
  readonly lease: string
  /** Our name, of letters, digits, `-` and `.`: that of the pod. */
  readonly identity: string
  /** Who has not renewed for so long has lost it. Default 6 s. */
  readonly leaseDurationMs?: number
  /** The leader renews this often. Default 1.5 s. */
  readonly renewMs?: number
  /** The others look this often, and a renewal that failed is tried again after this long. Default 1 s. */
  readonly retryMs?: number
}

/** The leader stops this long before others could begin: what it does then still takes a moment to end. */
const MARGIN_MS = 1_000
/** A renewal that takes longer is begun anew while there is time. */
const WRITE_TIMEOUT_MS = 2_000

interface Held {
  readonly lease: Lease
  readonly untilMs: number
}

/** Why the signal of a leader is aborted when it was not asked to stop. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost'
}

/**
 * One leader among many processes, by a Lease: whoever holds it renews it, and another takes it when it was not renewed
 * for `leaseDurationMs`. The times in the record are for people; everybody judges by how long they themselves, on a
 * clock that never jumps, have not seen the record change. The holder counts from before its last successful renewal
 * was sent and the others from after they saw it, so that the holder is always the first to think that it is over.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #leaseDurationMs: number
  readonly #renewMs: number
  readonly #retryMs: number
  /** Ours and of this process alone: one that was restarted under the same name is another candidate. */
  readonly #holder: string
  /** The record as it was seen last, and when it was seen to change. */
  #seen: { readonly lease: Lease; readonly atMs: number } | undefined
  /** While we lead: the lease as we wrote it, and until when it is surely ours. */
  #held: Held | undefined

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.#leaseDurationMs = options.leaseDurationMs ?? 6_000
    this.#renewMs = options.renewMs ?? 1_500
    this.#retryMs = options.retryMs ?? 1_000
    if (this.#leaseDurationMs < MARGIN_MS + this.#renewMs + this.#retryMs) {
      throw new Error(
        `leaseDurationMs is ${this.#leaseDurationMs}; it has to be at least ${MARGIN_MS + this.#renewMs + this.#retryMs}: ` +
          `${MARGIN_MS} ms, renewMs and retryMs together`,
      )
    }
    const suffix = options.random.uint32().toString(16).padStart(8, '0')
    this.#holder = `${options.identity}_${suffix}`
  }

  /** Whether nobody else can be the leader at this moment. */
  get isLeader(): boolean {
    return this.#held !== undefined && this.#options.clock.now() < this.#held.untilMs
  }

  /** The identity of who held the lease when it was last seen; undefined while nobody does or nothing is known. */
  get leaderName(): string | undefined {
    const holder = (this.#held?.lease ?? this.#seen?.lease)?.spec?.holderIdentity ?? ''
    return holder === '' ? undefined : holder.replace(/_[^_]*$/, '')
  }

  /**
   * Takes part until `signal` is aborted. Each time that we become the leader, `lead` is called; its signal is aborted when
   * `signal` is or when the lease could be another's by now, and we do not take part again before it has ended. When
   * it ends the lease is given back at once. @throws what `lead` throws while it leads.
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { log } = this.#options
    const who = { lease: this.#options.lease, identity: this.#holder }
    while (!signal.aborted) {
      if (!(await this.#acquire(signal))) return
      log.info(who, 'this process leads')
      try {
        await this.#lead(signal, lead)
      } finally {
        log.info(who, 'this process no longer leads')
      }
      // Whoever stopped leading for a reason of its own gives the others a chance.
      await this.#options.clock.sleep(this.#retryMs, signal).catch(() => {})
    }
  }

  /** False when the signal was aborted before. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, log } = this.#options
    for (let failures = 0; !signal.aborted;) {
      try {
        const lease = await this.#look(signal)
        if (this.#isFree(lease)) {
          // Seen to its end even if we are to stop meanwhile: what was taken has to be given back.
          this.#held = await this.#write(lease)
          if (this.isLeader && !signal.aborted) return true
          await this.#release()
        }
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        // Somebody was faster: the next look shows who.
        if (!isApiError(error, 'Conflict', 'AlreadyExists')) {
          failures += 1
          const isWorthALine = Number.isInteger(Math.log2(failures))
          log[isWorthALine ? 'warn' : 'debug'](
            { failures, error },
            'the lease of the leader cannot be read or taken',
          )
        }
      }
      // Followers that began together do not ask together; and nobody sleeps past the end of the lease.
      const pauseMs = this.#retryMs * (0.75 + 0.25 * random.next())
      const freeInMs = this.#untilFreeMs()
      await clock.sleep(freeInMs > 0 ? Math.min(pauseMs, freeInMs) : pauseMs, signal).catch(() => {})
    }
    return false
  }

  /** Notes when the record was seen to change. Undefined when there is none. */
  async #look(signal: AbortSignal): Promise<Lease | undefined> {
    const { namespace, lease: name } = this.#options
    try {
      const path = pathOf(KINDS.leases, { namespace, name })
      const lease: Lease = await this.#options.client.raw('GET', path, {
        signal,
        timeoutMs: WRITE_TIMEOUT_MS,
      })
      const isSame = JSON.stringify(lease.spec) === JSON.stringify(this.#seen?.lease.spec)
      // From after the answer, however old it is by then: too late is safe.
      const atMs = isSame && this.#seen !== undefined ? this.#seen.atMs : this.#options.clock.now()
      this.#seen = { lease, atMs }
      return lease
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error
      this.#seen = undefined
      return undefined
    }
  }

  #isFree(lease: Lease | undefined): boolean {
    const holder = lease?.spec?.holderIdentity ?? ''
    // Ours: a renewal that we thought failed went through after we had stopped.
    return holder === '' || holder === this.#holder || this.#untilFreeMs() <= 0
  }

  #untilFreeMs(): number {
    if (this.#seen === undefined) return this.#retryMs
    const theirsMs = (this.#seen.lease.spec?.leaseDurationSeconds ?? 0) * 1000
    return this.#seen.atMs + Math.max(theirsMs, this.#leaseDurationMs) - this.#options.clock.now()
  }

  async #lead(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { log } = this.#options
    const leading = new AbortController()
    const stop = (): void => leading.abort(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    const ended = new AbortController()
    const renewing = this.#keep(leading, ended.signal)
    try {
      await lead(leading.signal)
    } catch (error) {
      if (!leading.signal.aborted) throw error
      if (error !== leading.signal.reason) log.error({ error }, 'what the leader did ended with an error')
    } finally {
      signal.removeEventListener('abort', stop)
      ended.abort()
      await renewing
      await this.#release()
    }
  }

  /** Renews until what the leader does has ended, even after it was asked to stop: nobody may begin before that. */
  async #keep(leading: AbortController, ended: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    const lost = new AbortController()
    const lose = (): void => {
      this.#held = undefined
      leading.abort(new LeadershipLost('the lease was not renewed in time, or another has it'))
      lost.abort()
    }
    const leftMs = (): number => (this.#held?.untilMs ?? 0) - clock.now()
    // On a timer of its own: a renewal that hangs must not hide that the time is over.
    let ending = clock.after(leftMs(), lose)
    let pauseMs = this.#renewMs
    while (!ended.aborted && !lost.signal.aborted) {
      await clock.sleep(pauseMs, ended).catch(() => {})
      const held = this.#held
      if (ended.aborted || held === undefined) break
      // After a process was stopped for a while, all its timers are late.
      if (leftMs() <= 0) lose()
      else {
        try {
          const renewed = await this.#write(held.lease, lost.signal)
          if (lost.signal.aborted) break
          this.#held = renewed
          ending.cancel()
          ending = clock.after(leftMs(), lose)
          pauseMs = this.#renewMs
        } catch (error) {
          if (lost.signal.aborted) break
          pauseMs = this.#retryMs
          log.warn({ error, leftMs: Math.round(leftMs()) }, 'the lease of the leader was not renewed')
          if (await this.#isTaken(error, lost.signal)) lose()
        }
      }
    }
    ending.cancel()
  }

  /** After a refused renewal: whether somebody else has it. One of ours that timed out may have gone through. */
  async #isTaken(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (!isApiError(error, 'Conflict', 'NotFound')) return false
    try {
      const lease = await this.#look(signal)
      if (lease?.spec?.holderIdentity !== this.#holder) return true
      if (this.#held !== undefined) this.#held = { ...this.#held, lease }
    } catch {
      // Not known: it is ours until its time is over.
    }
    return false
  }

  /** Takes or renews the lease. What is surely ours counts from before the request was sent. */
  async #write(before: Lease | undefined, signal?: AbortSignal): Promise<Held> {
    const { client, clock, namespace, lease: name } = this.#options
    const sentAtMs = clock.now()
    const at = { nowMs: sentAtMs, durationMs: this.#leaseDurationMs, before }
    const body = heldLease({ name, namespace }, this.#holder, at)
    const options = { body, signal, timeoutMs: WRITE_TIMEOUT_MS }
    const lease: Lease =
      before === undefined
        ? await client.raw('POST', pathOf(KINDS.leases, { namespace }), options)
        : await client.raw('PUT', pathOf(KINDS.leases, { namespace, name }), options)
    this.#seen = { lease, atMs: clock.now() }
    return { lease, untilMs: sentAtMs + this.#leaseDurationMs - MARGIN_MS }
  }

  /** Best effort: a lease that cannot be given back runs out. */
  async #release(): Promise<void> {
    const { client, clock, log, namespace, lease: name } = this.#options
    const held = this.#held
    this.#held = undefined
    if (held === undefined) return
    try {
      const body = releasedLease(held.lease, clock.now())
      const path = pathOf(KINDS.leases, { namespace, name })
      const lease: Lease = await client.raw('PUT', path, { body, timeoutMs: WRITE_TIMEOUT_MS })
      this.#seen = { lease, atMs: clock.now() }
    } catch (error) {
      log.warn({ error }, 'the lease of the leader could not be given back and runs out')
    }
  }
}
