import type { Clock, Timer } from '../core/clock.ts'

/** How coarse the wheel is: a timer fires up to this much late, never early. */
export const TICK_MS = 100
const SLOTS = 512

/** Values of `slot` besides a place on the wheel. */
const IDLE = -1
const DUE = -2

/** A timer that is armed again and again. Arming costs two pointers, so there is one per connection and request. */
export class WheelTimer {
  readonly #onTime: (() => void) | undefined
  dueMs = 0
  before: WheelTimer | undefined
  after: WheelTimer | undefined
  slot: number = IDLE

  /** @param onTime undefined for a class of its own, which says what to do in `fire`. */
  constructor(onTime: (() => void) | undefined) {
    this.#onTime = onTime
  }

  fire(): void {
    this.#onTime?.()
  }
}

/**
 * One coarse wheel for all idle, head and request timeouts of a thread: 512 slots of 100 ms, a timer in the slot of
 * its time; one that is more than a turn (51.2 s) away stays in its slot until its turn comes round.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #slots: (WheelTimer | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  #size = 0
  /** The tick that was looked at last. */
  #tick = 0
  #next: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Timers that are armed. */
  get size(): number {
    return this.#size
  }

  get nowMs(): number {
    return this.#clock.now()
  }

  /** Arms or re-arms: `fire` is called once, at the first tick after `delayMs`. */
  arm(timer: WheelTimer, delayMs: number): void {
    this.cancel(timer)
    const nowMs = this.#clock.now()
    if (this.#size === 0) this.#tick = Math.floor(nowMs / TICK_MS)
    timer.dueMs = nowMs + delayMs
    const slot = Math.max(Math.ceil(timer.dueMs / TICK_MS), this.#tick + 1) % SLOTS
    const first = this.#slots[slot]
    timer.slot = slot
    timer.after = first
    if (first !== undefined) first.before = timer
    this.#slots[slot] = timer
    this.#size += 1
    this.#turnAtNextTick(nowMs)
  }

  /** Does nothing if it is not armed. */
  cancel(timer: WheelTimer): void {
    if (timer.slot < 0) {
      timer.slot = IDLE
      return
    }
    if (timer.before === undefined) this.#slots[timer.slot] = timer.after
    else timer.before.after = timer.after
    if (timer.after !== undefined) timer.after.before = timer.before
    timer.before = undefined
    timer.after = undefined
    timer.slot = IDLE
    this.#size -= 1
  }

  readonly #turn = (): void => {
    this.#next = undefined
    const nowMs = this.#clock.now()
    const until = Math.floor(nowMs / TICK_MS)
    // A machine that slept, or a test's clock: after one whole turn every slot has been looked at.
    const from = Math.max(this.#tick, until - SLOTS)
    this.#tick = until
    const due: WheelTimer[] = []
    for (let tick = from + 1; tick <= until; tick++) {
      for (let timer = this.#slots[tick % SLOTS]; timer !== undefined; timer = timer.after)
        if (timer.dueMs <= nowMs) due.push(timer)
    }
    for (const timer of due) {
      this.cancel(timer)
      timer.slot = DUE
    }
    // One that fires may cancel another of these, or arm it anew.
    for (const timer of due) {
      if (timer.slot !== DUE) continue
      timer.slot = IDLE
      timer.fire()
    }
    if (this.#size > 0) this.#turnAtNextTick(this.#clock.now())
  }

  /** At the tick, not a tick from now: otherwise a timer that is due just after one would be two ticks late. */
  #turnAtNextTick(nowMs: number): void {
    if (this.#next !== undefined) return
    this.#next = this.#clock.after(TICK_MS - (nowMs % TICK_MS), this.#turn, { keepAlive: false })
  }
}
