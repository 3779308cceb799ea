import type { Cancellation } from '../src/core/cancellation.ts'
import type { Clock, Timer } from '../src/core/clock.ts'
import type { ReplicaName, RevisionName } from '../src/core/names.ts'
import { Refusal } from '../src/core/refusals.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Metrics } from '../src/core/telemetry.ts'
import { ConcurrencyMeter } from './concurrency-meter.ts'
import { DrainRate } from './drain-rate.ts'
import { PassiveHealth, type Probe } from './passive-health.ts'
import { HeldPermit, type Permit, type PermitIssuer } from './permit.ts'
import { Queue, type QueueBounds } from './queue.ts'
import type { SharedRevision, SlotLender } from './shared-revision.ts'
import { NO_SLOTS, type Slot, type Slots } from './slot.ts'
import { SlotTable } from './slots.ts'
import { Waiter } from './waiter.ts'

/** A retry waits this long for another replica to turn up while the one that failed still stands. */
const OTHER_REPLICA_PATIENCE_MS = 1_000

export interface ActivationBounds extends QueueBounds {
  /** Longest wait for a permit; 0 = for ever. */
  readonly activationTimeoutMs: number
}

export interface AcquireOptions {
  /** Aborted when the client is gone, the deadline has passed or the gateway stops: the wait ends at once. */
  readonly signal: Cancellation
  /** What the request occupies while it waits; counts against `bytesMax`. */
  readonly bytes?: number
  /** The permits with which this request has failed before: it goes to another replica. */
  readonly failed?: readonly Permit[]
}

/** The queue, the slots, the health and the load of one revision. */
export class RevisionActivator implements PermitIssuer, SharedRevision {
  readonly name: RevisionName
  readonly #clock: Clock
  readonly #metrics: Metrics
  readonly #bounds: ActivationBounds
  readonly #wake: () => void
  readonly #lender: SlotLender | undefined
  readonly #queue: Queue<Waiter>
  readonly #drainRate = new DrainRate()
  readonly #health: PassiveHealth
  /** One for all who wait. */
  readonly #onGone = (waiter: Waiter): void =>
    this.#refuse(waiter, { reason: waiter.reason, outcome: 'gone', nowMs: this.#clock.now() })
  /** Those in the queue whom any replica would serve; the others are retries that avoid one. */
  #plainWaiting = 0
  #closed = false
  /** Fires when the oldest has waited its time, or earlier. All wait equally long, so one timer serves the queue. */
  #deadline: Timer | undefined
  /** Since when requests wait for a revision with no ready replica. */
  #coldSinceMs: number | undefined
  /** Why no replica is ready, for the answer to those who waited in vain. */
  #blockedBy: string | undefined

  readonly slots: Slots
  readonly meter: ConcurrencyMeter

  constructor(options: {
    readonly revision: RevisionName
    readonly containerConcurrency: number
    readonly bounds: ActivationBounds
    readonly clock: Clock
    readonly metrics: Metrics
    readonly wake: () => void
    readonly probe?: Probe | undefined
    /** Default: a table of this thread's own. */
    readonly slots?: Slots | undefined
    /** Divides the slots among gateways. Default: all are here. */
    readonly lender?: SlotLender | undefined
  }) {
    this.name = options.revision
    this.#clock = options.clock
    this.#metrics = options.metrics
    this.#bounds = options.bounds
    this.#wake = options.wake
    this.#queue = new Queue(options.bounds)
    const { revision, lender } = options
    this.#lender = lender
    const roomOn =
      lender && ((limit: number, replica: ReplicaName) => lender.roomOn(revision, limit, replica))
    this.slots = options.slots ?? new SlotTable(options.containerConcurrency, roomOn)
    this.meter = new ConcurrencyMeter(options.clock.now())
    this.#health = new PassiveHealth({
      clock: options.clock,
      probe: options.probe,
      onBack: () => this.serve(),
    })
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
    this.#health.retain((slot) => this.slots.has(slot))
    this.#blockedBy = replicas.find((replica) => replica.reason !== undefined)?.reason
    this.serve()
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
      this.#metrics.queueLeft(this.name, 'served', 0)
      return new HeldPermit(this, slot, nowMs)
    }
    const bytes = options.bytes ?? 0
    const overflow = this.#queue.refuses(bytes, this.slots.waitingElsewhere)
    if (overflow !== undefined) throw this.#overflowing(overflow, nowMs)
    return this.#wait(options.signal, { avoid, bytes, nowMs })
  }

  /** Called by a permit whose scope ended. */
  takeBack(permit: HeldPermit): void {
    const nowMs = this.#clock.now()
    this.#drainRate.permitHeld(nowMs - permit.sinceMs)
    this.meter.leave(nowMs)
    this.slots.giveBack(permit.slot)
    this.#lender?.freed(this, permit.replica)
    this.#serve(nowMs)
  }

  failed(slot: Slot): void {
    if (!this.slots.has(slot) || !this.#health.failed(slot)) return
    this.#metrics.replicaEjected(this.name)
    // Where it was the last healthy one, those that failed before it are in the choice again.
    this.serve()
  }

  answered(slot: Slot): void {
    this.#health.answered(slot)
  }

  /** True, and nothing is handed out on today's replicas any more, if nothing waits or runs. */
  letGo(): boolean {
    return this.#queue.depth === 0 && this.slots.letGo()
  }

  keep(): void {
    this.slots.keep()
    this.serve()
  }

  /** The revision is gone: nobody will ever be served, unless an update brings it back. */
  close(): void {
    this.#closed = true
    this.slots.replace([])
    this.#health.retain(() => false)
    const nowMs = this.#clock.now()
    for (let waiter = this.#queue.oldest; waiter !== undefined; waiter = this.#queue.oldest) {
      this.#refuse(waiter, { reason: this.#removed(), outcome: 'refused', nowMs })
    }
  }

  /** Says again that somebody waits for a replica: a wake-up that got lost costs a second. */
  wakeAgain(): void {
    if (this.#queue.depth > 0 && !this.slots.isWarm) this.#wake()
  }

  /** Hands free slots to those who wait, here, in other threads and in other gateways. */
  serve(): void {
    this.slots.settle()
    if (this.#queue.depth > 0 || this.#lender !== undefined) this.#serve(this.#clock.now())
  }

  #wait(
    signal: Cancellation,
    asked: { readonly avoid: readonly Slot[]; readonly bytes: number; readonly nowMs: number },
  ): Promise<Permit> {
    const { avoid, bytes, nowMs } = asked
    const cold = !this.slots.isWarm
    const { promise, resolve: settle } = Promise.withResolvers<HeldPermit>()
    const waiter = new Waiter({
      avoid,
      cold,
      bytes,
      sinceMs: nowMs,
      signal,
      settle,
      onGone: this.#onGone,
    })
    if (!this.slots.join(waiter)) {
      waiter.withdraw()
      throw this.#overflowing('QUEUE_FULL', nowMs)
    }
    this.#queue.push(waiter)
    if (avoid.length === 0) this.#plainWaiting += 1
    else this.#giveUpWithoutAnother(waiter)
    this.#armDeadline(nowMs)
    // Once per spell: whoever decides looks at all who wait, and wakeAgain repeats it.
    if (cold && this.#coldSinceMs === undefined) {
      this.#coldSinceMs = nowMs
      this.#wake()
    }
    this.#lender?.served(this)
    return promise
  }

  /** Hands free slots to those who wait, oldest first; a retry that cannot use them lets the next one by. */
  #serve(nowMs: number): void {
    this.#lender?.offer(this)
    let waiter = this.#queue.oldest
    while (waiter !== undefined) {
      const next: Waiter | undefined = waiter.after
      const slot = this.slots.takeFor(waiter)
      if (slot !== undefined) this.#grant(waiter, slot, nowMs)
      else if (waiter.avoid.length === 0 && !this.slots.mayServeBehind) break
      waiter = next
    }
    this.#lender?.served(this)
  }

  #grant(waiter: Waiter, slot: Slot, nowMs: number): void {
    this.#leave(waiter)
    if (this.#coldSinceMs !== undefined) {
      const coldMs = nowMs - this.#coldSinceMs
      this.#coldSinceMs = undefined
      this.#drainRate.coldStarted(coldMs)
      this.#metrics.coldStart(this.name, coldMs)
    }
    this.meter.waited(nowMs - waiter.sinceMs)
    this.#metrics.queueLeft(this.name, 'served', nowMs - waiter.sinceMs)
    waiter.grant(new HeldPermit(this, slot, nowMs, waiter))
  }

  #leave(waiter: Waiter): void {
    this.#queue.leave(waiter)
    if (waiter.avoid.length === 0) this.#plainWaiting -= 1
  }

  #removed(): Refusal {
    return new Refusal('NO_ROUTE', { detail: `${this.name} was removed` })
  }

  #overflowing(code: 'QUEUE_FULL' | 'QUEUE_BYTES_FULL', nowMs: number): Refusal {
    this.meter.leave(nowMs)
    this.#metrics.queueLeft(this.name, 'refused', 0)
    return new Refusal(code, { retryAfterSeconds: this.#retryAfterSeconds(nowMs) })
  }

  #refuse(
    waiter: Waiter,
    why: { readonly reason: unknown; readonly outcome: 'refused' | 'gone'; readonly nowMs: number },
  ): void {
    if (!waiter.queued) return
    const { reason, outcome, nowMs } = why
    this.#leave(waiter)
    this.slots.part(waiter)
    this.meter.leave(nowMs)
    if (this.#queue.depth === 0) {
      this.#coldSinceMs = undefined
      this.#lender?.served(this)
    }
    this.#metrics.queueLeft(this.name, outcome, nowMs - waiter.sinceMs)
    waiter.refuse(reason)
  }

  /** An armed timer is never late for a new oldest, who came after the one it was armed for: it is left as it is. */
  #armDeadline(nowMs: number): void {
    const oldest = this.#queue.oldest
    if (this.#deadline !== undefined || oldest === undefined || this.#bounds.activationTimeoutMs === 0) return
    const delayMs = oldest.sinceMs + this.#bounds.activationTimeoutMs - nowMs
    const expire = (): void => {
      this.#deadline = undefined
      this.#expire()
    }
    this.#deadline = this.#clock.after(delayMs, expire, { keepAlive: false })
  }

  #expire(): void {
    const nowMs = this.#clock.now()
    for (let waiter = this.#queue.oldest; waiter !== undefined; waiter = this.#queue.oldest) {
      if (waiter.sinceMs + this.#bounds.activationTimeoutMs > nowMs) break
      const seconds = this.#bounds.activationTimeoutMs / 1000
      const why = this.#blockedBy === undefined ? '' : `; ${this.#blockedBy}`
      const detail = `waited ${seconds} s for ${this.name}${why}`
      const retryAfterSeconds = this.#retryAfterSeconds(nowMs)
      const reason = new Refusal('ACTIVATION_TIMEOUT', { detail, retryAfterSeconds })
      this.#refuse(waiter, { reason, outcome: 'refused', nowMs })
    }
    this.#armDeadline(nowMs)
  }

  #giveUpWithoutAnother(waiter: Waiter): void {
    this.#clock.after(OTHER_REPLICA_PATIENCE_MS, () => {
      if (!waiter.queued) return
      // Where the failed replica is gone by now, its replacement is on the way: wait for that.
      if (!this.slots.hasOnly(waiter.avoid)) {
        this.#giveUpWithoutAnother(waiter)
        return
      }
      const reason = new Refusal('UPSTREAM_RESET', { detail: 'there is no other replica to try' })
      this.#refuse(waiter, { reason, outcome: 'refused', nowMs: this.#clock.now() })
    })
  }

  #retryAfterSeconds(nowMs: number): number {
    return this.#drainRate.retryAfterSeconds({
      depth: this.#queue.depth + this.slots.waitingElsewhere,
      slots: this.slots.capacity,
      oldestWaitMs: nowMs - (this.#queue.oldest?.sinceMs ?? nowMs),
      cold: !this.slots.isWarm,
    })
  }
}

function slotsOf(failed: readonly Permit[] | undefined): readonly Slot[] {
  if (failed === undefined || failed.length === 0) return NO_SLOTS
  return failed.flatMap((permit) => (permit instanceof HeldPermit ? [permit.slot] : []))
}
