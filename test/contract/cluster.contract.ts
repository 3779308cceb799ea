import { describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/core/cluster.ts'
import type { Desired } from '../../src/core/desired.ts'
import type { RevisionName } from '../../src/core/names.ts'
import type { Ready, Replica } from '../../src/core/replica.ts'
import type { Revision } from '../../src/core/revision.ts'
import type { HeldLoad } from '../support/held-load.ts'
import { desiredSaying } from '../support/revisions.ts'

/** One cluster under test, and what the suite cannot do through its interface. */
export interface ClusterHarness extends AsyncDisposable {
  readonly cluster: Cluster
  readonly load: HeldLoad
  /** A revision that becomes ready when it is started. */
  revision(name: RevisionName): Revision
  /** Makes this the configuration. */
  configure(desired: Desired): void
  /** The first value of `ready` that fits, letting time pass until there is one. */
  until(fits: (ready: Ready) => boolean): Promise<Ready>
  /** Whether something still answers for the replica. */
  isRunning(replica: Replica): Promise<boolean>
}

const NAME: RevisionName = 'ml/iris-predictor-00001'

/** What every Cluster keeps to, whatever its replicas are. */
export function clusterContract(name: string, make: () => Promise<ClusterHarness>): void {
  const never = new AbortController().signal
  const allReady = (count: number) => (ready: Ready) =>
    ready.replicas.length === count && ready.replicas.every(({ phase }) => phase === 'ready')

  describe(`${name} is a Cluster`, () => {
    it('scales from zero to a ready replica with an address', async () => {
      await using harness = await make()
      await harness.cluster.scale(harness.revision(NAME), 1, never)
      const ready = await harness.until(allReady(1))
      expect(ready.replicas[0]).toMatchObject({ revision: NAME, restarts: 0 })
      expect(ready.replicas[0]?.address?.port).toBeGreaterThan(0)
      expect(await harness.isRunning(ready.replicas[0]!)).toBe(true)
    })

    it('takes a replica out of ready before it stops', async () => {
      await using harness = await make()
      const { cluster, load } = harness
      const revision = harness.revision(NAME)
      await cluster.scale(revision, 1, never)
      const [replica] = (await harness.until(allReady(1))).replicas
      load.begin(replica!.name)

      await cluster.scale(revision, 0, never)
      const draining = await harness.until(() => true)
      expect(draining.replicas.map(({ phase }) => phase)).toEqual(['draining'])
      expect(await harness.isRunning(replica!)).toBe(true)

      load.finish(replica!.name)
      await harness.until(({ replicas }) => replicas.length === 0)
      expect(await harness.isRunning(replica!)).toBe(false)
    })

    it('scales twice to the same number as once', async () => {
      await using harness = await make()
      const revision = harness.revision(NAME)
      await Promise.all([1, 2].map(() => harness.cluster.scale(revision, 2, never)))
      const { replicas } = await harness.until(allReady(2))
      await harness.cluster.scale(revision, 2, never)
      const again = await harness.until(() => true)
      expect(again.replicas.map((replica) => replica.name)).toEqual(replicas.map((replica) => replica.name))
    })

    it('takes the idlest replica away', async () => {
      await using harness = await make()
      const revision = harness.revision(NAME)
      await harness.cluster.scale(revision, 3, never)
      const { replicas } = await harness.until(allReady(3))
      const [first, idle, third] = replicas
      harness.load.begin(first!.name)
      harness.load.begin(third!.name)
      await harness.cluster.scale(revision, 2, never)
      const left = await harness.until(allReady(2))
      expect(left.replicas.map((replica) => replica.name)).not.toContain(idle!.name)
    })

    it('keeps revisions apart', async () => {
      await using harness = await make()
      const other: RevisionName = 'ml/iris-predictor-00002'
      await harness.cluster.scale(harness.revision(NAME), 1, never)
      await harness.cluster.scale(harness.revision(other), 1, never)
      await harness.until(allReady(2))
      await harness.cluster.scale(harness.revision(NAME), 0, never)
      const left = await harness.until(allReady(1))
      expect(left.replicas[0]?.revision).toBe(other)
    })

    it('refuses to scale for a caller that is gone', async () => {
      await using harness = await make()
      const gone = AbortSignal.abort(new Error('caller is gone'))
      await expect(harness.cluster.scale(harness.revision(NAME), 1, gone)).rejects.toThrow('caller is gone')
      expect((await harness.until(() => true)).replicas).toEqual([])
    })

    it('ends its iterations without an error when their signal is aborted', async () => {
      await using harness = await make()
      const { cluster } = harness
      const stop = new AbortController()
      const values = [cluster.desired(stop.signal), cluster.ready(stop.signal)].map(async (iterable) => {
        let count = 0
        for await (const _value of iterable) count += 1
        return count
      })
      stop.abort()
      const counts = await Promise.all(values)
      expect(counts.every((count) => count <= 1)).toBe(true)
    })

    it('replaces the whole configuration by a changed one', async () => {
      await using harness = await make()
      const stop = new AbortController()
      const seen: string[] = []
      harness.configure(desiredSaying('first'))
      for await (const { problems } of harness.cluster.desired(stop.signal)) {
        seen.push(...problems.map(({ message }) => message))
        if (seen.at(-1) === 'first') harness.configure(desiredSaying('second'))
        if (seen.at(-1) === 'second') stop.abort()
      }
      expect(seen).toEqual(['first', 'second'])
    })
  })
}
