import { describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { SeededRandom } from '../core/random.ts'
import { TICK_MS, TimerWheel, WheelTimer } from './timer-wheel.ts'

/** The time of one turn of the wheel. */
const TURN_MS = 512 * TICK_MS

describe('TimerWheel', () => {
  it('fires once, not before its time and less than a tick after it, whatever the time it is armed at', async () => {
    const random = new SeededRandom(1)
    const clock = new ManualClock(1_763_900_000_099.25)
    const wheel = new TimerWheel(clock)
    const wrong: string[] = []
    let fired = 0
    for (let count = 0; count < 500; count++) {
      const delayMs = random.next() * 3 * TURN_MS
      const armedMs = clock.now()
      const timer = new WheelTimer(() => {
        fired += 1
        const lateMs = clock.now() - armedMs - delayMs
        if (lateMs < 0 || lateMs >= TICK_MS) wrong.push(`armed at ${armedMs} for ${delayMs}: ${lateMs} late`)
      })
      wheel.arm(timer, delayMs)
      await clock.advance(random.next() * 250)
    }
    await clock.advance(3 * TURN_MS + TICK_MS)
    expect([fired, wrong, wheel.size]).toEqual([500, [], 0])
  })

  it.each([0, 1, TICK_MS, TICK_MS + 1, TURN_MS, TURN_MS + 1, 2 * TURN_MS, 900_000])(
    'fires once after %i ms',
    async (delayMs) => {
      const clock = new ManualClock()
      const wheel = new TimerWheel(clock)
      const firedAtMs: number[] = []
      wheel.arm(new WheelTimer(() => firedAtMs.push(clock.now())), delayMs)
      await clock.advance(2_000_000)
      expect(firedAtMs).toEqual([Math.max(1, Math.ceil(delayMs / TICK_MS)) * TICK_MS])
    },
  )

  it('forgets a timer that is cancelled, and takes it again', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    let fired = 0
    const timer = new WheelTimer(() => (fired += 1))
    wheel.cancel(timer)
    wheel.arm(timer, 500)
    wheel.cancel(timer)
    wheel.cancel(timer)
    await clock.advance(1_000)
    expect([fired, wheel.size]).toEqual([0, 0])
    wheel.arm(timer, 500)
    await clock.advance(1_000)
    expect([fired, wheel.size]).toEqual([1, 0])
  })

  it('forgets whichever of those in one slot is cancelled', async () => {
    for (let cancelled = 0; cancelled < 3; cancelled++) {
      const clock = new ManualClock()
      const wheel = new TimerWheel(clock)
      const fired = new Set<number>()
      const timers = [0, 1, 2].map((name) => new WheelTimer(() => fired.add(name)))
      for (const timer of timers) wheel.arm(timer, 300)
      wheel.cancel(timers[cancelled]!)
      await clock.advance(1_000)
      expect(fired).toEqual(new Set([0, 1, 2].filter((name) => name !== cancelled)))
    }
  })

  it('counts from the last time that a timer was armed', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const firedAtMs: number[] = []
    const timer = new WheelTimer(() => firedAtMs.push(clock.now()))
    for (let beat = 0; beat < 20; beat++) {
      wheel.arm(timer, 1_000)
      expect(wheel.size).toBe(1)
      await clock.advance(900)
    }
    await clock.advance(10_000)
    expect(firedAtMs).toEqual([19 * 900 + 1_000])
  })

  it('lets one that fires be armed anew there', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const firedAtMs: number[] = []
    const timer: WheelTimer = new WheelTimer(() => {
      firedAtMs.push(clock.now())
      if (firedAtMs.length < 4) wheel.arm(timer, 200)
    })
    wheel.arm(timer, 200)
    await clock.advance(5_000)
    expect([firedAtMs, wheel.size]).toEqual([[200, 400, 600, 800], 0])
  })

  it('lets one that fires cancel and re-arm others that are due with it', () => {
    const clock = new JumpingClock()
    const wheel = new TimerWheel(clock)
    const told: string[] = []
    const note = (name: string): WheelTimer => new WheelTimer(() => told.push(`${name} at ${clock.now()}`))
    const [cancelled, later, plain] = [note('cancelled'), note('later'), note('plain')]
    const first = new WheelTimer(() => {
      told.push(`first at ${clock.now()}`)
      wheel.cancel(cancelled)
      wheel.arm(later, 100)
    })
    wheel.arm(first, 100)
    for (const timer of [cancelled, later, plain]) wheel.arm(timer, 200)
    clock.jump(250)
    expect(told).toEqual(['first at 250', 'plain at 250'])
    expect(wheel.size).toBe(1)
    clock.jump(200)
    expect(told).toEqual(['first at 250', 'plain at 250', 'later at 450'])
  })

  it('fires all that fell due while the machine slept, and no others', async () => {
    const clock = new JumpingClock()
    const wheel = new TimerWheel(clock)
    const told: string[] = []
    for (const delayMs of [150, 40_000, TURN_MS, 100_000, 250_000, 3_000_000])
      wheel.arm(new WheelTimer(() => told.push(`${delayMs} at ${clock.now()}`)), delayMs)
    clock.jump(260_000)
    expect(told.toSorted()).toEqual([
      '100000 at 260000',
      '150 at 260000',
      '250000 at 260000',
      '40000 at 260000',
      `${TURN_MS} at 260000`,
    ])
    expect(wheel.size).toBe(1)
    clock.jump(3_000_000)
    expect(told.at(-1)).toBe('3000000 at 3260000')
    expect(wheel.size).toBe(0)
  })

  it('arms one timer of the clock for all, lets the process end, and none when idle', async () => {
    const clock = new JumpingClock()
    const wheel = new TimerWheel(clock)
    const timers = Array.from({ length: 1_000 }, () => new WheelTimer(() => {}))
    for (const timer of timers) wheel.arm(timer, 250)
    expect([clock.armed, clock.keepsAlive]).toEqual([1, false])
    for (const timer of timers) wheel.cancel(timer)
    clock.jump(100)
    expect([clock.armed, wheel.size]).toEqual([0, 0])
    // After a long idle time nothing is taken for due.
    clock.jump(10 * TURN_MS)
    let fired = 0
    wheel.arm(new WheelTimer(() => (fired += 1)), 1_000)
    clock.jump(950)
    expect(fired).toBe(0)
    clock.jump(100)
    expect(fired).toBe(1)
  })
})

/** Time that stands still and then jumps, as when a laptop is closed: the timers that fell due fire late, at the new time. */
class JumpingClock implements Clock {
  #nowMs = 0
  #armed: { readonly dueMs: number; readonly fire: () => void; readonly keepAlive: boolean }[] = []

  get armed(): number {
    return this.#armed.length
  }

  get keepsAlive(): boolean {
    return this.#armed.some(({ keepAlive }) => keepAlive)
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void, options?: { readonly keepAlive?: boolean }) {
    const one = { dueMs: this.#nowMs + delayMs, fire, keepAlive: options?.keepAlive ?? true }
    this.#armed.push(one)
    const cancel = (): void => void (this.#armed = this.#armed.filter((each) => each !== one))
    return { cancel, [Symbol.dispose]: cancel }
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error('nobody sleeps here'))
  }

  jump(byMs: number): void {
    this.#nowMs += byMs
    const due = this.#armed.filter(({ dueMs }) => dueMs <= this.#nowMs)
    this.#armed = this.#armed.filter(({ dueMs }) => dueMs > this.#nowMs)
    for (const { fire } of due) fire()
  }
}
