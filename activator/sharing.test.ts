import { describe, expect, it } from 'vitest'
import { MemoryBus } from '../src/bus/index.ts'
import { ManualClock } from '../src/core/manual-clock.ts'
import type { SlotMessage } from '../src/core/report.ts'
import { FakeGateway, IRIS, ready, readyOwnedBy } from './fake-gateways.ts'
import type { SharingOptions } from './sharing.ts'

const AB = ['a', 'b']

/** Gateways on one bus and one clock. */
class Story {
  readonly clock = new ManualClock(1_000)
  readonly bus = new MemoryBus()

  gateway(name: string, sharing: SharingOptions = {}): FakeGateway {
    return new FakeGateway(name, { clock: this.clock, bus: this.bus, sharing })
  }

  /** Gateways that have their shares. */
  async open(members: readonly string[], sharing: SharingOptions = {}): Promise<FakeGateway[]> {
    const gateways = members.map((name) => this.gateway(name, sharing))
    for (const { activator } of gateways) activator.divide(members)
    // Those who are asked before they were heard themselves are asked once more.
    await this.clock.advance(250)
    return gateways
  }

  /** Lets what is said be heard. */
  settle(): Promise<void> {
    return this.clock.advance(0)
  }
}

describe('slots divided among gateways', () => {
  it('gives a gateway that is alone every slot, and one that knows nobody yet none', async () => {
    const story = new Story()
    const gateway = story.gateway('a')
    gateway.serve([ready('x')], 3)
    gateway.request('early')
    expect(gateway.log).toEqual([])
    gateway.activator.divide(['a'])
    await story.settle()
    expect(gateway.log).toEqual(['early'])
    expect(gateway.take(3)).toBe(2)
  })

  it('gives each of several its share, and never more than the limit together', async () => {
    const story = new Story()
    const gateways = await story.open(['a', 'b', 'c'])
    for (const gateway of gateways) gateway.serve([ready('x')], 10)
    const taken = gateways.map((gateway) => gateway.take(10))
    expect(taken.toSorted((one, other) => one - other)).toEqual([3, 3, 4])
  })

  it('divides nothing where there is no limit', async () => {
    const story = new Story()
    const [a] = await story.open(AB)
    a!.serve([ready('x')], 0)
    expect(a!.take(50)).toBe(50)
  })

  it('counts everything as its own where nobody is a member', async () => {
    const story = new Story()
    const [a] = await story.open(['a'])
    a!.activator.divide([])
    await story.clock.advance(1_000)
    a!.serve([ready('x')], 2)
    expect(a!.take(3)).toBe(2)
  })

  it('has nothing to take where others are members and it is not', async () => {
    const story = new Story()
    const stranger = story.gateway('stranger')
    stranger.serve([ready('x')], 5)
    stranger.activator.divide(AB)
    await story.clock.advance(60_000)
    expect(stranger.take(1)).toBe(0)
  })

  it('shrinks at once when it sees a new member, and gives no permit until enough came back', async () => {
    const story = new Story()
    const [a] = await story.open(['a'])
    const replica = ready('x')
    a!.serve([replica], 4)
    for (const name of ['1', '2', '3', '4', '5']) a!.request(name)
    a!.activator.divide(AB)
    for (const name of ['1', '2']) a!.finish(name)
    await story.settle()
    expect(a!.log).toEqual(['1', '2', '3', '4'])
    a!.finish('3')
    await story.settle()
    expect(a!.log).toEqual(['1', '2', '3', '4', '5'])
    expect(a!.activator.inFlight(replica.name)).toBe(2)
  })

  it('lets a new member take only what the others no longer run', async () => {
    const story = new Story()
    const [a] = await story.open(['a'])
    a!.serve([ready('x')], 2)
    for (const name of ['1', '2']) a!.request(name)
    const b = story.gateway('b')
    b.serve([ready('x')], 2)
    for (const gateway of [a!, b]) gateway.activator.divide(AB)
    b.request('new')
    await story.clock.advance(60_000)
    expect(b.log).toEqual([])
    a!.finish('1')
    await story.clock.advance(5_000)
    expect(b.log).toEqual(['new'])
    expect(a!.take(1)).toBe(0)
  })

  it('waits for a member that has not heard of it, as long as that one speaks', async () => {
    const story = new Story()
    const [a] = await story.open(['a'], { settleMs: Number.POSITIVE_INFINITY })
    const b = story.gateway('b', { settleMs: Number.POSITIVE_INFINITY })
    for (const gateway of [a!, b]) gateway.serve([ready('x')], 2)
    b.activator.divide(AB)
    await story.clock.advance(60_000)
    expect([a!.take(2), b.take(2)]).toEqual([2, 0])
    a!.finish('taken-0')
    a!.activator.divide(AB)
    await story.clock.advance(250)
    expect([a!.take(2), b.permits.size]).toEqual([0, 1])
  })

  it('goes by the list alone when nobody answers for settleMs', async () => {
    const story = new Story()
    const b = story.gateway('b', { settleMs: 2_000 })
    const replica = readyOwnedBy('b', AB)
    b.serve([replica])
    b.activator.divide(AB)
    b.request('held')
    await story.clock.advance(1_999)
    expect(b.log).toEqual([])
    await story.clock.advance(1)
    expect(b.log).toEqual(['held'])
  })

  it('grows when a member has been gone for growDelayMs, and wakes those who wait, oldest first', async () => {
    const story = new Story()
    const [a] = await story.open(AB, { growDelayMs: 700 })
    a!.serve([ready('x')], 4)
    for (const name of ['1', '2', '3', '4', '5']) a!.request(name)
    a!.activator.divide(['a'])
    await story.clock.advance(699)
    expect(a!.log).toEqual(['1', '2'])
    await story.clock.advance(1)
    expect(a!.log).toEqual(['1', '2', '3', '4'])
  })

  it('takes back its old share from a restarted gateway of the same name only when nothing of the old one is in use', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('b', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    a!.request('borrows')
    await story.settle()
    expect(a!.log).toEqual(['borrows'])
    // Its process ends and begins anew while the slot that it lent is in use.
    b![Symbol.dispose]()
    await story.clock.advance(100)
    const again = story.gateway('b')
    again.serve([replica])
    again.activator.divide(AB)
    again.request('waits')
    await story.clock.advance(10_000)
    expect(again.log).toEqual([])
    a!.finish('borrows')
    await story.clock.advance(5_000)
    expect(again.log).toEqual(['waits'])
  })

  it('keeps to the limit when a replica leaves its table for a moment with requests in flight', async () => {
    const story = new Story()
    const [a] = await story.open(['a'])
    a!.serve([ready('x')], 2)
    expect(a!.take(2)).toBe(2)
    a!.serve([], 2)
    a!.serve([ready('x')], 2)
    expect(a!.take(1)).toBe(0)
    a!.finish('taken-0')
    await story.settle()
    expect(a!.activator.inFlight('ml/x')).toBe(2)
    // A share that shrank in the meantime holds for a replica that comes back, too.
    a!.serve([], 2)
    a!.activator.divide(AB)
    a!.serve([ready('x')], 2)
    a!.request('one too many')
    a!.finish('taken-1')
    await story.settle()
    expect(a!.activator.inFlight('ml/x')).toBe(1)
  })
})

describe('slots lent between gateways', () => {
  /** A gateway without a slot of its own and with a request that waits, and a slot that b lends it. */
  async function waiting(story: Story) {
    const a = story.gateway('a', { life: 2_000 })
    const replica = readyOwnedBy('b', AB)
    a.activator.divide(AB)
    a.serve([replica])
    a.request('waits')
    await story.settle()
    const lend = {
      from: 'b',
      life: 600,
      kind: 'lend',
      toLife: 2_000,
      revision: IRIS,
      replica: replica.name,
      lease: 1,
    } as const
    return { a, lend }
  }

  it('takes no slot that was lent to the process before it', async () => {
    const story = new Story()
    const { a, lend } = await waiting(story)
    a.activator.hear({ ...lend, toLife: 1_000 })
    await story.settle()
    expect(a.log).toEqual([])
    a.activator.hear(lend)
    await story.settle()
    expect(a.log).toEqual(['waits'])
  })

  it('takes no slot from a process that is gone', async () => {
    const story = new Story()
    const { a, lend } = await waiting(story)
    a.activator.hear({ from: 'b', life: 700, kind: 'borrow', revision: IRIS, wanted: 0, waitedMs: 0 })
    a.activator.hear(lend)
    await story.settle()
    expect(a.log).toEqual([])
  })

  it('takes a slot once, however often it hears of it', async () => {
    const story = new Story()
    const { a, lend } = await waiting(story)
    a.activator.hear(lend)
    await story.settle()
    a.finish('waits')
    a.request('next')
    a.activator.hear(lend)
    await story.settle()
    expect(a.log).toEqual(['waits'])
  })

  it('says nothing of a slot that it gave back while something runs that could be on it', async () => {
    const story = new Story()
    const { a, lend } = await waiting(story)
    const said: SlotMessage[] = []
    using _b = story.bus.joinGateway({
      name: 'b',
      letGo: () => true,
      keep() {},
      inFlight: () => 0,
      hear: (message) => void said.push(message),
    })
    a.activator.hear(lend)
    // For a moment b was thought to be gone, and its slot nobody's.
    a.activator.divide(['a'])
    a.activator.divide(AB)
    a.activator.hear(lend)
    await story.settle()
    expect(said.filter(({ kind }) => kind === 'give-back')).toEqual([])
    a.finish('waits')
    a.activator.hear(lend)
    await story.settle()
    expect(said.filter(({ kind }) => kind === 'give-back')).toMatchObject([{ lease: 1, toLife: 600 }])
  })

  it('serves every request of a gateway that has no slot of its own, and never two at once', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    for (let nth = 0; nth < 100; nth++) b!.request(`${nth}`)
    for (let nth = 0; nth < 100; nth++) {
      await story.clock.advance(5)
      expect(b!.activator.inFlight(replica.name) + a!.activator.inFlight(replica.name)).toBe(1)
      b!.finish(`${nth}`)
    }
    await story.settle()
    expect(b!.log).toEqual(Array.from({ length: 100 }, (_, nth) => `${nth}`))
    // Nobody waits any more: the slot is where it belongs.
    expect([b!.take(1), a!.take(1)]).toEqual([0, 1])
  })

  it('costs a lone request one message there and one back', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    b!.request('lone')
    await story.settle()
    expect(b!.log).toEqual(['lone'])
    expect(b!.permits.get('lone')?.waitedMs).toBe(0)
  })

  it('serves whoever has waited longest, here or there', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    a!.request('runs')
    await story.clock.advance(10)
    a!.request('first, here')
    await story.clock.advance(10)
    b!.request('second, there')
    await story.clock.advance(10)
    a!.request('third, here')
    a!.finish('runs')
    await story.settle()
    expect([a!.log, b!.log]).toEqual([['runs', 'first, here'], []])
    a!.finish('first, here')
    await story.settle()
    expect([a!.log.length, b!.log]).toEqual([2, ['second, there']])
    b!.finish('second, there')
    await story.settle()
    expect(a!.log.at(-1)).toBe('third, here')
  })

  it('has a slot back from a busy borrower after a second', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    for (let nth = 0; nth < 5; nth++) b!.request(`${nth}`)
    await story.settle()
    a!.request('own')
    await story.clock.advance(1)
    for (let nth = 5; nth < 100; nth++) b!.request(`${nth}`)
    const atMs = story.clock.now()
    for (let nth = 0; a!.log.length === 0; nth++) {
      await story.clock.advance(100)
      if (b!.permits.has(`${nth}`)) b!.finish(`${nth}`)
      await story.settle()
    }
    // The request that ran when the second was over is finished first.
    expect(story.clock.now() - atMs).toBeLessThanOrEqual(1_100)
  })

  it('has it back after sixteen requests, however short they are', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    for (let nth = 0; nth < 5; nth++) b!.request(`${nth}`)
    await story.settle()
    a!.request('own')
    await story.clock.advance(1)
    for (let nth = 5; nth < 100; nth++) b!.request(`${nth}`)
    for (let nth = 0; a!.log.length === 0; nth++) {
      b!.finish(`${nth}`)
      await story.settle()
    }
    expect(b!.log).toHaveLength(16)
  })

  it('gives back what it does not need when the client is gone', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    a!.request('runs')
    const client = new AbortController()
    b!.request('leaves', client.signal)
    await story.settle()
    client.abort('gone')
    await story.settle()
    a!.finish('runs')
    await story.settle()
    expect([a!.take(1), b!.take(1)]).toEqual([1, 0])
  })

  it('gives the slot of a borrower that is gone to its owner, after growDelayMs', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB, { growDelayMs: 500 })
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    b!.request('runs')
    await story.settle()
    a!.request('waits')
    b![Symbol.dispose]()
    // A terminating one still counts, however long it takes.
    await story.clock.advance(60_000)
    expect(a!.log).toEqual([])
    a!.activator.divide(['a'])
    await story.clock.advance(499)
    expect(a!.log).toEqual([])
    await story.clock.advance(1)
    expect(a!.log).toEqual(['waits'])
  })

  it('borrows from each owner when there are more, as much as waits', async () => {
    const story = new Story()
    const members = ['a', 'b', 'c', 'd']
    const gateways = await story.open(members)
    for (const gateway of gateways) gateway.serve([ready('x')], 8)
    const [a] = gateways
    for (let nth = 0; nth < 8; nth++) a!.request(`${nth}`)
    await story.clock.advance(1_000)
    expect(a!.log).toHaveLength(8)
    expect(a!.activator.queue(IRIS)).toMatchObject({ waiting: 0, inFlight: 8 })
  })

  it('lends nothing of a revision that was let go', async () => {
    const story = new Story()
    const [a, b] = await story.open(AB)
    const replica = readyOwnedBy('a', AB)
    for (const gateway of [a!, b!]) gateway.serve([replica])
    expect([a!.activator.letGo(IRIS), b!.activator.letGo(IRIS)]).toEqual([true, true])
    b!.request('held')
    await story.clock.advance(5_000)
    expect(b!.log).toEqual([])
    for (const gateway of [a!, b!]) gateway.activator.keep(IRIS)
    await story.clock.advance(250)
    expect(b!.log).toEqual(['held'])
  })
})
