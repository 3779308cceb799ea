import { describe, expect, it } from 'vitest'
import { ManualClock } from '../src/core/manual-clock.ts'
import type { RevisionName } from '../src/core/names.ts'
import type { Replica } from '../src/core/replica.ts'
import type { Report } from '../src/core/report.ts'
import { silentMetrics } from '../src/core/telemetry.ts'
import { Activator } from './activator.ts'
import type { Permit } from './permit.ts'

const IRIS: RevisionName = 'ml/iris-00001'
const LLAMA: RevisionName = 'ml/llama-00001'
const live = new AbortController().signal

function ready(revision: RevisionName, suffix: string): Replica {
  return {
    name: `${revision}-${suffix}`,
    revision,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    address: { host: '127.0.0.1', port: 9_000 },
    restarts: 0,
  }
}

/** One gateway's activator and all it said to the bus. */
function open(): {
  activator: Activator
  clock: ManualClock
  reports: Report[][]
  woken: RevisionName[]
  serve: (revisions: readonly RevisionName[], replicas: readonly Replica[]) => void
} {
  const clock = new ManualClock(5_000)
  const reports: Report[][] = []
  const woken: RevisionName[] = []
  const activator = new Activator({
    name: 'gateway-1',
    clock,
    bus: { report: (batch) => reports.push([...batch]), wake: (revision) => woken.push(revision) },
    metrics: silentMetrics,
    bounds: { depthMax: 10, bytesMax: 1_000, activationTimeoutMs: 60_000 },
  })
  const serve = (revisions: readonly RevisionName[], replicas: readonly Replica[]): void =>
    activator.update({ revisions: revisions.map((name) => ({ name, containerConcurrency: 1 })), replicas })
  return { activator, clock, reports, woken, serve }
}

/** What became of a request: its permit, its error, or 'waits'. */
function watch(outcome: Permit | Promise<Permit>): { now: Permit | Error | 'waits' } {
  const seen: { now: Permit | Error | 'waits' } = { now: 'waits' }
  if (outcome instanceof Promise) {
    outcome.then(
      (permit) => (seen.now = permit),
      (error: unknown) => (seen.now = error instanceof Error ? error : new Error(String(error))),
    )
  } else seen.now = outcome
  return seen
}

describe('Activator reports', () => {
  it('tells of a cold request at once, and of all requests in the next report', async () => {
    const { activator, clock, reports, woken, serve } = open()
    serve([IRIS], [])
    await clock.advance(400)
    watch(activator.acquire(IRIS, { signal: live }))
    watch(activator.acquire(IRIS, { signal: live }))
    const cold = { gateway: 'gateway-1', revision: IRIS, atMs: 5_400, concurrency: 1, requests: 1 }
    expect(reports).toEqual([[{ ...cold, waiting: 1, inFlight: 0 }]])
    expect(woken).toEqual([IRIS])
    await clock.advance(600)
    activator.report()
    // Two requests for 600 of 1000 ms are 1.2; the controller knows what it was told before.
    expect(reports[1]).toEqual([
      {
        gateway: 'gateway-1',
        revision: IRIS,
        atMs: 6_000,
        concurrency: expect.closeTo(1.2, 9),
        requests: 2,
        waiting: 2,
        inFlight: 0,
      },
    ])
    expect(woken).toEqual([IRIS, IRIS])
    await clock.advance(1_000)
    activator.report()
    expect(reports[2]).toMatchObject([{ concurrency: 2, requests: 0, waiting: 2 }])
  })

  it('reports zeros while replicas exist, and is silent about a revision asleep', async () => {
    const { activator, clock, reports, serve } = open()
    serve([IRIS, LLAMA], [ready(IRIS, 'a')])
    await clock.advance(1_000)
    activator.report()
    expect(reports).toMatchObject([
      [{ revision: IRIS, concurrency: 0, requests: 0, waiting: 0, inFlight: 0 }],
    ])
    serve([IRIS, LLAMA], [])
    await clock.advance(1_000)
    activator.report()
    expect(reports).toHaveLength(1)
  })

  it('reports every second until told to stop', async () => {
    const { activator, clock, reports, serve } = open()
    serve([IRIS], [ready(IRIS, 'a')])
    const stop = new AbortController()
    const running = activator.run(stop.signal)
    await clock.advance(3_500)
    expect(reports.map((batch) => batch[0]?.atMs)).toEqual([6_000, 7_000, 8_000])
    stop.abort()
    await running
    await clock.advance(5_000)
    expect(reports).toHaveLength(3)
    expect(clock.nextDueMs()).toBeUndefined()
  })

  it('tells at once of a revision that is cold again after it was removed and came back', () => {
    const { activator, reports, serve } = open()
    serve([IRIS], [])
    const first = watch(activator.acquire(IRIS, { signal: live }))
    serve([], [])
    serve([IRIS], [])
    watch(activator.acquire(IRIS, { signal: live }))
    expect(first.now).toBe('waits')
    expect(reports.map(([report]) => report?.requests)).toEqual([1, 1])
  })
})

describe('Activator tables', () => {
  it('refuses a revision it does not know, and says when to come again', () => {
    expect(() => open().activator.acquire(IRIS, { signal: live })).toThrow(
      expect.objectContaining({ code: 'REVISION_NOT_READY', status: 503, retryAfterSeconds: 1 }),
    )
  })

  it('replaces what was true before as a whole', async () => {
    const { activator, clock, serve } = open()
    serve([IRIS, LLAMA], [ready(IRIS, 'a'), ready(LLAMA, 'a')])
    const llama = watch(activator.acquire(LLAMA, { signal: live }))
    const waits = watch(activator.acquire(LLAMA, { signal: live }))
    serve([IRIS], [ready(IRIS, 'b')])
    await clock.advance(0)
    expect(waits.now).toMatchObject({ code: 'NO_ROUTE' })
    expect(activator.acquire(IRIS, { signal: live })).toMatchObject({ replica: 'ml/iris-00001-b' })
    // What runs on the removed revision is counted until it is over; nothing new is taken.
    expect(activator.underWay).toBe(2)
    expect(() => activator.acquire(LLAMA, { signal: live })).toThrow(
      expect.objectContaining({ code: 'NO_ROUTE', status: 404 }),
    )
    if (llama.now !== 'waits' && !(llama.now instanceof Error)) llama.now[Symbol.dispose]()
    expect(activator.underWay).toBe(1)
    serve([IRIS], [ready(IRIS, 'b')])
    expect(() => activator.acquire(LLAMA, { signal: live })).toThrow(
      expect.objectContaining({ code: 'REVISION_NOT_READY' }),
    )
  })

  it('sends those who wait to replicas that turn up, in the turn of the update', async () => {
    const { activator, clock, serve } = open()
    serve([IRIS], [])
    const waits = [1, 2].map(() => watch(activator.acquire(IRIS, { signal: live, bytes: 7 })))
    await clock.advance(3_000)
    expect(activator.queue(IRIS)).toEqual({ waiting: 2, waitingBytes: 14, inFlight: 0, oldestSinceMs: 5_000 })
    serve([IRIS], [ready(IRIS, 'a'), ready(IRIS, 'b')])
    expect(activator.queue(IRIS)).toEqual({
      waiting: 0,
      waitingBytes: 0,
      inFlight: 2,
      oldestSinceMs: undefined,
    })
    await clock.advance(0)
    expect(waits.map(({ now }) => now)).toMatchObject([
      { replica: 'ml/iris-00001-a', cold: true },
      { replica: 'ml/iris-00001-b', cold: true },
    ])
  })

  it('shows nothing of a revision it does not know', () => {
    expect(open().activator.queue(IRIS)).toMatchObject({ waiting: 0, inFlight: 0, oldestSinceMs: undefined })
  })
})

describe('Activator before a replica leaves', () => {
  it('waits for the requests on a replica that left the table', async () => {
    const { activator, clock, serve } = open()
    serve([IRIS], [ready(IRIS, 'a')])
    const permit = await activator.acquire(IRIS, { signal: live })
    serve([IRIS], [])
    expect(activator.inFlight('ml/iris-00001-a')).toBe(1)
    let isDrained = false
    const drained = activator.drained('ml/iris-00001-a', live).then(() => (isDrained = true))
    await clock.advance(60_000)
    expect(isDrained).toBe(false)
    permit[Symbol.dispose]()
    await drained
    expect(activator.inFlight('ml/iris-00001-a')).toBe(0)
  })

  it('waits for them when the revision was removed with it', async () => {
    const { activator, serve } = open()
    serve([IRIS], [ready(IRIS, 'a')])
    const permit = await activator.acquire(IRIS, { signal: live })
    serve([], [])
    expect(activator.inFlight('ml/iris-00001-a')).toBe(1)
    const drained = activator.drained('ml/iris-00001-a', live)
    permit[Symbol.dispose]()
    await expect(drained).resolves.toBeUndefined()
  })

  it('does not wait for a replica nobody knows, nor after the signal', async () => {
    const { activator, serve } = open()
    await expect(activator.drained('ml/unknown', live)).resolves.toBeUndefined()
    serve([IRIS], [ready(IRIS, 'a')])
    await activator.acquire(IRIS, { signal: live })
    const stop = new AbortController()
    const drained = activator.drained('ml/iris-00001-a', stop.signal)
    stop.abort()
    await expect(drained).resolves.toBeUndefined()
  })

  it('leaves no listener on the signal for a replica that is idle', async () => {
    const { activator, serve } = open()
    serve([IRIS], [ready(IRIS, 'a')])
    const { signal } = new AbortController()
    let listeners = 0
    signal.addEventListener = () => void (listeners += 1)
    signal.removeEventListener = () => void (listeners -= 1)
    await activator.drained('ml/iris-00001-a', signal)
    expect(listeners).toBe(0)
  })

  it('lets go of a revision only when nothing waits or runs, and holds what comes then', async () => {
    const { activator, clock, woken, serve } = open()
    serve([IRIS], [ready(IRIS, 'a')])
    const permit = await activator.acquire(IRIS, { signal: live })
    expect(activator.letGo(IRIS)).toBe(false)
    permit[Symbol.dispose]()
    expect(activator.letGo(IRIS)).toBe(true)
    const held = watch(activator.acquire(IRIS, { signal: live }))
    expect([held.now, woken]).toEqual(['waits', [IRIS]])
    activator.keep(IRIS)
    await clock.advance(0)
    expect(held.now).toMatchObject({ replica: 'ml/iris-00001-a' })
  })

  it('lets go of a revision it does not know', () => {
    expect(open().activator.letGo(IRIS)).toBe(true)
  })
})

describe('Activator and replicas that fail', () => {
  it('asks the probe before a replica gets requests again, and takes an answer for one, too', async () => {
    const clock = new ManualClock(0)
    const asked: number[] = []
    const activator = new Activator({
      name: 'gateway-1',
      clock,
      bus: { report() {}, wake() {} },
      metrics: silentMetrics,
      bounds: { depthMax: 10, bytesMax: 1_000, activationTimeoutMs: 60_000 },
      probe: ({ port }) => Promise.resolve(asked.push(port) > 1),
    })
    const revisions = [{ name: IRIS, containerConcurrency: 0 }]
    activator.update({ revisions, replicas: [ready(IRIS, 'a'), ready(IRIS, 'b')] })
    const onA = await activator.acquire(IRIS, { signal: live })
    onA[Symbol.dispose]()
    activator.failed(onA)
    const next = async (): Promise<string> => {
      using permit = await activator.acquire(IRIS, { signal: live })
      return permit.replica
    }
    expect([await next(), await next()]).toEqual(['ml/iris-00001-b', 'ml/iris-00001-b'])
    await clock.advance(3_000)
    expect(asked).toEqual([9_000, 9_000])
    expect([await next(), await next()]).toEqual(['ml/iris-00001-a', 'ml/iris-00001-b'])
    activator.failed(onA)
    activator.answered(onA)
    expect([await next(), await next()]).toEqual(['ml/iris-00001-a', 'ml/iris-00001-b'])
    expect(clock.nextDueMs()).toBeUndefined()
  })
})
