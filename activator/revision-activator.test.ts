import { describe, expect, it } from 'vitest'
import { ManualClock } from '../src/core/manual-clock.ts'
import type { Replica, ReplicaPhase } from '../src/core/replica.ts'
import { silentMetrics } from '../src/core/telemetry.ts'
import { HeldPermit, type Permit } from './permit.ts'
import { RevisionActivator, type ActivationBounds } from './revision-activator.ts'

const BOUNDS: ActivationBounds = { depthMax: 100, bytesMax: 1_000, activationTimeoutMs: 60_000 }
const live = new AbortController().signal

function replica(name: string, phase: ReplicaPhase = 'ready', reason?: string): Replica {
  return {
    name: `ml/${name}`,
    revision: 'ml/iris-00001',
    phase,
    sinceMs: 0,
    createdAtMs: 0,
    address: { host: '127.0.0.1', port: 9_000 },
    restarts: 0,
    ...(reason === undefined ? {} : { reason }),
  }
}

/** One revision, what it told, and in which order the named requests came through. */
class Story {
  readonly clock = new ManualClock(1_000_000)
  readonly told: string[] = []
  /** `a` when request a got its permit, `a: reason` when it did not. */
  readonly log: string[] = []
  readonly permits = new Map<string, Permit>()
  readonly revision: RevisionActivator

  constructor(
    options: { readonly containerConcurrency?: number; readonly bounds?: Partial<ActivationBounds> } = {},
  ) {
    this.revision = new RevisionActivator({
      revision: 'ml/iris-00001',
      containerConcurrency: options.containerConcurrency ?? 1,
      bounds: { ...BOUNDS, ...options.bounds },
      clock: this.clock,
      metrics: {
        ...silentMetrics,
        queueLeft: (_revision, outcome, waitMs) => this.told.push(`${outcome} ${waitMs}`),
        coldStart: (_revision, durationMs) => this.told.push(`cold start ${durationMs}`),
        replicaEjected: () => this.told.push('ejected'),
      },
      wake: () => this.told.push('wake'),
    })
  }

  /** A request by name; what becomes of it is written to `log` in the turn in which it is known. */
  request(name: string, options: { signal?: AbortSignal; bytes?: number; failed?: Permit[] } = {}): void {
    try {
      const outcome = this.revision.acquire({ signal: live, ...options })
      if (!(outcome instanceof Promise)) this.#granted(name, outcome)
      else {
        outcome.then(
          (permit) => this.#granted(name, permit),
          (reason: unknown) => this.log.push(`${name}: ${String(reason)}`),
        )
      }
    } catch (error) {
      this.log.push(`${name}: ${String(error)}`)
    }
  }

  /** The connection of this request was refused. */
  fail(name: string): void {
    const permit = this.permit(name)
    if (permit instanceof HeldPermit) this.revision.failed(permit.slot)
    permit[Symbol.dispose]()
  }

  finish(name: string): void {
    this.permit(name)[Symbol.dispose]()
  }

  permit(name: string): Permit {
    const permit = this.permits.get(name)
    if (permit === undefined) throw new Error(`${name} has no permit; so far: ${this.log.join(', ')}`)
    return permit
  }

  #granted(name: string, permit: Permit): void {
    this.permits.set(name, permit)
    this.log.push(name)
  }
}

/** Lets promises settle without moving time. */
function settled(story: Story): Promise<void> {
  return story.clock.advance(0)
}

describe('RevisionActivator, warm', () => {
  it('gives a permit in the same turn while there is room', () => {
    const story = new Story({ containerConcurrency: 2 })
    story.revision.update([replica('a'), replica('b')])
    for (const name of ['1', '2', '3', '4']) story.request(name)
    expect(story.log).toEqual(['1', '2', '3', '4'])
    expect(['1', '2', '3', '4'].map((name) => story.permit(name).replica)).toEqual([
      'ml/a',
      'ml/b',
      'ml/a',
      'ml/b',
    ])
    expect(story.permit('1')).toMatchObject({ waitedMs: 0, cold: false, revision: 'ml/iris-00001' })
  })

  it('passes a freed permit to the oldest who waits, in the same turn', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    for (const name of ['runs', 'first', 'second']) story.request(name)
    await story.clock.advance(250)
    story.finish('runs')
    expect([story.revision.waiting, story.revision.slots.inFlight]).toEqual([1, 1])
    // A newcomer in that very turn finds the place taken and goes behind the others.
    story.request('newcomer')
    await settled(story)
    expect(story.log).toEqual(['runs', 'first'])
    expect(story.permit('first')).toMatchObject({ waitedMs: 250, cold: false })
    story.finish('first')
    await settled(story)
    story.finish('second')
    await settled(story)
    expect(story.log).toEqual(['runs', 'first', 'second', 'newcomer'])
  })

  it('gives a permit back once, however often it is disposed', () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('once')
    story.finish('once')
    story.finish('once')
    expect(story.revision.slots.inFlight).toBe(0)
    expect(story.revision.meter.underWay).toBe(0)
  })

  it('lets those who wait go on when the limit grows', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    for (const name of ['1', '2', '3']) story.request(name)
    story.revision.slots.containerConcurrency = 3
    story.revision.update([replica('a')])
    await settled(story)
    expect(story.log).toEqual(['1', '2', '3'])
  })

  it('lets a client that is gone leave at once, with its bytes', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    const client = new AbortController()
    story.request('runs')
    story.request('first', { bytes: 10 })
    story.request('goes', { bytes: 500, signal: client.signal })
    story.request('last', { bytes: 20 })
    await story.clock.advance(40)
    client.abort(new Error('client gone'))
    expect([story.revision.waiting, story.revision.waitingBytes]).toEqual([2, 30])
    expect(story.revision.meter.underWay).toBe(3)
    expect(story.told).toEqual(['served 0', 'gone 40'])
    await settled(story)
    expect(story.log).toEqual(['runs', 'goes: Error: client gone'])
    story.finish('runs')
    await settled(story)
    story.finish('first')
    await settled(story)
    expect(story.log.slice(2)).toEqual(['first', 'last'])
  })

  it('does not touch a permit whose client goes away after it was granted', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    const client = new AbortController()
    story.request('runs')
    story.request('next', { signal: client.signal })
    story.finish('runs')
    client.abort()
    await settled(story)
    expect(story.log).toEqual(['runs', 'next'])
    expect(story.revision.slots.inFlight).toBe(1)
  })

  it('takes no request of a client that is gone already', () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('late', { signal: AbortSignal.abort(new Error('client gone')) })
    expect(story.log).toEqual(['late: Error: client gone'])
    expect(story.revision.slots.inFlight).toBe(0)
  })

  it('refuses what may not wait, and says when to come again', async () => {
    const story = new Story({ containerConcurrency: 4, bounds: { depthMax: 20 } })
    story.revision.update([replica('a')])
    // One request of 500 ms teaches the rate: 20 waiting * 0.5 s / 4 slots = 2.5, so 3 s.
    story.request('teaches')
    await story.clock.advance(500)
    story.finish('teaches')
    for (let nth = 0; nth < 24; nth++) story.request(`nth ${nth}`)
    expect(() => story.revision.acquire({ signal: live })).toThrow(
      expect.objectContaining({ code: 'QUEUE_FULL', status: 503, retryAfterSeconds: 3 }),
    )
    expect(story.revision.waiting).toBe(20)
    expect(story.told.at(-1)).toBe('refused 0')
  })

  it('refuses the bytes too many and takes a smaller one', () => {
    const story = new Story({ bounds: { bytesMax: 100 } })
    story.request('fits', { bytes: 90 })
    expect(() => story.revision.acquire({ signal: live, bytes: 11 })).toThrow(
      expect.objectContaining({ code: 'QUEUE_BYTES_FULL', status: 503 }),
    )
    story.request('small', { bytes: 10 })
    expect([story.revision.waiting, story.revision.waitingBytes]).toEqual([2, 100])
  })
})

describe('RevisionActivator, cold', () => {
  it('wakes once however many wait, and serves all when a replica is ready', async () => {
    const story = new Story({ containerConcurrency: 0 })
    for (const name of ['1', '2', '3']) story.request(name)
    expect(story.told).toEqual(['wake'])
    await story.clock.advance(8_000)
    story.revision.update([replica('a', 'loading')])
    expect(story.told).toEqual(['wake'])
    story.revision.update([replica('a')])
    await settled(story)
    expect(story.log).toEqual(['1', '2', '3'])
    expect(story.told).toEqual(['wake', 'cold start 8000', 'served 8000', 'served 8000', 'served 8000'])
    expect(story.permit('1')).toMatchObject({ cold: true, waitedMs: 8_000 })
  })

  it('wakes again for the next one when all who waited went away', async () => {
    const story = new Story()
    const client = new AbortController()
    story.request('goes', { signal: client.signal })
    client.abort()
    await story.clock.advance(30_000)
    story.request('stays')
    await story.clock.advance(2_000)
    story.revision.update([replica('a')])
    expect(story.told).toEqual(['wake', 'gone 0', 'wake', 'cold start 2000', 'served 2000'])
  })

  it('wakes at once for a newcomer when the replicas vanished under those who wait', () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('runs')
    story.request('waits')
    story.revision.update([])
    story.request('newcomer')
    expect(story.told).toEqual(['served 0', 'wake'])
  })

  it('says again that somebody waits, but not while a replica is there', () => {
    const story = new Story()
    story.revision.wakeAgain()
    expect(story.told).toEqual([])
    story.request('waits')
    story.revision.wakeAgain()
    expect(story.told).toEqual(['wake', 'wake'])
    story.revision.update([replica('a')])
    story.request('waits for room')
    story.revision.wakeAgain()
    expect(story.told).toEqual(['wake', 'wake', 'cold start 0', 'served 0'])
  })

  it('ends each wait at its own time, with the reason of the replica that is blocked', async () => {
    const story = new Story()
    story.request('first')
    await story.clock.advance(20_000)
    story.request('second')
    story.revision.update([replica('a', 'scheduling', 'needs 2 nvidia.com/gpu, 1 is free')])
    await story.clock.advance(39_999)
    expect(story.log).toEqual([])
    await story.clock.advance(1)
    const why = 'waited 60 s for ml/iris-00001; needs 2 nvidia.com/gpu, 1 is free'
    expect(story.log).toEqual([`first: Refusal: no replica became ready in time: ${why}`])
    await story.clock.advance(19_999)
    expect(story.log).toHaveLength(1)
    await story.clock.advance(1)
    expect(story.log).toHaveLength(2)
    expect([story.revision.waiting, story.revision.meter.underWay]).toEqual([0, 0])
    expect(story.clock.nextDueMs()).toBeUndefined()
  })

  it('gives the second its whole time when the first, for whom the timer was armed, went away', async () => {
    const story = new Story()
    const client = new AbortController()
    story.request('first', { signal: client.signal })
    await story.clock.advance(20_000)
    story.request('second')
    client.abort(new Error('gone'))
    await story.clock.advance(59_999)
    expect(story.log).toEqual(['first: Error: gone'])
    await story.clock.advance(1)
    expect(story.log).toHaveLength(2)
  })

  it('says after a timeout when to come again: as long again as the oldest has waited', async () => {
    const story = new Story()
    const outcome = Promise.allSettled([story.revision.acquire({ signal: live })])
    await story.clock.advance(60_000)
    expect(await outcome).toMatchObject([
      { reason: { code: 'ACTIVATION_TIMEOUT', status: 504, retryAfterSeconds: 60 } },
    ])
  })

  it('waits for ever where the timeout is 0', async () => {
    const story = new Story({ bounds: { activationTimeoutMs: 0 } })
    story.request('patient')
    expect(story.clock.nextDueMs()).toBeUndefined()
    await story.clock.advance(86_400_000)
    expect(story.log).toEqual([])
    story.revision.update([replica('a')])
    await settled(story)
    expect(story.permit('patient').waitedMs).toBe(86_400_000)
  })
})

describe('RevisionActivator, hand-over', () => {
  it('holds what arrives after it let go, and wakes', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    expect(story.revision.letGo()).toBe(true)
    story.request('arrives')
    expect([story.log, story.told]).toEqual([[], ['wake']])
    expect(story.revision.letGo()).toBe(false)
    story.revision.keep()
    await settled(story)
    expect(story.log).toEqual(['arrives'])
  })

  it('refuses those who wait for a revision that was removed, and takes nobody until it is back', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('runs')
    story.request('waits')
    story.revision.close()
    await settled(story)
    const refusal = 'Refusal: no InferenceService answers this host and path: ml/iris-00001 was removed'
    expect(story.log).toEqual(['runs', `waits: ${refusal}`])
    story.finish('runs')
    story.request('late')
    expect(story.log.at(-1)).toBe(`late: ${refusal}`)
    expect(story.revision.meter.underWay).toBe(0)
    story.revision.update([replica('a')])
    story.request('after')
    expect(story.log.at(-1)).toBe('after')
  })
})

describe('RevisionActivator, retries', () => {
  it('goes to another replica than the one that failed', () => {
    const story = new Story({ containerConcurrency: 0 })
    story.revision.update([replica('a'), replica('b')])
    story.request('try')
    const failed = story.permit('try')
    story.finish('try')
    for (const name of ['again', 'and again']) story.request(name, { failed: [failed] })
    expect([failed.replica, story.permit('again').replica, story.permit('and again').replica]).toEqual([
      'ml/a',
      'ml/b',
      'ml/b',
    ])
  })

  it('gives up after a second while the one that failed is all there is', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('try')
    story.finish('try')
    story.request('again', { failed: [story.permit('try')] })
    await story.clock.advance(999)
    expect(story.log).toEqual(['try'])
    await story.clock.advance(1)
    expect(story.log[1]).toContain('there is no other replica to try')
    expect(story.told).toEqual(['served 0', 'refused 1000'])
  })

  it('waits on when the one that failed is gone, and takes its replacement', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('try')
    story.finish('try')
    story.request('again', { failed: [story.permit('try')] })
    story.revision.update([])
    await story.clock.advance(5_000)
    story.revision.update([replica('b')])
    await settled(story)
    expect(story.permit('again').replica).toBe('ml/b')
  })

  it('gives up later, too, when the others left and only the one that failed stands', async () => {
    const story = new Story()
    story.revision.update([replica('a'), replica('b')])
    story.request('try')
    story.finish('try')
    story.request('on b')
    story.request('again', { failed: [story.permit('try')] })
    await story.clock.advance(1_500)
    story.revision.update([replica('a')])
    await story.clock.advance(500)
    expect(story.log[2]).toContain('there is no other replica to try')
  })

  it('does not hold up newcomers while it waits for another replica', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('try')
    story.finish('try')
    story.request('again', { failed: [story.permit('try')] })
    story.request('newcomer')
    expect(story.log).toEqual(['try', 'newcomer'])
    story.request('next')
    story.finish('newcomer')
    await settled(story)
    expect(story.log).toEqual(['try', 'newcomer', 'next'])
    expect(story.revision.waiting).toBe(1)
  })

  it('is served in its turn by a replica that comes', async () => {
    const story = new Story()
    story.revision.update([replica('a')])
    story.request('try')
    story.request('first')
    story.request('again', { failed: [story.permit('try')] })
    story.request('last')
    story.revision.update([replica('a'), replica('b')])
    await settled(story)
    expect(story.permit('first').replica).toBe('ml/b')
    story.finish('try')
    await settled(story)
    expect(story.permit('last').replica).toBe('ml/a')
    story.finish('first')
    await settled(story)
    expect(story.permit('again').replica).toBe('ml/b')
  })
})

describe('RevisionActivator, replicas that fail', () => {
  it('sends nothing to one that failed until its backoff is over', async () => {
    const story = new Story({ containerConcurrency: 0 })
    story.revision.update([replica('a'), replica('b')])
    story.request('fails')
    story.fail('fails')
    for (const name of ['1', '2']) story.request(name)
    expect(['1', '2'].map((name) => story.permit(name).replica)).toEqual(['ml/b', 'ml/b'])
    expect(story.told).toEqual(['served 0', 'ejected', 'served 0', 'served 0'])
    await story.clock.advance(1_000)
    story.request('3')
    expect(story.permit('3').replica).toBe('ml/a')
  })

  it('serves those who wait when it comes back', async () => {
    const story = new Story()
    story.revision.update([replica('a'), replica('b')])
    story.request('fails')
    story.fail('fails')
    for (const name of ['on b', 'waits']) story.request(name)
    await story.clock.advance(999)
    expect(story.log).toEqual(['fails', 'on b'])
    await story.clock.advance(1)
    expect(story.permit('waits')).toMatchObject({ replica: 'ml/a', waitedMs: 1_000, cold: false })
  })

  it('keeps on with the last one, and with all of them once each has failed', async () => {
    const story = new Story()
    story.revision.update([replica('a'), replica('b')])
    for (const name of ['on a', 'on b', 'waits']) story.request(name)
    story.fail('on a')
    await settled(story)
    expect([story.log, story.told.includes('wake')]).toEqual([['on a', 'on b'], false])
    story.fail('on b')
    await settled(story)
    expect(story.permit('waits').replica).toBe('ml/a')
  })

  it('has one that failed back at once when the others leave', async () => {
    const story = new Story()
    story.revision.update([replica('a'), replica('b')])
    story.request('fails')
    story.fail('fails')
    for (const name of ['on b', 'waits']) story.request(name)
    story.revision.update([replica('a')])
    await settled(story)
    expect(story.permit('waits').replica).toBe('ml/a')
  })

  it('forgets a failure with the replica, and probes nobody then', async () => {
    const story = new Story()
    story.revision.update([replica('a'), replica('b')])
    story.request('fails')
    story.fail('fails')
    story.revision.update([replica('b')])
    expect(story.clock.nextDueMs()).toBeUndefined()
    story.fail('fails')
    expect(story.clock.nextDueMs()).toBeUndefined()
  })
})
