import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import { SeededRandom } from '../../core/random.ts'
import { silentLog } from '../../core/telemetry.ts'
import type { ApiClient } from './api-client.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { Refusal } from './fake-store.ts'
import { KINDS } from './kinds.ts'
import { LeaderElection, LeadershipLost } from './leader-election.ts'
import type { Lease } from './lease.ts'
import type { Method, RawOptions } from './transport.ts'

const KEY = 'pilotlight/controller'

describe('LeaderElection', () => {
  let clock: ManualClock
  let server: FakeApiServer
  let everybody: Candidate[]
  let inFlight: number

  beforeEach(async () => {
    clock = new ManualClock(1_700_000_000_000)
    server = await FakeApiServer.start({ clock })
    everybody = []
    inFlight = 0
  })

  afterEach(async () => {
    for (const { life } of everybody) life.abort()
    await until(() => everybody.every(({ isOver }) => isOver))
    for (const { client } of everybody) await client.close()
    await server[Symbol.asyncDispose]()
  })

  /** One process that takes part. */
  class Candidate {
    readonly client: ApiClient = server.client({ clock })
    readonly life = new AbortController()
    readonly election: LeaderElection
    readonly reasons: unknown[] = []
    /** What the leader does after its signal is aborted. */
    windDown: () => Promise<void> = () => Promise.resolve()
    isLeading = false
    isOver = false

    constructor(identity: string, seed: number) {
      const random = new SeededRandom(seed)
      const raw = this.client.raw.bind(this.client)
      this.client.raw = <T>(method: Method, path: string, options?: RawOptions): Promise<T> => {
        inFlight += 1
        return raw<T>(method, path, options).finally(() => (inFlight -= 1))
      }
      this.election = new LeaderElection({
        client: this.client,
        clock,
        random,
        log: silentLog,
        namespace: 'pilotlight',
        lease: 'controller',
        identity,
      })
      everybody.push(this)
      void this.election
        .run(this.life.signal, async (signal) => {
          this.isLeading = true
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          this.reasons.push(signal.reason)
          await this.windDown()
          this.isLeading = false
        })
        .finally(() => (this.isOver = true))
    }

    /** As `kill -9` does: nothing of it comes through any more. */
    kill(): void {
      void this.client.close()
    }
  }

  /** Turns of the event loop, in which requests come and go, on a clock that stands still. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets time pass in steps that every request of one step is answered within, until the condition holds. */
  async function passUntil(condition: () => boolean, limitMs: number): Promise<number> {
    const beganMs = clock.now()
    while (!condition()) {
      if (clock.now() - beganMs > limitMs) throw new Error(`not within ${limitMs} ms`)
      await pass(100)
      expect(everybody.filter(({ isLeading }) => isLeading).length).toBeLessThanOrEqual(1)
    }
    return clock.now() - beganMs
  }

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await clock.advance(100)
      await quiet()
    }
  }

  /** Every request that was begun has been answered. */
  async function quiet(): Promise<void> {
    for (let turns = 0; turns < 3; turns = inFlight === 0 ? turns + 1 : 0) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  const lease = (): Lease | undefined => server.store.get(KINDS.leases, KEY)

  it('has one leader, who renews', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    const b = new Candidate('pod-b', 2)
    await pass(20_000)
    expect([a.isLeading, a.election.isLeader, b.isLeading, b.election.isLeader]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect([a.election.leaderName, b.election.leaderName]).toEqual(['pod-a', 'pod-a'])
    expect(lease()?.spec).toMatchObject({ leaseDurationSeconds: 6, leaseTransitions: 0 })
    expect(lease()?.spec?.holderIdentity).toMatch(/^pod-a_[0-9a-f]{8}$/)
    expect(lease()?.spec?.acquireTime).toBe('2023-11-14T22:13:20.000000Z')
    const renewals = server.requests.filter(({ verb }) => verb === 'update').length
    expect(renewals >= 12 && renewals <= 14).toBe(true)
  })

  it('passes on within ten seconds when the leader is killed', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    const b = new Candidate('pod-b', 2)
    await pass(2_900)
    a.kill()
    const tookMs = await passUntil(() => b.isLeading, 10_000)
    expect(tookMs).toBeGreaterThanOrEqual(4_000)
    expect(a.reasons).toEqual([expect.any(LeadershipLost)])
    expect(b.election.leaderName).toBe('pod-b')
    expect(lease()?.spec?.leaseTransitions).toBe(1)
  })

  it('passes on at the next look when the leader stops gently, after what it does has ended', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    const b = new Candidate('pod-b', 2)
    await pass(3_000)
    const draining = Promise.withResolvers<void>()
    a.windDown = () => draining.promise
    a.life.abort(new Error('stop'))
    // It still renews, however long that takes.
    await pass(15_000)
    expect([a.isLeading, a.election.isLeader, b.isLeading]).toEqual([true, true, false])
    draining.resolve()
    await until(() => a.isOver)
    expect(lease()?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
    expect(await passUntil(() => b.isLeading, 1_100)).toBeLessThanOrEqual(1_100)
    expect(a.reasons).toEqual([new Error('stop')])
  })

  it('stops before another may begin, and takes part again, when the API server is away', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    await pass(2_000)
    await server.away()
    const renewedMs = clock.now()
    await pass(3_000)
    expect([a.isLeading, a.election.isLeader]).toEqual([true, true])
    await passUntil(() => !a.isLeading, 3_000)
    // Renewed at most 1.5 s before it went away, and stopped 1 s before 6 s were over.
    expect(clock.now() - renewedMs).toBeLessThanOrEqual(5_100)
    expect(a.election.isLeader).toBe(false)
    await server.back()
    await passUntil(() => a.isLeading, 3_000)
    expect(lease()?.spec?.leaseTransitions).toBe(0)
  })

  it('stays the leader when a renewal fails, or went through and looked as if it had not', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    server.refuse(new Refusal(500, 'InternalError', 'etcd is slow'), ({ verb }) => verb === 'update', 2)
    await pass(6_000)
    expect([a.isLeading, a.election.isLeader]).toEqual([true, true])
    // Its own write under another version: what a request that timed out leaves behind.
    const live = lease()
    if (live === undefined) throw new Error('no lease')
    server.store.put(KINDS.leases, {
      ...live,
      spec: { ...live.spec, renewTime: '2023-11-14T22:13:33.000000Z' },
    })
    await pass(10_000)
    expect([a.isLeading, a.election.isLeader, a.reasons.length]).toEqual([true, true, 0])
  })

  it('stops at once when it finds that another has it', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    const live = lease()
    if (live === undefined) throw new Error('no lease')
    server.store.put(KINDS.leases, { ...live, spec: { ...live.spec, holderIdentity: 'pod-x_1' } })
    await passUntil(() => !a.isLeading, 1_600)
    expect(a.election.leaderName).toBe('pod-x')
    // That one never renews, and what its times say is nobody's business.
    const tookMs = await passUntil(() => a.isLeading, 10_000)
    expect(tookMs).toBeGreaterThanOrEqual(5_900)
  })

  it.each([
    { when: 'long ago', renewTime: '1999-12-31T23:59:59.000000Z' },
    { when: 'in the future', renewTime: '2099-12-31T23:59:59.000000Z' },
  ])('judges a lease renewed $when by its own clock', async ({ renewTime }) => {
    const spec = { holderIdentity: 'pod-x_1', leaseDurationSeconds: 6, renewTime, leaseTransitions: 3 }
    const metadata = { name: 'controller', namespace: 'pilotlight' }
    server.store.put(KINDS.leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec })
    const a = new Candidate('pod-a', 1)
    const tookMs = await passUntil(() => a.isLeading, 10_000)
    expect(tookMs >= 5_900 && tookMs <= 7_000).toBe(true)
    expect(lease()?.spec?.leaseTransitions).toBe(4)
  })

  it('lets one of many have it when all begin at once', async () => {
    const candidates = Array.from({ length: 5 }, (_, nth) => new Candidate(`pod-${nth}`, nth))
    await passUntil(() => candidates.some(({ isLeading }) => isLeading), 2_000)
    await pass(3_000)
    expect(candidates.filter(({ isLeading }) => isLeading)).toHaveLength(1)
  })

  it('takes one that was restarted under its name for another', async () => {
    const a = new Candidate('pod-a', 1)
    await until(() => a.isLeading)
    await pass(1_600)
    a.kill()
    const again = new Candidate('pod-a', 2)
    const tookMs = await passUntil(() => again.isLeading, 10_000)
    expect(tookMs).toBeGreaterThanOrEqual(4_000)
  })

  it('gives back what it took while it was told to stop', async () => {
    server.intercept(({ verb }) => {
      if (verb === 'create') everybody[0]?.life.abort()
      return undefined
    })
    const a = new Candidate('pod-a', 1)
    await until(() => a.isOver)
    expect(lease()?.spec).toMatchObject({ holderIdentity: '', leaseTransitions: 0 })
    expect(a.reasons).toEqual([])
  })

  it('gives the lease back when what it does fails, and says so', async () => {
    const client = server.client({ clock })
    const election = new LeaderElection({
      client,
      clock,
      random: new SeededRandom(1),
      log: silentLog,
      namespace: 'pilotlight',
      lease: 'controller',
      identity: 'pod-a',
    })
    const failed = election.run(new AbortController().signal, () => Promise.reject(new Error('a bug')))
    await expect(failed).rejects.toThrow('a bug')
    expect(lease()?.spec?.holderIdentity).toBe('')
    expect([election.isLeader, election.leaderName]).toEqual([false, undefined])
    await client.close()
  })

  it('refuses times that cannot work', () => {
    const client = server.client({ clock })
    const options = { client, clock, random: new SeededRandom(1), log: silentLog }
    const names = { namespace: 'pilotlight', lease: 'controller', identity: 'pod-a' }
    expect(() => new LeaderElection({ ...options, ...names, leaseDurationMs: 3_000 })).toThrow(
      'leaseDurationMs is 3000; it has to be at least 3500',
    )
  })
})
