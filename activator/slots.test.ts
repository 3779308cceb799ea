import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../src/core/random.ts'
import type { Replica } from '../src/core/replica.ts'
import { SharedOwner, SharedThread } from './shared/index.ts'
import type { Slot, Slots } from './slot.ts'
import { SlotTable } from './slots.ts'

function ready(name: string, port = 9_000): Replica {
  return {
    name: `ml/${name}`,
    revision: 'ml/iris-00001',
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    address: { host: '127.0.0.1', port },
    restarts: 0,
  }
}

type Open = (containerConcurrency: number) => { table: Slots; replace: (ready: readonly Replica[]) => void }

const tables: readonly { name: string; open: Open }[] = [
  {
    name: 'SlotTable',
    open(containerConcurrency) {
      const table = new SlotTable(containerConcurrency)
      return { table, replace: (replicas) => table.replace(replicas) }
    },
  },
  {
    name: 'SharedSlotTable of one thread',
    open(containerConcurrency) {
      const owner = new SharedOwner({ workers: 1, revisions: 2, replicas: 16, waitersPerThread: 4 })
      const thread = new SharedThread(owner.handle, owner.openThread())
      const revisions = [{ name: 'ml/iris-00001', containerConcurrency } as const]
      let table: Slots | undefined
      const replace = (replicas: readonly Replica[]): void =>
        thread.adopt(owner.assign({ revisions, replicas }), () => {
          table ??= thread.openSlots('ml/iris-00001', containerConcurrency)
          table.replace(replicas)
        })
      replace([])
      if (table === undefined) throw new Error('adopting did not open the table')
      return { table, replace }
    },
  },
]

function takeAll(table: Slots): Slot[] {
  const taken: Slot[] = []
  for (let slot = table.take([]); slot !== undefined; slot = table.take([])) taken.push(slot)
  return taken
}

describe.each(tables)('$name', ({ open }) => {
  function tableOf(
    containerConcurrency: number,
    ...names: string[]
  ): { table: Slots; replace: (ready: readonly Replica[]) => void } {
    const opened = open(containerConcurrency)
    opened.replace(names.map((name) => ready(name)))
    return opened
  }

  it('hands out as many as the limit allows on each replica, and not one more', () => {
    const { table } = tableOf(2, 'a', 'b', 'c')
    const taken = takeAll(table)
    expect(taken.map((slot) => slot.inFlight)).toEqual([2, 2, 2, 2, 2, 2])
    expect(table.inFlight).toBe(6)
    table.giveBack(taken[3]!)
    expect(table.take([])).toBe(taken[3])
    expect(table.take([])).toBeUndefined()
  })

  it('has no limit where containerConcurrency is 0', () => {
    const { table } = tableOf(0, 'a')
    for (let nth = 1; nth <= 1_000; nth++) expect(table.take([])?.inFlight).toBe(nth)
  })

  it('serves equal loads in turn', () => {
    const { table } = tableOf(0, 'a', 'b', 'c')
    const order = Array.from({ length: 7 }, () => table.take([])!.replica)
    expect(order).toEqual(['ml/a', 'ml/b', 'ml/c', 'ml/a', 'ml/b', 'ml/c', 'ml/a'])
  })

  it('serves idle replicas in turn too, when each request is over before the next', () => {
    const { table } = tableOf(1, 'a', 'b', 'c')
    const order = Array.from({ length: 4 }, () => {
      const slot = table.take([])!
      table.giveBack(slot)
      return slot.replica
    })
    expect(order).toEqual(['ml/a', 'ml/b', 'ml/c', 'ml/a'])
  })

  it('chooses the least loaded', () => {
    const { table } = tableOf(0, 'a', 'b')
    const [a1, b1, , b2] = [table.take([])!, table.take([])!, table.take([])!, table.take([])!]
    table.giveBack(b1)
    table.giveBack(b2)
    expect([table.take([])!.replica, table.take([])!.replica]).toEqual(['ml/b', 'ml/b'])
    expect(a1.inFlight).toBe(2)
  })

  it('takes nothing new above a limit that shrank, and lets what runs finish', () => {
    const { table } = tableOf(3, 'a')
    const taken = takeAll(table)
    table.containerConcurrency = 1
    table.giveBack(taken[0]!)
    table.giveBack(taken[1]!)
    expect(table.take([])).toBeUndefined()
    table.giveBack(taken[2]!)
    expect(table.take([])?.inFlight).toBe(1)
  })

  it('keeps the load of a replica that stays, and forgets what one elsewhere had', () => {
    const { table, replace } = tableOf(1, 'a')
    const slot = table.take([])!
    replace([ready('a')])
    expect(table.take([])).toBeUndefined()
    // The replica of that name restarted on another port: another process, with room.
    replace([ready('a', 9_001)])
    const restarted = table.take([])
    expect(restarted?.address.port).toBe(9_001)
    expect(restarted).not.toBe(slot)
    expect(table.inFlightOn('ml/a')).toBe(2)
    table.giveBack(slot)
    expect([table.inFlightOn('ml/a'), restarted?.inFlight]).toEqual([1, 1])
  })

  it('passes over the replicas to avoid, and knows when there is no other', () => {
    const { table, replace } = tableOf(0, 'a', 'b')
    const a = table.take([])!
    expect([table.take([a])?.replica, table.take([a])?.replica]).toEqual(['ml/b', 'ml/b'])
    expect(table.hasOnly([a])).toBe(false)
    replace([ready('a')])
    expect(table.take([a])).toBeUndefined()
    expect(table.hasOnly([a])).toBe(true)
    replace([])
    expect(table.hasOnly([a])).toBe(false)
  })

  it('lets go only when nothing runs, then hands out nothing until it keeps', () => {
    const { table } = tableOf(1, 'a', 'b')
    const slot = table.take([])!
    expect(table.letGo()).toBe(false)
    expect(table.isWarm).toBe(true)
    table.giveBack(slot)
    expect(table.letGo()).toBe(true)
    expect([table.isWarm, table.readyCount, table.take([])]).toEqual([false, 2, undefined])
    table.keep()
    expect(table.take([])).toBeDefined()
  })

  it('does not let go while a replica that left still runs a request', () => {
    const { table, replace } = tableOf(1, 'a')
    const slot = table.take([])!
    replace([ready('b')])
    expect(table.letGo()).toBe(false)
    table.giveBack(slot)
    expect(table.letGo()).toBe(true)
  })

  it('stays let go through a table that says the same, and takes a replica that is new', () => {
    const { table, replace } = tableOf(1, 'a')
    table.letGo()
    replace([ready('a')])
    expect(table.take([])).toBeUndefined()
    replace([ready('a'), ready('new')])
    expect(table.take([])?.replica).toBe('ml/new')
  })

  it('says when a replica has drained: at once, after its last request, or never if told to stop', () => {
    const { table, replace } = tableOf(0, 'a')
    const said: string[] = []
    table.onDrained('ml/a', () => said.push('idle'))
    expect(said).toEqual(['idle'])
    const [first, second] = [table.take([])!, table.take([])!]
    table.onDrained('ml/a', () => said.push('drained'))
    const stop = table.onDrained('ml/a', () => said.push('stopped'))
    stop()
    replace([])
    table.giveBack(first)
    expect(said).toEqual(['idle'])
    table.giveBack(second)
    expect(said).toEqual(['idle', 'drained'])
  })
  it('passes over an ejected replica, be the others full', () => {
    const { table } = tableOf(1, 'a', 'b')
    const [a, b] = takeAll(table)
    a!.ejected = true
    table.giveBack(a!)
    expect([table.take([]), table.isWarm, table.readyCount]).toEqual([undefined, true, 2])
    table.giveBack(b!)
    expect(table.take([])).toBe(b)
  })

  it('has the ejected ones in the choice where no healthy one stands, or only such as the request avoids', () => {
    const { table, replace } = tableOf(2, 'a', 'b')
    const [a, b] = takeAll(table)
    a!.ejected = true
    table.giveBack(a!)
    expect(table.take([b!])).toBe(a)
    table.giveBack(a!)
    replace([ready('a')])
    expect(table.take([])).toBe(a)
  })

  const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1)

  it.each(SEEDS)(
    'takes the least loaded of those in the choice whenever one has room, from seed %i',
    (seed) => {
      const random = new SeededRandom(seed)
      const limit = random.below(4)
      const released = ['gone-1', 'gone-2'].map((name) => ready(name))
      const { table, replace } = tableOf(0, 'gone-1', 'gone-2')
      table.letGo()
      replace([...released, ...Array.from({ length: 1 + random.below(5) }, (_, nth) => ready(`r${nth}`))])
      const slots = new Set<Slot>()
      for (let nth = 0; nth < 10; nth++) slots.add(table.take([])!)
      table.containerConcurrency = limit
      for (let step = 0; step < 100; step++) {
        for (const slot of slots) {
          slot.ejected = random.below(2) === 0
          while (slot.inFlight > 0 && random.below(2) === 0) table.giveBack(slot)
        }
        const avoid = [...slots].filter(() => random.below(5) === 0)
        const standing = [...slots].filter((slot) => !avoid.includes(slot))
        const healthy = standing.filter((slot) => !slot.ejected)
        const inTheChoice = healthy.length > 0 ? healthy : standing
        const loads = inTheChoice
          .map(({ inFlight }) => inFlight)
          .filter((load) => limit === 0 || load < limit)
        const taken = table.take(avoid)
        expect(taken === undefined ? undefined : taken.inFlight - 1).toBe(
          loads.length === 0 ? undefined : Math.min(...loads),
        )
        expect(taken === undefined || inTheChoice.includes(taken)).toBe(true)
      }
    },
  )
})
