import type { Clock, Timer } from '../src/core/clock.ts'
import type { RevisionName } from '../src/core/names.ts'
import { Refusal } from '../src/core/refusals.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Metrics } from '../src/core/telemetry.ts'
import { ConcurrencyMeter } from './concurrency-meter.ts'
import { DrainRate } from './drain-rate.ts'
import { HeldPermit, type Permit } from './permit.ts'
import { Queue, type Place, type QueueBounds } from './queue.ts'
import { SlotTable, type Slot } from './slots.ts'
import { Waiter } from './waiter.ts'

/** A retry waits this long for another replica to turn up while the one that failed still stands. */
const OTHER_REPLICA_PATIENCE_MS = 1_000

export interface ActivationBounds extends QueueBounds {
  /** Longest wait for a permit; 0 = for ever. */
  readonly activationTimeoutMs: number
}

export interface AcquireOptions {
  /** Aborted when the client is gone, the deadline has passed or the gateway stops: the wait ends at once. */
  readonly signal: AbortSignal
  /** What the request occupies while it waits; counts against `bytesMax`. */
  readonly bytes?: number
  /** The permits with which this request has failed before: it goes to another replica. */
  readonly failed?: readonly Permit[]
}

/** The queue, the slots and the load of one revision. */
export class RevisionActivator {
  readonly #revision: RevisionName
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #bounds: ActivationBounds
  readonly #wake: () => void
  readonly #queue: Queue<Waiter>
  readonly #drainRate = new DrainRate()
  /** One for all permits, so that a permit costs no closure. */
  readonly #giveBack = (permit: HeldPermit): void => {
    const nowMs = this.#clock.now()
    this.#drainRate.permitHeld(nowMs - permit.sinceMs)
    this.meter.leave(nowMs)
    this.slots.giveBack(permit.slot)
    this.#serve()
  }
  /** Those in the queue whom any replica would serve; the others are retries that avoid one. */
  #plainWaiting = 0
  #closed = false
  /** Fires when the oldest place has waited its time. All wait equally long, so one timer serves the queue. */
  #deadline: Timer | undefined
  /** Since when requests wait for a revision with no ready replica. */
  #coldSinceMs: number | undefined
  /** Why no replica is ready, for the answer to those who waited in vain. */
  #blockedBy: string | undefined

  readonly slots: SlotTable
  readonly meter: ConcurrencyMeter

  constructor(options: {
    readonly revision: RevisionName
    readonly containerConcurrency: number
    readonly bounds: ActivationBounds
    readonly clock: Clock
    readonly metrics: Metrics
    readonly wake: () => void
  }) {
    this.#revision = options.revision
    this.#clock = options.clock
    this.#metrics = options.metrics
    this.#bounds = options.bounds
    this.#wake = options.wake
    this.#queue = new Queue(options.bounds)
    this.slots = new SlotTable(options.containerConcurrency)
    this.meter = new ConcurrencyMeter(options.clock.now())
  }

  get waiting(): number {
    return this.#queue.depth
  }

  get waitingBytes(): number {
    return this.#queue.bytes
  }

  /** Since when the oldest request waits, epoch ms. */
  get oldestSinceMs(): number | undefined {
    return this.#queue.oldest?.sinceMs
  }

  /** Replaces the replicas; those who wait go to the new ones in this turn, oldest first. */
  update(replicas: readonly Replica[]): void {
    this.#closed = false
    this.slots.replace(replicas.filter((replica) => replica.phase === 'ready'))
    this.#blockedBy = replicas.find((replica) => replica.reason !== undefined)?.reason
    this.#serve()
  }

  acquire(options: AcquireOptions): Permit | Promise<Permit> {
    options.signal.throwIfAborted()
    if (this.#closed) throw this.#removed()
    const nowMs = this.#clock.now()
    this.meter.enter(nowMs)
    const avoid = slotsOf(options.failed)
    // A newcomer never overtakes. Retries that wait could not use what is free: they do not hold it up.
    const slot = this.#plainWaiting === 0 ? this.slots.take(avoid) : undefined
    if (slot !== undefined) {
      this.#metrics.queueLeft(this.#revision, 'served', 0)
      return new HeldPermit(
        { revision: this.#revision, slot, sinceMs: nowMs, waitedMs: 0, cold: false },
        this.#giveBack,
      )
    }
    const bytes = options.bytes ?? 0
    const overflow = this.#queue.refuses(bytes)
    if (overflow !== undefined) {
      this.meter.leave(nowMs)
      this.#metrics.queueLeft(this.#revision, 'refused', 0)
      throw new Refusal(overflow, { retryAfterSeconds: this.#retryAfterSeconds(nowMs) })
    }
    return this.#wait(avoid, bytes, options.signal)
  }

  /** True, and nothing is handed out on today's replicas any more, if nothing waits or runs. */
  letGo(): boolean {
    return this.#queue.depth === 0 && this.slots.letGo()
  }

  keep(): void {
    this.slots.keep()
    this.#serve()
  }

  /** The revision is gone: nobody will ever be served, unless an update brings it back. */
  close(): void {
    this.#closed = true
    this.slots.replace([])
    for (let place = this.#queue.oldest; place !== undefined; place = this.#queue.oldest) {
      this.#refuse(place, this.#removed())
    }
  }

  /** Says again that somebody waits for a replica: a wake-up that got lost costs a second. */
  wakeAgain(): void {
    if (this.#queue.depth > 0 && !this.slots.isWarm) this.#wake()
  }

  #wait(avoid: readonly Slot[], bytes: number, signal: AbortSignal): Promise<Permit> {
    const cold = !this.slots.isWarm
    const waiter = new Waiter({ avoid, cold, signal })
    const place = this.#queue.push(waiter, bytes, this.#clock.now())
    if (avoid.length === 0) this.#plainWaiting += 1
    waiter.listen(() => this.#refuse(place, signal.reason, 'gone'))
    this.#armDeadline()
    if (avoid.length > 0) this.#giveUpWithoutAnother(place)
    if (cold) {
      // Once per spell: whoever decides looks at all who wait, and wakeAgain repeats it.
      if (this.#coldSinceMs === undefined) {
        this.#coldSinceMs = this.#clock.now()
        this.#wake()
      }
    }
    return waiter.promise
  }

  /** Hands free slots to those who wait, oldest first; a retry that cannot use them lets the next one by. */
  #serve(): void {
    let place = this.#queue.oldest
    while (place !== undefined) {
      const next = place.after
      const slot = this.slots.take(place.value.avoid)
      if (slot !== undefined) this.#grant(place, slot)
      else if (place.value.avoid.length === 0) break
      place = next
    }
    this.#armDeadline()
  }

  #grant(place: Place<Waiter>, slot: Slot): void {
    this.#leave(place)
    const nowMs = this.#clock.now()
    const waitedMs = nowMs - place.sinceMs
    if (this.#coldSinceMs !== undefined) {
      const coldMs = nowMs - this.#coldSinceMs
      this.#coldSinceMs = undefined
      this.#drainRate.coldStarted(coldMs)
      this.#metrics.coldStart(this.#revision, coldMs)
    }
    this.#metrics.queueLeft(this.#revision, 'served', waitedMs)
    const { cold } = place.value
    place.value.grant(
      new HeldPermit({ revision: this.#revision, slot, sinceMs: nowMs, waitedMs, cold }, this.#giveBack),
    )
  }

  #leave(place: Place<Waiter>): void {
    this.#queue.leave(place)
    if (place.value.avoid.length === 0) this.#plainWaiting -= 1
  }

  #removed(): Refusal {
    return new Refusal('NO_ROUTE', { detail: `${this.#revision} was removed` })
  }

  #refuse(place: Place<Waiter>, reason: unknown, outcome: 'refused' | 'gone' = 'refused'): void {
    if (!place.queued) return
    this.#leave(place)
    const nowMs = this.#clock.now()
    this.meter.leave(nowMs)
    if (this.#queue.depth === 0) this.#coldSinceMs = undefined
    this.#metrics.queueLeft(this.#revision, outcome, nowMs - place.sinceMs)
    place.value.refuse(reason)
    this.#armDeadline()
  }

  #armDeadline(): void {
    const oldest = this.#queue.oldest
    if (oldest === undefined || this.#bounds.activationTimeoutMs === 0) {
      this.#deadline?.cancel()
      this.#deadline = undefined
      return
    }
    // An armed timer is never late for the new oldest: it came after the one the timer was armed for.
    this.#deadline ??= this.#clock.after(
      oldest.sinceMs + this.#bounds.activationTimeoutMs - this.#clock.now(),
      () => {
        this.#deadline = undefined
        this.#expire()
      },
    )
  }

  #expire(): void {
    const nowMs = this.#clock.now()
    for (let place = this.#queue.oldest; place !== undefined; place = this.#queue.oldest) {
      if (place.sinceMs + this.#bounds.activationTimeoutMs > nowMs) break
      const seconds = this.#bounds.activationTimeoutMs / 1000
      const why = this.#blockedBy === undefined ? '' : `; ${this.#blockedBy}`
      const detail = `waited ${seconds} s for ${this.#revision}${why}`
      this.#refuse(
        place,
        new Refusal('ACTIVATION_TIMEOUT', { detail, retryAfterSeconds: this.#retryAfterSeconds(nowMs) }),
      )
    }
    this.#armDeadline()
  }

  #giveUpWithoutAnother(place: Place<Waiter>): void {
    this.#clock.after(OTHER_REPLICA_PATIENCE_MS, () => {
      if (!place.queued) return
      // Where the failed replica is gone by now, its replacement is on the way: wait for that.
      if (!this.slots.hasOnly(place.value.avoid)) {
        this.#giveUpWithoutAnother(place)
        return
      }
      this.#refuse(place, new Refusal('UPSTREAM_RESET', { detail: 'there is no other replica to try' }))
    })
  }

  #retryAfterSeconds(nowMs: number): number {
    const limit = this.slots.containerConcurrency
    return this.#drainRate.retryAfterSeconds({
      depth: this.#queue.depth,
      slots: limit === 0 ? Number.POSITIVE_INFINITY : limit * this.slots.readyCount,
      oldestWaitMs: nowMs - (this.#queue.oldest?.sinceMs ?? nowMs),
      cold: !this.slots.isWarm,
    })
  }
}

const NONE: readonly Slot[] = []

function slotsOf(failed: readonly Permit[] | undefined): readonly Slot[] {
  if (failed === undefined || failed.length === 0) return NONE
  return failed.flatMap((permit) => (permit instanceof HeldPermit ? [permit.slot] : []))
}
