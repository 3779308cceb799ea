import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { SeededRandom } from '../../core/random.ts'
import { silentLog } from '../../core/telemetry.ts'
import { ApiError } from './api-error.ts'
import { WorkQueue } from './work-queue.ts'

/** A queue whose handlers end when the test says so. */
function world(options: { readonly concurrency?: number } = {}) {
  const clock = new ManualClock()
  const warnings: object[] = []
  const log = { ...silentLog, warn: (fields: object): void => void warnings.push(fields) }
  const queue = new WorkQueue({ clock, random: new SeededRandom(1), log, ...options })
  const life = new AbortController()
  const begun: string[] = []
  const open = new Map<string, PromiseWithResolvers<void>>()
  const run = (): Promise<void> =>
    queue.run(life.signal, (key) => {
      begun.push(key)
      expect(open.has(key)).toBe(false)
      const turn = Promise.withResolvers<void>()
      open.set(key, turn)
      return turn.promise.finally(() => open.delete(key))
    })
  const settle = (): Promise<void> => clock.advance(0)
  return { clock, queue, life, begun, open, run, settle, warnings }
}

describe('WorkQueue', () => {
  it('works once on a key that was added many times', async () => {
    const { queue, begun, open, run, settle, life } = world()
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    const running = run()
    await settle()
    expect(begun).toEqual(['a', 'b'])
    for (const turn of open.values()) turn.resolve()
    await queue.whenIdle()
    expect(begun).toEqual(['a', 'b'])
    life.abort()
    await running
  })

  it('works on a key once more when it was added during its turn, and never twice at a time', async () => {
    const { queue, begun, open, run, settle, life } = world()
    const running = run()
    queue.add('a')
    await settle()
    queue.add('a')
    queue.add('a')
    await settle()
    expect(begun).toEqual(['a'])
    expect(queue.waiting).toBe(1)
    open.get('a')?.resolve()
    await settle()
    expect(begun).toEqual(['a', 'a'])
    open.get('a')?.resolve()
    await queue.whenIdle()
    expect(begun).toEqual(['a', 'a'])
    life.abort()
    await running
  })

  it('has no more workers than it may, in the order of the keys', async () => {
    const { queue, begun, open, run, settle, life } = world({ concurrency: 2 })
    const running = run()
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
    await settle()
    expect(begun).toEqual(['a', 'b'])
    open.get('b')?.resolve()
    await settle()
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const key of ['a', 'c']) open.get(key)?.resolve()
    await settle()
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
    open.get('d')?.resolve()
    await queue.whenIdle()
    life.abort()
    await running
  })

  it('tries again what failed, later each time and half a minute at most', async () => {
    const { clock, queue, begun, open, run, settle, life, warnings } = world()
    const running = run()
    queue.add('a')
    await settle()
    const waits: number[] = []
    for (let failure = 1; failure <= 14; failure++) {
      open.get('a')?.reject(new Error('not yet'))
      await settle()
      expect(queue.failing).toBe(1)
      const waitMs = (clock.nextDueMs() ?? NaN) - clock.now()
      waits.push(waitMs)
      await clock.advance(waitMs - 1)
      expect(begun).toHaveLength(failure)
      await clock.advance(1.001)
      expect(begun).toHaveLength(failure + 1)
    }
    for (const [nth, ms] of waits.entries()) {
      const fullMs = Math.min(30_000, 50 * 2 ** nth)
      expect(ms >= fullMs / 2 && ms <= fullMs).toBe(true)
    }
    expect(warnings.map((fields) => Reflect.get(fields, 'failures'))).toEqual([1, 2, 4, 8])
    open.get('a')?.resolve()
    await settle()
    expect([queue.failing, clock.nextDueMs()]).toEqual([0, undefined])

    // It begins anew: the next failure waits as the first did.
    queue.add('a')
    await settle()
    open.get('a')?.reject(new Error('again'))
    await settle()
    expect((clock.nextDueMs() ?? NaN) - clock.now()).toBeLessThanOrEqual(50)
    life.abort()
    await running
  })

  it('does not wait for the next try when something changed', async () => {
    const { clock, queue, begun, open, run, settle, life } = world()
    const running = run()
    queue.add('a')
    await settle()
    open.get('a')?.reject(new ApiError('somebody was faster', { status: 409, reason: 'Conflict' }))
    await settle()
    queue.add('a')
    await settle()
    expect(begun).toEqual(['a', 'a'])
    open.get('a')?.resolve()
    await settle()
    // The try that it no longer needs is not made.
    expect(clock.nextDueMs()).toBeUndefined()
    life.abort()
    await running
  })

  it('looks again after a while, at the earliest of several times', async () => {
    const { clock, queue, begun, open, run, life } = world()
    const running = run()
    queue.addAfter('a', 5000)
    queue.addAfter('a', 2000)
    queue.addAfter('a', 9000)
    await clock.advance(1999)
    expect(begun).toEqual([])
    await clock.advance(1)
    expect(begun).toEqual(['a'])
    open.get('a')?.resolve()
    await clock.advance(10_000)
    expect(begun).toEqual(['a'])
    life.abort()
    await running
  })

  it('ends when its last worker has ended, and lets go of its timers', async () => {
    const { clock, queue, begun, open, run, settle, life } = world()
    const running = run()
    await expect(run()).rejects.toThrow('runs already')
    queue.add('a')
    queue.addAfter('b', 1000)
    await settle()
    let ended = false
    void running.then(() => (ended = true))
    life.abort()
    queue.add('c')
    await settle()
    expect([ended, begun]).toEqual([false, ['a']])
    open.get('a')?.reject(new Error('stopped'))
    await running
    expect(clock.nextDueMs()).toBeUndefined()
    await run()
    expect(begun).toEqual(['a'])
  })
})
