import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.ts'
import { SeededRandom } from './random.ts'

describe('ManualClock', () => {
  it('stands still until it is moved', async () => {
    const clock = new ManualClock(100)
    expect(clock.now()).toBe(100)
    await clock.advance(50)
    expect(clock.now()).toBe(150)
  })

  it('fires in order of due time, at one instant in the order armed, each at its own time', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    const arm = (name: string, delayMs: number): void => {
      clock.after(delayMs, () => fired.push(`${name} ${clock.now()}`))
    }
    arm('late', 30)
    arm('first', 10)
    arm('second', 10)
    arm('at once', -5)
    await clock.advance(29)
    expect(fired).toEqual(['at once 0', 'first 10', 'second 10'])
    expect([clock.now(), clock.nextDueMs()]).toEqual([29, 30])
    await clock.advance(1)
    expect(fired.at(-1)).toBe('late 30')
  })

  it('keeps the order of many timers', async () => {
    const clock = new ManualClock()
    const random = new SeededRandom(7)
    const fired: number[] = []
    for (let nth = 0; nth < 500; nth++) {
      const dueMs = random.below(200)
      clock.after(dueMs, () => fired.push(dueMs))
    }
    await clock.advance(200)
    expect(fired).toHaveLength(500)
    expect(fired).toEqual(fired.toSorted((a, b) => a - b))
  })

  it('fires what a timer arms, if it falls due on the way', async () => {
    const clock = new ManualClock()
    const fired: number[] = []
    const tick = (): void => {
      fired.push(clock.now())
      clock.after(10, tick)
    }
    clock.after(10, tick)
    await clock.advance(35)
    expect(fired).toEqual([10, 20, 30])
  })

  it('does not fire what was cancelled, be it by an earlier timer of the same instant or by scope', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    clock.after(10, () => victim.cancel())
    const victim = clock.after(10, () => fired.push('victim'))
    {
      using _scoped = clock.after(5, () => fired.push('scoped'))
    }
    await clock.advance(20)
    expect(fired).toEqual([])
    expect(clock.nextDueMs()).toBeUndefined()
    victim.cancel()
  })

  it('lets promises settle between two timers', async () => {
    const clock = new ManualClock()
    const seen: number[] = []
    const loop = async (): Promise<void> => {
      for (let nth = 0; nth < 3; nth++) {
        await clock.sleep(10)
        seen.push(clock.now())
      }
    }
    const running = loop()
    await clock.advance(30)
    await running
    expect(seen).toEqual([10, 20, 30])
  })

  it('ends a sleep when its signal is aborted, and leaves no timer', async () => {
    const clock = new ManualClock()
    const stop = new AbortController()
    const sleeping = clock.sleep(1_000, stop.signal)
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await expect(clock.sleep(1, stop.signal)).rejects.toBe(reason)
    expect(clock.nextDueMs()).toBeUndefined()
  })
})
