import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../../src/core/clock.ts'
import { SystemRandom } from '../../../src/core/random.ts'
import { silentLog } from '../../../src/core/telemetry.ts'
import {
  ApiClient,
  EventRecorder,
  isApiError,
  KINDS,
  LeaderElection,
  loadKubeConfig,
  ResourceCache,
  type KubeObject,
  type ResourceKind,
} from '../../../src/kubernetes/api/index.ts'
import { TestNamespace, testbed } from './cluster.ts'
import { deployment } from './manifests.ts'

const clock = new SystemClock()
const random = new SystemRandom()
const common = { clock, random, log: silentLog }

async function connect(): Promise<ApiClient> {
  return ApiClient.fromKubeConfig(await loadKubeConfig(), { clock })
}

function configMap(namespace: string, name: string, data: Readonly<Record<string, string>> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { of: 'api-test' } },
    data,
  }
}

/** What our client, cache and election take for granted of an API server, on a real one. */
describe('the Kubernetes API', () => {
  let client: ApiClient
  let namespace: TestNamespace

  beforeAll(async () => {
    client = await connect()
    namespace = await TestNamespace.make('api')
  })

  afterAll(async () => {
    await client.close()
    await namespace[Symbol.asyncDispose]()
  })

  function cacheOf(kind: ResourceKind): ResourceCache {
    return new ResourceCache(client, kind, {
      ...common,
      namespace: namespace.name,
      labelSelector: 'of=api-test',
    })
  }

  async function seen(cache: ResourceCache, condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = cache.onChange(() => {
      if (condition()) resolve()
    })
    if (!condition()) await promise
  }

  async function refusal(promise: Promise<unknown>): Promise<string> {
    try {
      await promise
    } catch (error) {
      if (isApiError(error)) return `${error.status} ${error.reason}`
      throw error
    }
    return 'not refused'
  }

  it('writes nothing when the same is applied again, and takes away what is no longer applied', async () => {
    await client.readyz()
    const first = await client.apply(configMap(namespace.name, 'applied', { a: '1', b: '2' }))
    const again = await client.apply(configMap(namespace.name, 'applied', { a: '1', b: '2' }))
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    await client.patch(KINDS.configMaps, namespace.name, 'applied', { data: { theirs: '3' } })
    const less = await client.apply(configMap(namespace.name, 'applied', { a: '1' }))
    expect(less['data']).toEqual({ a: '1', theirs: '3' })
  })

  it('keeps its hands off another object of the same name', async () => {
    await namespace.apply(deployment('web', 0))
    const { metadata } = await client.get(KINDS.deployments, namespace.name, 'web')
    const other = { uid: '00000000-0000-4000-8000-00000000dead' }
    const scale = { spec: { replicas: 1 } }
    const at = [KINDS.deployments, namespace.name, 'web'] as const
    expect(await refusal(client.patch(...at, scale, { ...other, subresource: 'scale' }))).toBe('409 Conflict')
    expect(await refusal(client.patch(...at, scale, other))).toBe('409 Conflict')
    expect(await refusal(client.patch(...at, { status: {} }, { ...other, subresource: 'status' }))).toBe(
      '409 Conflict',
    )
    expect(await refusal(client.patch(...at, scale, { resourceVersion: '1' }))).toBe('409 Conflict')
    expect(await refusal(client.delete(...at, other))).toBe('409 Conflict')
    const scaled = await client.patch(
      ...at,
      { spec: { replicas: 0 } },
      { uid: metadata.uid, subresource: 'scale' },
    )
    // The API server leaves a zero out.
    expect([scaled.kind, scaled['spec']]).toEqual(['Scale', {}])
    await client.delete(...at, { uid: metadata.uid, propagation: 'Background' })
    expect(await refusal(client.get(...at))).toBe('404 NotFound')
    expect(await refusal(client.create(configMap(namespace.name, 'Not A Name')))).toBe('422 Invalid')
  })

  it('records events that kubectl shows', async () => {
    using recorder = new EventRecorder(client, { clock, component: 'pilotlight-test' })
    const object = await client.apply(configMap(namespace.name, 'told'))
    for (let nth = 0; nth < 3; nth++) {
      recorder.record(object, { type: 'Warning', reason: 'Told', message: 'It was told' })
      await recorder.whenIdle()
    }
    const selector = 'events --field-selector reason=Told'
    expect(await namespace.field(selector, '.items[*].count')).toBe('3')
    expect(await namespace.field(selector, '.items[*].source.component')).toBe('pilotlight-test')
  })

  it('is followed by a cache, with one list for many pages', async () => {
    const life = new AbortController()
    const names = Array.from({ length: 20 }, (_, nth) => `many-${nth}`)
    await Promise.all(names.map((name) => client.create(configMap(namespace.name, name))))
    const cache = cacheOf(KINDS.configMaps)
    const running = cache.run(life.signal)
    await cache.whenSynced
    expect(names.every((name) => cache.get(`${namespace.name}/${name}`)?.kind === 'ConfigMap')).toBe(true)
    const page = await client.list(KINDS.configMaps, { namespace: namespace.name, limit: 7 })
    expect(page.items).toHaveLength(7)
    const next = await client.list(KINDS.configMaps, {
      namespace: namespace.name,
      limit: 7,
      continue: page.metadata.continue ?? '',
    })
    expect(next.items.some(({ metadata }) => metadata.name === page.items[0]?.metadata.name)).toBe(false)
    await Promise.all(names.map((name) => client.delete(KINDS.configMaps, namespace.name, name)))
    await seen(cache, () => names.every((name) => cache.get(`${namespace.name}/${name}`) === undefined))
    life.abort()
    await running
  })

  it.skipIf(testbed === undefined)('is followed across the death of the API server', async () => {
    if (testbed === undefined) return
    const life = new AbortController()
    const key = (name: string): string => `${namespace.name}/${name}`
    const kept = await client.apply(configMap(namespace.name, 'kept'))
    await client.apply(configMap(namespace.name, 'going'))
    const cache = cacheOf(KINDS.configMaps)
    const running = cache.run(life.signal)
    await cache.whenSynced
    const before = cache.get(key('kept'))
    expect(before?.metadata.uid).toBe(kept.metadata.uid)
    await testbed.kill('kube-apiserver')
    expect(await refusal(client.readyz())).toBe('0 Unreachable')
    expect([cache.isWatching, cache.size > 0]).toEqual([false, true])
    await testbed.restart('kube-apiserver')
    await client.apply(configMap(namespace.name, 'new'))
    await client.delete(KINDS.configMaps, namespace.name, 'going')
    await seen(cache, () => cache.get(key('new')) !== undefined && cache.get(key('going')) === undefined)
    expect(cache.get(key('kept'))).toBe(before)
    life.abort()
    await running

    // It remembers nothing from before its start, and says so.
    const at = { resourceVersion: '1', timeoutSeconds: 10, silenceMaxMs: 10_000 }
    const events = client.watch(KINDS.configMaps, at, new AbortController().signal)
    expect(await refusal(events.next())).toBe('410 Expired')
  })

  it('has one leader: passed on within 10 s when it is killed, at once when it stops', async () => {
    interface Candidate {
      readonly client: ApiClient
      readonly life: AbortController
      readonly leading: Promise<void>
      readonly over: Promise<void>
    }
    let leaders = 0
    const join = async (identity: string): Promise<Candidate> => {
      const own = await connect()
      const life = new AbortController()
      const leading = Promise.withResolvers<void>()
      const election = new LeaderElection({
        ...common,
        client: own,
        namespace: namespace.name,
        lease: 'leader',
        identity,
      })
      const over = election.run(life.signal, async (signal) => {
        leaders += 1
        expect(leaders).toBe(1)
        leading.resolve()
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        leaders -= 1
      })
      return { client: own, life, leading: leading.promise, over }
    }

    const first = await join('first')
    await first.leading
    const second = await join('second')
    const third = await join('third')
    const killedMs = clock.now()
    await first.client.close()
    const winner = await Promise.race([second.leading.then(() => second), third.leading.then(() => third)])
    expect(clock.now() - killedMs).toBeLessThan(10_000)
    const other = winner === second ? third : second

    const stoppedMs = clock.now()
    winner.life.abort()
    await other.leading
    expect(clock.now() - stoppedMs).toBeLessThan(2_000)
    const holder = await namespace.field('lease/leader', '.spec.holderIdentity')
    expect(holder).toMatch(winner === second ? /^third_/ : /^second_/)

    for (const one of [first, second, third]) {
      one.life.abort()
      await one.over
      await one.client.close()
    }
  })
})
