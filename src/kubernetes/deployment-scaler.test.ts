import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { revisionOf } from '../../test/support/revisions.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { KINDS } from './api/index.ts'
import { DeploymentScaler } from './deployment-scaler.ts'
import { FakeDeployments, podName } from './fake-deployments.ts'

const REVISION = revisionOf('ml/iris-predictor-00001')

describe('a Deployment', () => {
  let clock: ManualClock
  let fake: FakeDeployments
  let scaler: DeploymentScaler
  let over: AbortController
  let raised: string[]

  beforeEach(() => {
    clock = new ManualClock()
    fake = new FakeDeployments(REVISION.name)
    over = new AbortController()
    raised = []
    scaler = another()
  })
  afterEach(() => over.abort())

  /** A scaler as a controller that begins now would have. */
  function another(): DeploymentScaler {
    const made = new DeploymentScaler(REVISION.name, {
      client: fake,
      deployments: { get: () => fake.deployment },
      podsOf: () => fake.pods,
      create: (_revision, replicas) => fake.create(replicas),
      isOwn: () => true,
      bus: fake,
      onRaised: (revision) => raised.push(revision),
      clock,
      log: silentLog,
      signal: over.signal,
    })
    fake.onChange(() => made.changed())
    return made
  }

  /** Everything is seen, and worked off. */
  async function settled(): Promise<void> {
    fake.settle()
    await clock.advance(0)
    fake.settle()
    await clock.advance(0)
  }

  async function at(replicas: number): Promise<void> {
    await scaler.scale(REVISION, replicas)
    await settled()
    fake.writes.length = 0
  }

  it('is made with the number that is wanted', async () => {
    await scaler.scale(REVISION, 2)
    expect(fake.writes).toEqual(['create 2'])
  })

  it('is raised in one write', async () => {
    await at(1)
    await scaler.scale(REVISION, 3)
    expect(fake.writes).toEqual(['scale 3'])
  })

  it('of class external is begun and ended, and not put right between', async () => {
    const { template } = REVISION
    const scaling = { ...template.scaling, class: 'external' as const }
    const external = { ...REVISION, template: { ...template, scaling } }
    await scaler.scale(external, 1)
    await settled()
    for (const replicas of [5, 0]) {
      await fake.patch(KINDS.deployments, 'ml', 'x', { spec: { replicas } })
      await settled()
      await clock.advance(2_000)
    }
    expect(fake.writes).toEqual(['create 1', 'scale 5', 'scale 0'])
    fake.writes.length = 0
    await scaler.scale(external, 2)
    await settled()
    await scaler.scale(external, 0)
    await settled()
    fake.show()
    await clock.advance(2_000)
    await settled()
    expect(fake.writes.filter((write) => !write.startsWith('mark'))).toEqual(['scale 2', 'scale 0'])
  })

  it('is not written when it is there already', async () => {
    await at(2)
    await scaler.scale(REVISION, 2)
    expect(fake.writes).toEqual([])
  })

  it('is lowered once the idlest pods are marked and idle', async () => {
    await at(3)
    fake.loads.set(podName(fake, 'pod-1'), 5).set(podName(fake, 'pod-3'), 7).set(podName(fake, 'pod-2'), 1)
    await scaler.scale(REVISION, 2)
    expect(fake.writes).toEqual(['mark pod-2 -1000'])
    fake.show()
    await clock.advance(1_000)
    expect(fake.replicas).toBe(3)
    fake.loads.set(podName(fake, 'pod-2'), 0)
    await clock.advance(1_000)
    await settled()
    expect(fake.podNames).toEqual(['pod-1', 'pod-3'])
  })

  it('goes down pod by pod as they become idle', async () => {
    await at(4)
    for (const pod of ['pod-1', 'pod-2', 'pod-3', 'pod-4']) fake.loads.set(podName(fake, pod), 1)
    await scaler.scale(REVISION, 2)
    fake.show()
    const marked = fake.pods
      .filter(({ metadata }) => metadata.annotations !== undefined)
      .map((pod) => pod.metadata.name)
    expect(marked).toHaveLength(2)
    fake.loads.set(podName(fake, marked[1]!), 0)
    await clock.advance(1_000)
    await settled()
    // A ReplicaSet that has not seen that this pod goes first would take the other one.
    expect(fake.replicas).toBe(4)
    fake.show()
    await clock.advance(2_000)
    await settled()
    expect(fake.replicas).toBe(3)
    expect(fake.podNames).not.toContain(marked[1])
    expect(fake.podNames).toContain(marked[0])
    fake.loads.set(podName(fake, marked[0]!), 0)
    await clock.advance(2_000)
    await settled()
    expect(fake.podNames).toHaveLength(2)
    expect(fake.podNames).not.toContain(marked[0])
  })

  it('takes marked pods back before it orders new ones', async () => {
    await at(3)
    for (const pod of ['pod-1', 'pod-2', 'pod-3']) fake.loads.set(podName(fake, pod), 1)
    await scaler.scale(REVISION, 1)
    fake.show()
    await clock.advance(100)
    fake.writes.length = 0
    await scaler.scale(REVISION, 4)
    await settled()
    expect(fake.writes.filter((write) => write.startsWith('unmark'))).toHaveLength(2)
    expect(fake.writes).toContain('scale 4')
    expect(fake.podNames).toEqual(['pod-1', 'pod-2', 'pod-3', 'pod-4'])
  })

  it('is not lowered as long as a gateway does not answer', async () => {
    await at(2)
    fake.answers = false
    await scaler.scale(REVISION, 1)
    fake.show()
    await clock.advance(60_000)
    expect(fake.replicas).toBe(2)
    fake.answers = true
    await clock.advance(2_000)
    fake.show()
    await clock.advance(2_000)
    await settled()
    expect(fake.replicas).toBe(1)
  })

  it('is lowered once, however late the caches are', async () => {
    await at(3)
    await scaler.scale(REVISION, 2)
    fake.show()
    await clock.advance(1_000)
    expect(fake.replicas).toBe(2)
    // The Deployment is seen, the ReplicaSet has done nothing yet.
    fake.show()
    await clock.advance(5_000)
    fake.show()
    await clock.advance(5_000)
    expect(fake.replicas).toBe(2)
    expect(fake.writes.filter((write) => write.startsWith('unmark'))).toEqual([])
    await settled()
    expect(fake.podNames).toHaveLength(2)
  })

  it('goes on where another controller stopped', async () => {
    await at(3)
    fake.loads.set(podName(fake, 'pod-1'), 1).set(podName(fake, 'pod-2'), 1).set(podName(fake, 'pod-3'), 1)
    await scaler.scale(REVISION, 2)
    fake.show()
    over.abort()
    over = new AbortController()
    scaler = another()
    fake.loads.clear()
    await scaler.scale(REVISION, 2)
    await clock.advance(1_000)
    await settled()
    expect(fake.podNames).toHaveLength(2)
    expect(fake.writes.filter((write) => write.startsWith('mark') && write.endsWith('-1000'))).toHaveLength(1)
  })

  it('is put right when somebody else changes the number', async () => {
    await at(2)
    await fake.patch(
      { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
      'ml',
      'x',
      {
        spec: { replicas: 5 },
      },
    )
    await settled()
    await clock.advance(2_000)
    await settled()
    expect(fake.podNames).toHaveLength(2)
  })

  it('stays raised when a gateway woke it by itself', async () => {
    await at(1)
    await scaler.scale(REVISION, 0)
    fake.show()
    await clock.advance(1_000)
    await settled()
    expect(fake.replicas).toBe(0)
    const { deployments } = KINDS
    await fake.patch(deployments, 'ml', REVISION.name, { spec: { replicas: 1 } })
    await settled()
    await clock.advance(5_000)
    await settled()
    expect(raised).toEqual([REVISION.name])
    expect(fake.podNames).toHaveLength(1)
    expect(fake.writes).not.toContain('scale 2')
  })

  it('is deleted once a retired revision has no pods', async () => {
    await at(2)
    await scaler.retire()
    fake.show()
    await clock.advance(1_000)
    await settled()
    await clock.advance(1_000)
    expect(fake.writes.at(-1)).toBe('delete')
    fake.show()
    expect(scaler.isOver).toBe(true)
  })

  it('is not made for a revision that is only to go', async () => {
    await scaler.retire()
    expect(fake.writes).toEqual([])
  })

  it('tries again what the API server refused, though nothing tells of it any more', async () => {
    await at(2)
    fake.refusals = 1
    fake.remove()
    fake.show()
    await clock.advance(60_000)
    expect(fake.writes.at(-1)).toBe('create 2')
    await settled()
    expect(fake.podNames).toHaveLength(2)
  })

  it('ends marked pods although the API server was away when they became idle', async () => {
    await at(2)
    fake.loads.set(podName(fake, 'pod-1'), 1).set(podName(fake, 'pod-2'), 1)
    await scaler.scale(REVISION, 1)
    fake.show()
    fake.loads.clear()
    fake.refusals = 3
    await clock.advance(60_000)
    expect(fake.replicas).toBe(1)
  })

  it('gives each marked pod the whole timeout of a request', async () => {
    const timeoutMs = 10_000
    const { limits } = REVISION.template
    const timed = { ...REVISION, template: { ...REVISION.template, limits: { ...limits, timeoutMs } } }
    await at(3)
    for (const pod of ['pod-1', 'pod-2', 'pod-3']) fake.loads.set(podName(fake, pod), 1)
    await scaler.scale(timed, 2)
    fake.show()
    await clock.advance(8_000)
    await scaler.scale(timed, 1)
    fake.show()
    await clock.advance(6_000)
    fake.show()
    await clock.advance(1_000)
    expect(fake.replicas).toBe(2)
    await settled()
    await clock.advance(8_000)
    expect(fake.replicas).toBe(1)
  })

  it('looks once at what was told many times while gateways are asked', async () => {
    await at(2)
    fake.answers = false
    await scaler.scale(REVISION, 1)
    let asked = 0
    const answer = Promise.withResolvers<undefined>()
    fake.onLoad = () => {
      asked += 1
      return answer.promise
    }
    for (let told = 0; told < 100; told += 1) fake.show()
    answer.resolve(undefined)
    await clock.advance(0)
    expect(asked).toBeLessThan(3)
  })

  it('does not mind a pod that is gone when it is to be marked', async () => {
    await at(3)
    fake.lose('pod-2')
    await scaler.scale(REVISION, 0)
    await settled()
    await clock.advance(2_000)
    await settled()
    expect(fake.replicas).toBe(0)
  })

  it('is brought to one when somebody orders more of a sleeping one', async () => {
    await at(0)
    await fake.patch(KINDS.deployments, 'ml', REVISION.name, { spec: { replicas: 3 } })
    await settled()
    await clock.advance(2_000)
    await settled()
    expect(raised).toEqual([REVISION.name])
    expect(fake.podNames).toHaveLength(1)
  })

  it('is written no more once another controller leads', async () => {
    await at(3)
    const answer = Promise.withResolvers<void>()
    fake.onLoad = async (replicas) => {
      await answer.promise
      return new Map(replicas.map((name) => [name, 0]))
    }
    const scaled = scaler.scale(REVISION, 1)
    await clock.advance(0)
    over.abort(new Error('another leads'))
    answer.resolve()
    await expect(scaled).rejects.toThrow('another leads')
    expect(fake.writes).toEqual([])
  })

  it('asks the gateways before pods go that only the Deployment knows of yet', async () => {
    await at(2)
    fake.pods = fake.pods.slice(0, 1)
    await scaler.scale(REVISION, 1)
    expect(fake.writes).toEqual(['mark pod-1 -1000'])
  })
})
