import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KubernetesHarness } from '../../test/support/kubernetes-cluster.ts'
import { ApiError, KINDS } from './api/index.ts'

const NAME = 'ml/iris-predictor-00001'
const never = new AbortController().signal

describe('KubernetesCluster', () => {
  let harness: KubernetesHarness
  beforeEach(async () => {
    harness = await KubernetesHarness.open()
  })
  afterEach(() => harness[Symbol.asyncDispose]())

  it('forgets a revision that is retired once nothing is left of it', async () => {
    const { cluster, server } = harness
    const revision = harness.revision(NAME)
    await cluster.scale(revision, 2, never)
    await harness.until(({ replicas }) => replicas.length === 2)
    await cluster.retire(revision, never)
    await server.until(() => server.store.all(KINDS.deployments).length === 0)
    await harness.until(({ replicas }) => replicas.length === 0)
    expect(cluster.size).toBe(0)
  })

  it('forgets a revision of which nothing was left when it was retired', async () => {
    const { cluster, server } = harness
    const revision = harness.revision(NAME)
    await cluster.scale(revision, 0, never)
    await harness.seen()
    server.store.remove(KINDS.deployments, NAME)
    harness.createFails = new Error('its service is gone')
    await harness.seen()
    await cluster.retire(revision, never)
    expect(cluster.size).toBe(0)
  })

  it('says why a revision has no pods, as long as there is that revision', async () => {
    const { cluster } = harness
    const revision = harness.revision(NAME)
    const message = 'denied by policy'
    harness.createFails = new ApiError(message, { status: 403, reason: 'Forbidden' })
    await expect(cluster.scale(revision, 1, never)).rejects.toThrow(message)
    const { replicas } = await harness.until(({ replicas: some }) => some.length > 0)
    expect(replicas).toMatchObject([
      { revision: NAME, phase: 'failed', reasonCode: 'CreateContainerConfigError', reason: message },
    ])
    await cluster.retire(revision, never)
    expect((await harness.until(() => true)).replicas).toEqual([])
  })

  it('makes the Deployment again when somebody deletes it', async () => {
    const { cluster, server } = harness
    await cluster.scale(harness.revision(NAME), 1, never)
    await harness.until(({ replicas }) => replicas.length === 1)
    const before = server.store.get(KINDS.deployments, NAME)?.metadata.uid
    server.store.remove(KINDS.deployments, NAME)
    await server.until(() => server.store.get(KINDS.deployments, NAME) !== undefined)
    expect(server.store.get(KINDS.deployments, NAME)?.metadata.uid).not.toBe(before)
  })

  it('replaces the Deployment of a service of the same name that was there before', async () => {
    const { cluster, server } = harness
    const owner = { apiVersion: 'serving.kserve.io/v1beta1', kind: 'InferenceService', name: 'iris' }
    server.store.put(KINDS.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'iris-predictor-00001',
        namespace: 'ml',
        labels: { 'pilotlight.dev/revision': 'iris-predictor-00001' },
        ownerReferences: [{ ...owner, uid: 'gone' }],
      },
      spec: { replicas: 0 },
    })
    server.store.put(KINDS.inferenceServices, {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      metadata: { name: 'iris', namespace: 'ml', uid: 'new' },
      spec: {},
    })
    await harness.seen()
    await cluster.scale(harness.revision(NAME), 1, never)
    await harness.until(({ replicas }) => replicas.length === 1)
    expect(server.store.get(KINDS.deployments, NAME)?.metadata.ownerReferences).toBeUndefined()
  })

  it('tells that somebody else raised a sleeping revision, and leaves it raised', async () => {
    const { cluster, server } = harness
    await cluster.scale(harness.revision(NAME), 0, never)
    await harness.seen()
    server.store.mergePatch(KINDS.deployments, NAME, { spec: { replicas: 1 } }, { subresource: 'scale' })
    await harness.until(({ replicas }) => replicas.length === 1)
    expect(harness.raised).toEqual([NAME])
  })

  it('looks after a pod no more whose label says that it is somebody else', async () => {
    const { cluster, server } = harness
    await cluster.scale(harness.revision(NAME), 2, never)
    const { replicas } = await harness.until((ready) => ready.replicas.length === 2)
    const [taken] = replicas
    const labels = { 'pilotlight.dev/revision': 'under-the-microscope' }
    server.store.mergePatch(KINDS.pods, taken!.name, { metadata: { labels } })
    await harness.seen()
    server.store.remove(KINDS.pods, taken!.name)
    await harness.until((ready) => ready.replicas.length === 2)
    await cluster.retire(harness.revision(NAME), never)
    await server.until(() => server.store.all(KINDS.deployments).length === 0)
    await harness.seen()
    expect(cluster.size).toBe(0)
  })

  it.each([-1, 1.5, Number.NaN])('refuses to scale to %d', async (replicas) => {
    await expect(harness.cluster.scale(harness.revision(NAME), replicas, never)).rejects.toThrow(
      `scale ${NAME}: ${replicas} replicas is not allowed; it has to be 0 or more`,
    )
  })
})
