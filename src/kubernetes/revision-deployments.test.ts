import { afterEach, beforeEach, expect, it } from 'vitest'
import { deployedOne } from '../../test/support/kserve-service.ts'
import { SystemClock } from '../core/clock.ts'
import { ManualClock } from '../core/manual-clock.ts'
import { SeededRandom } from '../core/random.ts'
import { silentLog } from '../core/telemetry.ts'
import { FakeApiServer } from './api/fake-api-server.ts'
import { Refusal } from './api/fake-store.ts'
import { KINDS, ResourceCache, type ApiClient, type ResourceKind } from './api/index.ts'
import { RevisionDeployments } from './revision-deployments.ts'

const manifest = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: flowers, namespace: garden}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "s3://models/flowers"}}}
`
const { service, revisions } = deployedOne(manifest)
const revision = revisions[0]!

let api: FakeApiServer
let client: ApiClient
let deployments: RevisionDeployments
let over: AbortController

beforeEach(async () => {
  over = new AbortController()
  api = await FakeApiServer.start()
  client = api.client({ clock: new SystemClock(), log: silentLog })
  api.store.put(KINDS.inferenceServices, {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'flowers', namespace: 'garden' },
  })
  api.store.put(KINDS.serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'garden' },
    secrets: [{ name: 's3' }],
  })
  api.store.put(KINDS.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's3', namespace: 'garden' },
    data: { AWS_ACCESS_KEY_ID: 'eA==', AWS_SECRET_ACCESS_KEY: 'eA==' },
  })
  const cacheOf = async (kind: ResourceKind): Promise<ResourceCache> => {
    const cache = new ResourceCache(client, kind, {
      clock: new ManualClock(),
      random: new SeededRandom(1),
      log: silentLog,
    })
    void cache.run(over.signal)
    await cache.whenSynced
    return cache
  }
  deployments = new RevisionDeployments({
    client,
    services: await cacheOf(KINDS.inferenceServices),
    storageContainers: await cacheOf(KINDS.clusterStorageContainers),
    storageInitializerImage: 'initializer:1',
    progressDeadlineMs: 600_000,
    besideKserve: false,
    serviceOf: () => service,
  })
})
afterEach(async () => {
  over.abort()
  await client[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

function made(): string {
  return JSON.stringify(api.store.get(KINDS.deployments, 'garden/flowers-predictor-00001') ?? null)
}

it('is not made without its credentials while an API server has not read its roles yet', async () => {
  using _starting = api.refuse(
    new Refusal(403, 'Forbidden', 'secrets is forbidden'),
    ({ kind }) => kind.plural === 'secrets',
  )
  await expect(deployments.create(revision, 1)).rejects.toThrow('forbidden')
  expect(made()).toBe('null')
  await deployments.create(revision, 1)
  expect(made()).toContain('"secretKeyRef":{"name":"s3","key":"AWS_ACCESS_KEY_ID"')
})

it('is made without what we may not see, once that is sure', async () => {
  using _never = api.refuse(
    new Refusal(403, 'Forbidden', 'secrets is forbidden'),
    ({ kind, name }) => kind.plural === 'secrets' && name === 's3',
    9,
  )
  await expect(deployments.create(revision, 1)).rejects.toThrow('forbidden')
  await expect(deployments.create(revision, 1)).rejects.toThrow('forbidden')
  await deployments.create(revision, 1)
  expect(made()).toContain('initializer:1')
  expect(made()).not.toContain('secretKeyRef')
})

it('leaves a Deployment of somebody else alone, and says so', async () => {
  const [namespace = '', name = ''] = revision.name.split('/')
  const theirs = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { replicas: 7 },
  }
  api.store.put(KINDS.deployments, theirs)
  await expect(deployments.create(revision, 1)).rejects.toThrow(
    `Deployment ${name} is there already and not ours: it is left alone`,
  )
  expect(api.store.get(KINDS.deployments, revision.name)?.['spec']).toEqual({ replicas: 7 })
})

it('stays as it is where it is there already, and the cache is behind', async () => {
  await deployments.create(revision, 1)
  await deployments.create(revision, 2)
  expect(JSON.parse(made())).toMatchObject({ spec: { replicas: 1 } })
  expect(api.requests.filter(({ verb, kind }) => verb === 'get' && kind === KINDS.deployments)).toEqual([])
})
