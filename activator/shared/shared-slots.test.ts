import { describe, expect, it } from 'vitest'
import { Cancel } from '../../src/core/cancellation.ts'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { Replica } from '../../src/core/replica.ts'
import type { ActivatorTables } from '../activator.ts'
import type { Permit } from '../permit.ts'
import type { Slots } from '../slot.ts'
import { Waiter } from '../waiter.ts'
import { FakeThread, IRIS, ready } from './fake-threads.ts'
import { SharedOwner, SharedThread } from './index.ts'
import { lock } from './lock.ts'
import { FLAGS, GRANTED, HELD, LOCK, SharedMemory, TOTAL } from './memory.ts'

const live = new AbortController().signal

/** Two threads on one memory, and what became of named requests. */
class Story {
  readonly clock = new ManualClock(0)
  readonly owner = new SharedOwner({ workers: 2, revisions: 4, replicas: 8, waitersPerThread: 16 })
  readonly memory = new SharedMemory(this.owner.handle)
  readonly a: FakeThread
  readonly b: FakeThread
  readonly log: string[] = []
  readonly permits = new Map<string, Permit>()

  constructor(depthMax = 10) {
    const bounds = { depthMax, bytesMax: 1_000, activationTimeoutMs: 60_000 }
    this.a = new FakeThread(this.owner, { clock: this.clock, bounds })
    this.b = new FakeThread(this.owner, { clock: this.clock, bounds })
  }

  serve(replicas: readonly Replica[], containerConcurrency = 1): void {
    const tables: ActivatorTables = { revisions: [{ name: IRIS, containerConcurrency }], replicas }
    const indexes = this.owner.assign(tables)
    for (const thread of [this.a, this.b]) thread.adopt(indexes, tables)
  }

  request(
    thread: FakeThread,
    name: string,
    options: { signal?: Cancel; failed?: readonly Permit[] } = {},
  ): void {
    try {
      const outcome = thread.activator.acquire(IRIS, { signal: live, ...options })
      if (outcome instanceof Promise) {
        outcome.then(
          (permit) => this.#granted(name, permit),
          (reason: unknown) => this.log.push(`${name}: ${String(reason)}`),
        )
      } else this.#granted(name, outcome)
    } catch (error) {
      this.log.push(`${name}: ${String(error)}`)
    }
  }

  finish(name: string): void {
    this.permits.get(name)![Symbol.dispose]()
  }

  async mail(...threads: FakeThread[]): Promise<void> {
    for (const thread of threads) thread.readMail()
    await this.clock.advance(0)
  }

  #granted(name: string, permit: Permit): void {
    this.permits.set(name, permit)
    this.log.push(name)
  }
}

describe('SharedSlotTable', () => {
  it('holds one limit over all threads', () => {
    const story = new Story()
    story.serve([ready('x'), ready('y')])
    story.request(story.a, '1')
    story.request(story.b, '2')
    story.request(story.a, '3')
    story.request(story.b, '4')
    expect(story.log).toEqual(['1', '2'])
    expect([story.permits.get('1')!.replica, story.permits.get('2')!.replica]).toEqual(['ml/x', 'ml/y'])
    expect([story.owner.inFlight('ml/x'), story.owner.inFlight('ml/y'), story.owner.underWay]).toEqual([
      1, 1, 4,
    ])
    expect([story.a.activator.queue(IRIS), story.b.activator.queue(IRIS)]).toMatchObject([
      { waiting: 1, inFlight: 1 },
      { waiting: 1, inFlight: 1 },
    ])
  })

  it('hands a freed slot to the oldest of whichever thread, and it is never free in between', async () => {
    const story = new Story()
    story.serve([ready('x')])
    story.request(story.a, 'runs')
    story.request(story.b, 'first')
    story.request(story.a, 'second')
    story.finish('runs')
    expect(story.owner.inFlight('ml/x')).toBe(1)
    story.request(story.a, 'newcomer')
    await story.mail(story.a)
    expect(story.log).toEqual(['runs'])
    await story.mail(story.b)
    expect(story.log).toEqual(['runs', 'first'])
    story.finish('first')
    await story.mail(story.a)
    story.finish('second')
    await story.mail(story.a)
    expect(story.log).toEqual(['runs', 'first', 'second', 'newcomer'])
  })

  it('lets no newcomer overtake one that waits in another thread', async () => {
    const story = new Story()
    story.serve([])
    story.request(story.a, 'waits')
    // Thread b has tables with a replica already, a has not.
    const tables = { revisions: [{ name: IRIS, containerConcurrency: 1 }], replicas: [ready('x')] }
    const indexes = story.owner.assign(tables)
    story.b.adopt(indexes, tables)
    story.request(story.b, 'newcomer')
    expect(story.log).toEqual([])
    story.a.adopt(indexes, tables)
    await story.mail(story.a, story.b)
    expect(story.log).toEqual(['waits'])
  })

  it('passes a slot on whose waiter has left before it read its mail', async () => {
    const story = new Story()
    story.serve([ready('x')])
    const client = new Cancel()
    story.request(story.a, 'runs')
    story.request(story.b, 'leaves', { signal: client })
    story.request(story.a, 'next')
    story.finish('runs')
    client.abort('gone')
    await story.clock.advance(0)
    await story.mail(story.a)
    expect(story.log).toEqual(['runs', 'leaves: gone', 'next'])
    expect(story.owner.inFlight('ml/x')).toBe(1)
  })

  it('misses no slot that came free after it found none and before it stood in line', () => {
    const owner = new SharedOwner({ workers: 2, revisions: 1, replicas: 1, waitersPerThread: 1 })
    const tables = { revisions: [{ name: IRIS, containerConcurrency: 1 }], replicas: [ready('x')] }
    const indexes = owner.assign(tables)
    const [a, b] = [1, 2].map(() => {
      const thread = new SharedThread(owner.handle, owner.openThread())
      let slots: Slots | undefined
      thread.adopt(indexes, () => (slots = thread.openSlots(IRIS, 1)).replace(tables.replicas))
      return slots!
    })
    const runs = a!.take([])!
    expect(b!.take([])).toBeUndefined()
    a!.giveBack(runs)
    const waiter = new Waiter({
      avoid: [],
      cold: false,
      bytes: 0,
      sinceMs: 0,
      signal: live,
      settle() {},
      onGone() {},
    })
    expect(b!.join(waiter)).toBe(true)
    expect(b!.takeFor(waiter)?.replica).toBe('ml/x')
  })

  it('lets one leave from the middle of the line', async () => {
    const story = new Story()
    story.serve([ready('x')])
    const client = new Cancel()
    story.request(story.a, 'runs')
    story.request(story.b, 'first')
    story.request(story.b, 'leaves', { signal: client })
    story.request(story.a, 'last')
    client.abort('gone')
    expect(story.owner.underWay).toBe(3)
    for (const name of ['runs', 'first', 'last']) {
      await story.mail(story.a, story.b)
      story.finish(name)
    }
    expect(story.log).toEqual(['runs', 'leaves: gone', 'first', 'last'])
    expect(story.owner.underWay).toBe(0)
  })

  it('lets a retry by that avoids the only free replica, and gives it the other', async () => {
    const story = new Story()
    story.serve([ready('x'), ready('y')])
    story.request(story.a, 'on x')
    story.request(story.b, 'on y')
    story.request(story.a, 'retry', { failed: [story.permits.get('on x')!] })
    story.request(story.b, 'plain')
    story.finish('on x')
    await story.mail(story.a, story.b)
    expect(story.permits.get('plain')!.replica).toBe('ml/x')
    story.finish('on y')
    await story.mail(story.a, story.b)
    expect(story.permits.get('retry')!.replica).toBe('ml/y')
  })

  it('counts those who wait in all threads against the depth', () => {
    const story = new Story(2)
    story.serve([])
    for (const thread of [story.a, story.b, story.a]) story.request(thread, 'x')
    expect(story.log).toEqual([expect.stringContaining('as many requests as may are already waiting')])
  })

  it('refuses one more than the memory has places for, and takes one again when one has left', () => {
    const story = new Story(100)
    story.serve([])
    const client = new Cancel()
    for (let nth = 0; nth < 16; nth++) story.request(story.a, `${nth}`, { signal: client })
    story.request(story.a, 'too many')
    expect(story.log).toEqual([expect.stringContaining('too many: Refusal')])
    client.abort('gone')
    story.request(story.a, 'again')
    expect(story.a.activator.queue(IRIS)).toMatchObject({ waiting: 1 })
    expect(story.owner.underWay).toBe(1)
  })

  it('keeps a slot that was granted on a replica of newer tables until they are here', async () => {
    const story = new Story()
    story.serve([])
    story.request(story.a, 'waits')
    const tables = { revisions: [{ name: IRIS, containerConcurrency: 1 }], replicas: [ready('x')] }
    const indexes = story.owner.assign(tables)
    story.b.adopt(indexes, tables)
    await story.mail(story.a)
    expect([story.log, story.owner.inFlight('ml/x')]).toEqual([[], 1])
    story.a.adopt(indexes, tables)
    await story.mail()
    expect(story.log).toEqual(['waits'])
  })

  it('gives back a slot that was granted on a replica that is gone since, and stands first again', async () => {
    const story = new Story()
    story.serve([ready('x')])
    story.request(story.b, 'runs')
    story.request(story.a, 'first')
    story.request(story.a, 'second')
    const tables = { revisions: [{ name: IRIS, containerConcurrency: 1 }], replicas: [] }
    story.finish('runs')
    story.a.adopt(story.owner.assign(tables), tables)
    await story.mail(story.a)
    expect([story.log, story.owner.inFlight('ml/x'), story.owner.underWay]).toEqual([['runs'], 0, 2])
    story.serve([ready('y')])
    await story.mail(story.a)
    expect(story.log).toEqual(['runs', 'first'])
  })

  it('tells every thread what one found out about a replica', () => {
    const story = new Story()
    story.serve([ready('x'), ready('y')], 0)
    story.request(story.a, 'fails on x')
    story.a.activator.failed(story.permits.get('fails on x')!)
    for (const name of ['1', '2']) story.request(story.b, name)
    expect([story.permits.get('1')!.replica, story.permits.get('2')!.replica]).toEqual(['ml/y', 'ml/y'])
  })
})

describe('SharedOwner', () => {
  it('lets go only when nothing waits or runs in any thread, and wakes those who wait when it keeps', async () => {
    const story = new Story()
    story.serve([ready('x')])
    story.request(story.b, 'runs')
    expect(story.owner.letGo(IRIS)).toBe(false)
    story.finish('runs')
    expect(story.owner.letGo(IRIS)).toBe(true)
    story.request(story.a, 'held')
    expect([story.log, story.a.woken]).toEqual([['runs'], [IRIS]])
    expect(story.owner.letGo(IRIS)).toBe(false)
    story.owner.keep(IRIS)
    await story.mail(story.a)
    expect(story.log).toEqual(['runs', 'held'])
  })

  it('hears when the last request on a replica that left has ended', async () => {
    const story = new Story()
    const stop = new AbortController()
    const listening = story.owner.listen(stop.signal)
    story.serve([ready('x')])
    story.request(story.a, 'runs')
    story.serve([])
    let isDrained = false
    const drained = story.owner.drained('ml/x', live).then(() => (isDrained = true))
    await story.clock.advance(0)
    expect(isDrained).toBe(false)
    story.finish('runs')
    await drained
    expect(story.owner.inFlight('ml/x')).toBe(0)
    stop.abort()
    await listening
  })

  it('uses the place of a replica anew when nothing runs on it and every thread has tables without it', () => {
    const story = new Story()
    const tables = (replica: Replica): ActivatorTables => ({
      revisions: [{ name: IRIS, containerConcurrency: 1 }],
      replicas: [replica],
    })
    const placeOf = (name: string): number | undefined =>
      story.owner.assign(tables(ready(name))).replicas.get(`ml/${name} 127.0.0.1:9000`)
    const place = placeOf('x')
    story.serve([ready('x')])
    story.request(story.a, 'runs')
    story.serve([ready('y')])
    expect(placeOf('z1')).not.toBe(place)
    story.finish('runs')
    expect(placeOf('z2')).toBe(place)
    // What thread b has not taken over yet, it may still send requests to.
    const indexes = story.owner.assign(tables(ready('y')))
    story.a.adopt(indexes, tables(ready('y')))
    expect(placeOf('z3')).not.toBe(place)
    story.b.adopt(indexes, tables(ready('y')))
    expect(placeOf('z4')).toBe(place)
  })

  it('says what there is no room for', () => {
    const story = new Story()
    const replicas = Array.from({ length: 9 }, (_, nth) => ready(`r${nth}`))
    expect(() => story.serve(replicas)).toThrow('there is room for 8 ready replicas')
    expect(() => story.owner.openThread()).toThrow('there is room for 2 workers')
  })
})

describe('SharedOwner, when a thread dies', () => {
  it('gives back what it held and what was granted to it, and serves those who wait', async () => {
    const story = new Story()
    story.serve([ready('x'), ready('y')])
    story.request(story.a, 'a runs')
    story.request(story.b, 'b runs')
    for (const name of ['a waits', 'a waits too']) story.request(story.a, name)
    story.request(story.b, 'b waits')
    story.request(story.b, 'b waits too')
    story.finish('b runs')
    // One slot is held by a, one was handed over to it; it reads its mail no more.
    story.owner.closeThread(story.a.number)
    await story.mail(story.b)
    expect(story.log).toEqual(['a runs', 'b runs', 'b waits', 'b waits too'])
    expect([story.owner.inFlight('ml/x'), story.owner.inFlight('ml/y'), story.owner.underWay]).toEqual([
      1, 1, 2,
    ])
    expect(story.owner.openThread()).toBe(story.a.number)
  })

  it.each([
    { where: 'after it counted a slot, before it held it', granted: false, left: 1 },
    {
      where: 'after it granted a slot, before it took the waiter out of the line',
      held: 0,
      granted: true,
      left: 2,
    },
  ])('repairs a revision in whose lock it died $where', async ({ granted, left }) => {
    const story = new Story()
    story.serve([ready('x')], 2)
    story.request(story.b, 'b runs')
    const { memory } = story
    const at = memory.replicaAt(0)
    const lockAt = memory.revisionAt(0) + LOCK
    story.serve([ready('x')], 1)
    story.request(story.b, 'b waits')
    lock(memory.words, lockAt, story.a.number)
    memory.words[at + TOTAL]! += 1
    if (granted) memory.words[memory.waiterAt(story.b.number, 0) + GRANTED] = 1
    expect(story.owner.letGo(IRIS)).toBe(false)
    story.owner.closeThread(story.a.number)
    expect([memory.words[at + TOTAL], memory.words[at + HELD + story.b.number]]).toEqual([left, 1])
    await story.mail(story.b)
    expect(story.log).toEqual(granted ? ['b runs', 'b waits'] : ['b runs'])
    story.finish('b runs')
    await story.mail(story.b)
    expect(story.log).toEqual(['b runs', 'b waits'])
    story.finish('b waits')
    expect([story.owner.underWay, memory.words[at + FLAGS], memory.words[lockAt]]).toEqual([0, 0, 0])
  })
})
