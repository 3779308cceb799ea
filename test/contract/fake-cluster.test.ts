import { expect, it } from 'vitest'
import { ManualClock } from '../../src/core/manual-clock.ts'
import type { Ready } from '../../src/core/replica.ts'
import { FakeCluster } from '../support/fake-cluster.ts'
import { HeldLoad } from '../support/held-load.ts'
import { revisionOf } from '../support/revisions.ts'
import { clusterContract } from './cluster.contract.ts'

const never = new AbortController().signal

function make(options: { capacity?: number; restartMs?: number } = {}) {
  const clock = new ManualClock()
  const load = new HeldLoad()
  const cluster = new FakeCluster({ clock, load, startUpMs: () => 3_000, ...options })
  const until = async (fits: (ready: Ready) => boolean): Promise<Ready> => {
    for (;;) {
      await clock.advance(0)
      const ready = { replicas: cluster.replicas }
      if (fits(ready)) return ready
      const dueMs = clock.nextDueMs()
      if (dueMs === undefined) throw new Error(`nothing is going to change: ${JSON.stringify(ready)}`)
      await clock.advance(dueMs - clock.now())
    }
  }
  return { clock, load, cluster, until }
}

clusterContract('FakeCluster', () => {
  const { cluster, load, until } = make()
  return Promise.resolve({
    cluster,
    load,
    revision: (name) => revisionOf(name),
    configure: (desired) => cluster.configure(desired),
    until,
    isRunning: (replica) => Promise.resolve(cluster.replicas.some(({ name }) => name === replica.name)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })
})

it('takes as long to start as it is told', async () => {
  const { clock, cluster } = make()
  await cluster.scale(revisionOf('ml/a-00001'), 1, never)
  await clock.advance(2_999)
  expect(cluster.replicas[0]?.phase).toBe('loading')
  await clock.advance(1)
  expect(cluster.replicas[0]?.phase).toBe('ready')
})

it('starts a crashed replica again', async () => {
  const { clock, cluster } = make({ restartMs: 500 })
  await cluster.scale(revisionOf('ml/a-00001'), 1, never)
  await clock.advance(3_000)
  cluster.crash(cluster.replicas[0]!.name)
  expect(cluster.replicas[0]).toMatchObject({ phase: 'failed', retryAtMs: 3_500, restarts: 1 })
  await clock.advance(3_500)
  expect(cluster.replicas[0]).toMatchObject({ phase: 'ready', restarts: 1 })
})

it('makes the newest wait where the cluster is full', async () => {
  const { clock, cluster } = make({ capacity: 1 })
  const [first, second] = [revisionOf('ml/a-00001'), revisionOf('ml/b-00001')]
  await cluster.scale(first, 1, never)
  await cluster.scale(second, 1, never)
  await clock.advance(3_000)
  expect(cluster.replicas.map(({ phase }) => phase)).toEqual(['ready', 'scheduling'])
  await cluster.scale(first, 0, never)
  await clock.advance(3_000)
  expect(cluster.replicas).toMatchObject([{ revision: second.name, phase: 'ready' }])
})
