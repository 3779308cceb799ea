import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../core/manual-clock.ts'
import type { ApiClient } from './api-client.ts'
import { isApiError } from './api-error.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { KINDS } from './kinds.ts'
import type { KubeObject, OwnerReference } from './kube-object.ts'

const object = (apiVersion: string, kind: string, name: string, over: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'ml' },
  ...over,
})

/** Where the fake has to be as the real one is: test/kubernetes/suite/api.test.ts looks at that. */
describe('FakeApiServer', () => {
  let server: FakeApiServer
  let client: ApiClient

  beforeEach(async () => {
    const clock = new ManualClock(1_700_000_000_000)
    server = await FakeApiServer.start({ clock })
    client = server.client({ clock })
  })

  afterEach(async () => {
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  const ownedBy = (...owners: readonly KubeObject[]): { ownerReferences: readonly OwnerReference[] } => ({
    ownerReferences: owners.map(({ apiVersion, kind, metadata: { name, uid = '' } }) => ({
      apiVersion,
      kind,
      name,
      uid,
    })),
  })

  it('takes away what its last owner leaves behind', async () => {
    const [a, b] = await Promise.all(['a', 'b'].map((name) => client.create(object('v1', 'ConfigMap', name))))
    if (a === undefined || b === undefined) throw new Error('nothing was created')
    const metadata = { name: 'both', namespace: 'ml', ...ownedBy(a, b) }
    const both = await client.create(object('v1', 'Secret', 'both', { metadata }))
    await client.create(
      object('v1', 'Service', 'svc', { metadata: { name: 'svc', namespace: 'ml', ...ownedBy(both) } }),
    )
    await client.delete(KINDS.configMaps, 'ml', 'a')
    expect(server.store.all(KINDS.secrets)).toHaveLength(1)
    await client.delete(KINDS.configMaps, 'ml', 'b')
    expect([...server.store.all(KINDS.secrets), ...server.store.all(KINDS.services)]).toEqual([])
  })

  it('waits for finalizers, and for the node of a pod', async () => {
    const metadata = { name: 'held', namespace: 'ml', finalizers: ['example.com/wait'] }
    await client.create(object('v1', 'ConfigMap', 'held', { metadata }))
    await client.delete(KINDS.configMaps, 'ml', 'held')
    const held = await client.get(KINDS.configMaps, 'ml', 'held')
    expect(held.metadata.deletionTimestamp).toBe('2023-11-14T22:13:20Z')
    await client.patch(KINDS.configMaps, 'ml', 'held', { metadata: { finalizers: null } })
    expect(server.store.get(KINDS.configMaps, 'ml/held')).toBeUndefined()

    server.store.put(KINDS.pods, object('v1', 'Pod', 'p', { spec: { nodeName: 'n' } }))
    await client.delete(KINDS.pods, 'ml', 'p')
    const pod = await client.get(KINDS.pods, 'ml', 'p')
    expect(pod.metadata).toMatchObject({
      deletionTimestamp: '2023-11-14T22:13:50Z',
      deletionGracePeriodSeconds: 30,
    })
    await client.delete(KINDS.pods, 'ml', 'p', { gracePeriodSeconds: 0 })
    expect(server.store.all(KINDS.pods)).toEqual([])
  })

  it('merges what is applied to the lists that Kubernetes merges', async () => {
    const applied = (spec: object): KubeObject => object('apps/v1', 'Deployment', 'web', { spec })
    const container = (name: string, image: string): object => ({ name, image })
    await client.apply(
      applied({ replicas: 1, containers: [container('main', 'a'), container('agent', 'b')] }),
    )
    await client.patch(KINDS.deployments, 'ml', 'web', {
      spec: { containers: [container('main', 'a'), container('agent', 'b'), container('injected', 'c')] },
    })
    const changed = await client.apply(applied({ containers: [container('main', 'd')] }))
    expect(changed['spec']).toEqual({ containers: [container('main', 'd'), container('injected', 'c')] })
    expect(changed.metadata.generation).toBe(3)
    const dry = await client.apply(applied({ replicas: 9 }), { dryRun: true })
    expect(dry['spec']).toMatchObject({ replicas: 9 })
    expect(server.store.get(KINDS.deployments, 'ml/web')).toEqual(changed)
  })

  it('fails every write once when it is told to', async () => {
    const made = await client.create(object('v1', 'ConfigMap', 'a'))
    const ending = server.conflictOnEveryWrite()
    const patch = (value: string): Promise<unknown> =>
      client.patch(KINDS.configMaps, 'ml', 'a', { data: { value } }).catch((error: unknown) => {
        if (isApiError(error, 'Conflict')) return 'conflict'
        throw error
      })
    expect(await patch('1')).toBe('conflict')
    expect(await patch('1')).toMatchObject({ data: { value: '1' } })
    expect(await patch('2')).toBe('conflict')
    ending[Symbol.dispose]()
    expect(await patch('3')).toMatchObject({ data: { value: '3' } })
    expect(server.writes.map(({ verb }) => verb)).toEqual(['create', 'patch', 'patch', 'patch', 'patch'])
    expect(made.metadata.uid).toBe(server.store.get(KINDS.configMaps, 'ml/a')?.metadata.uid)
  })

  it('knows no kind that nobody told it of', async () => {
    const kind = { group: 'example.com', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true }
    const error: unknown = await client.list(kind).catch((reason: unknown) => reason)
    expect(isApiError(error, 'NotFound')).toBe(true)
    await using other = await FakeApiServer.start({ kinds: [kind] })
    await using own = other.client({ clock: new ManualClock() })
    await own.create(object('example.com/v1', 'Thing', 'one'), { kind })
    expect((await own.list(kind, { fieldSelector: 'metadata.name=one' })).items).toHaveLength(1)
    expect((await own.list(kind, { fieldSelector: 'metadata.name!=one' })).items).toEqual([])
  })
})
