import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../core/random.ts'
import { silentLog, type Log } from '../../core/telemetry.ts'
import type { ApiClient } from './api-client.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { ImpatientClock } from './fake-impatient-clock.ts'
import { Refusal } from './fake-store.ts'
import { KINDS } from './kinds.ts'
import type { KubeObject } from './kube-object.ts'
import { ResourceCache, type Change, type ResourceCacheOptions } from './resource-cache.ts'

const pod = (name: string, over: Partial<KubeObject> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ml', labels: { app: 'iris' } },
  ...over,
})

describe('ResourceCache', () => {
  let clock: ImpatientClock
  let server: FakeApiServer
  let client: ApiClient
  let life: AbortController
  let running: Promise<void>[]

  beforeEach(async () => {
    clock = new ImpatientClock(1_700_000_000_000)
    server = await FakeApiServer.start({ clock })
    client = server.client({ clock })
    life = new AbortController()
    running = []
  })

  afterEach(async () => {
    life.abort()
    await Promise.all(running)
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  function cacheOf(options: Partial<ResourceCacheOptions<KubeObject>> = {}): ResourceCache {
    const random = new SeededRandom(1)
    return new ResourceCache(client, KINDS.pods, { clock, random, log: silentLog, ...options })
  }

  /** Begun, listed and watching. */
  async function follow(
    cache: ResourceCache,
  ): Promise<{ readonly story: string[]; readonly cache: ResourceCache }> {
    const story: string[] = []
    cache.onChange(({ key, object, before }) => {
      story.push(`${before === undefined ? '+' : object === undefined ? '-' : '~'} ${key}`)
      // What is told can be read at that moment.
      expect(cache.get(key)).toBe(object)
    })
    running.push(cache.run(life.signal))
    await cache.whenSynced
    while (!cache.isWatching) await arrived()
    return { story, cache }
  }

  /** Everything up to now has arrived: a last object is made, seen and taken away again. */
  async function settled(cache: ResourceCache): Promise<void> {
    const mark = pod('zz-mark', { metadata: { name: 'zz-mark', namespace: 'ml', labels: { app: 'iris' } } })
    server.store.put(KINDS.pods, mark)
    await seen(cache, () => cache.get('ml/zz-mark') !== undefined)
    server.store.remove(KINDS.pods, 'ml/zz-mark')
    await seen(cache, () => cache.get('ml/zz-mark') === undefined)
  }

  async function seen(cache: ResourceCache, condition: () => boolean): Promise<void> {
    if (condition()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ = cache.onChange(() => {
      if (condition()) resolve()
    })
    await promise
  }

  const told = (story: readonly string[]): readonly string[] =>
    story.filter((line) => !line.endsWith('zz-mark'))

  it('lists, then follows what happens', async () => {
    server.store.put(KINDS.pods, pod('a'))
    const { story, cache } = await follow(cacheOf())
    expect(cache.isSynced).toBe(true)
    server.store.put(KINDS.pods, pod('b'))
    server.store.put(KINDS.pods, pod('a', { status: { phase: 'Running' } }))
    server.store.remove(KINDS.pods, 'ml/b')
    await settled(cache)
    expect(told(story)).toEqual(['+ ml/a', '+ ml/b', '~ ml/a', '- ml/b'])
    expect([...cache.values()]).toEqual([server.store.get(KINDS.pods, 'ml/a')])
    expect(cache.staleMs).toBe(0)
  })

  it('reads long lists in pages, and one in one piece when its pages are forgotten', async () => {
    for (let nth = 0; nth < 1200; nth++) server.store.put(KINDS.pods, pod(`p-${nth}`))
    let pages = 0
    server.intercept(({ verb, query }) => {
      if (verb === 'list' && ++pages === 2) server.compact()
      expect(verb === 'watch' || query.get('limit') === (pages < 3 ? '500' : null)).toBe(true)
      return undefined
    })
    const { cache } = await follow(cacheOf())
    expect([cache.size, pages]).toEqual([1200, 3])
  })

  it('drops managedFields, and keeps what its trim keeps', async () => {
    const metadata = { name: 'a', namespace: 'ml', managedFields: [{ manager: 'kubectl' }] }
    server.store.put(KINDS.pods, pod('a', { metadata, spec: { nodeName: 'n' } }))
    const { cache } = await follow(cacheOf())
    expect(cache.get('ml/a')).toMatchObject({ kind: 'Pod', spec: { nodeName: 'n' } })
    expect(cache.get('ml/a')?.metadata).not.toHaveProperty('managedFields')
    const bare = cacheOf({
      trim: ({ apiVersion, kind, metadata: kept }) => ({ apiVersion, kind, metadata: kept }),
    })
    running.push(bare.run(life.signal))
    await bare.whenSynced
    expect(bare.get('ml/a')).not.toHaveProperty('spec')
  })

  it('sees an object leave its selector', async () => {
    server.store.put(KINDS.pods, pod('a'))
    const { story, cache } = await follow(cacheOf({ namespace: 'ml', labelSelector: 'app=iris' }))
    server.store.put(
      KINDS.pods,
      pod('a', { metadata: { name: 'a', namespace: 'ml', labels: { app: 'other' } } }),
    )
    server.store.put(
      KINDS.pods,
      pod('b', { metadata: { name: 'b', namespace: 'else', labels: { app: 'iris' } } }),
    )
    await settled(cache)
    expect(told(story)).toEqual(['+ ml/a', '- ml/a'])
  })

  it('goes on where it was after its watch is cut', async () => {
    server.store.put(KINDS.pods, pod('a'))
    const { story, cache } = await follow(cacheOf())
    const before = cache.get('ml/a')
    server.watches.cut()
    server.store.put(KINDS.pods, pod('b'))
    await seen(cache, () => cache.get('ml/b') !== undefined)
    server.watches.end()
    server.store.remove(KINDS.pods, 'ml/b')
    await seen(cache, () => cache.get('ml/b') === undefined)
    expect(told(story)).toEqual(['+ ml/a', '+ ml/b', '- ml/b'])
    expect(server.requests.filter(({ verb }) => verb === 'list')).toHaveLength(1)
    expect(cache.get('ml/a')).toBe(before)
  })

  it('goes on from the last bookmark', async () => {
    const { cache } = await follow(cacheOf())
    for (let nth = 0; nth < 5; nth++) server.store.put(KINDS.nodes, pod(`node-${nth}`))
    server.watches.bookmark()
    await settled(cache)
    const version = String(server.store.version)
    server.watches.end()
    await server.until(() => server.requests.filter(({ verb }) => verb === 'watch').length === 2)
    expect(server.requests.at(-1)?.query.get('resourceVersion')).toBe(version)
    expect(server.requests.at(-1)?.query.get('allowWatchBookmarks')).toBe('true')
  })

  it('takes no notice of a replay', async () => {
    server.store.put(KINDS.pods, pod('a'))
    const { story, cache } = await follow(cacheOf())
    server.store.put(KINDS.pods, pod('b'))
    server.store.put(KINDS.pods, pod('b', { status: { phase: 'Running' } }))
    server.store.remove(KINDS.pods, 'ml/a')
    server.store.put(KINDS.pods, pod('a'))
    await settled(cache)
    const objects = [...cache.values()]
    server.watches.replay()
    server.watches.replay(3)
    await settled(cache)
    expect(told(story)).toEqual(['+ ml/a', '+ ml/b', '~ ml/b', '- ml/a', '+ ml/a'])
    const now = [...cache.values()]
    expect(now).toHaveLength(2)
    expect(now.every((object, nth) => object === objects[nth])).toBe(true)
  })

  it.each<{ how: string; forget: (fake: FakeApiServer) => void }>([
    { how: 'as an event', forget: (fake) => fake.compact() },
    {
      how: 'as the status of the answer',
      forget: (fake) => {
        fake.store.forget()
        fake.refuse(new Refusal(410, 'Expired', 'too old'), ({ verb }) => verb === 'watch')
        fake.watches.cut()
      },
    },
  ])('lists again when its version is forgotten, told $how', async ({ forget }) => {
    for (const name of ['a', 'b', 'c']) server.store.put(KINDS.pods, pod(name))
    const { story, cache } = await follow(cacheOf())
    const kept = cache.get('ml/a')
    server.watches.freeze()
    await server.until(() => server.watches.count() === 0)
    server.store.remove(KINDS.pods, 'ml/b')
    server.store.put(KINDS.pods, pod('c', { status: { phase: 'Running' } }))
    server.store.put(KINDS.pods, pod('d'))
    // The frozen one is found dead after 90 s of silence, and what it stood at is no longer known.
    forget(server)
    await clock.advance(90_000)
    await seen(cache, () => cache.get('ml/b') === undefined)
    await server.until(() => server.watches.count() === 1)
    expect(told(story)).toEqual(['+ ml/a', '+ ml/b', '+ ml/c', '~ ml/c', '+ ml/d', '- ml/b'])
    expect(cache.get('ml/a')).toBe(kept)
  })

  it('renews a watch that says nothing for too long, without listing again', async () => {
    const { cache } = await follow(cacheOf())
    await clock.advance(60_000)
    server.watches.bookmark()
    await settled(cache)
    server.watches.freeze()
    server.store.put(KINDS.pods, pod('a'))
    await clock.advance(89_999)
    expect(server.watches.count()).toBe(0)
    await clock.advance(1)
    await seen(cache, () => cache.get('ml/a') !== undefined)
    expect(server.requests.map(({ verb }) => verb)).toEqual(['list', 'watch', 'watch'])
    expect(clock.slept).toEqual([])
  })

  it('is renewed by the server without a pause', async () => {
    const { cache } = await follow(cacheOf())
    const timeoutSeconds = Number(server.requests.at(-1)?.query.get('timeoutSeconds'))
    expect(timeoutSeconds >= 280 && timeoutSeconds <= 300).toBe(true)
    for (let second = 0; second < timeoutSeconds; second += 50) {
      await settled(cache)
      await clock.advance(50_000)
    }
    await server.until(() => server.requests.length === 3 && server.watches.count() === 1)
    expect(clock.slept).toEqual([])
  })

  it('keeps what it knows while the API server is away, and waits longer and longer', async () => {
    for (const name of ['a', 'b']) server.store.put(KINDS.pods, pod(name))
    const lines: string[] = []
    const note = (_: object, sentence: string): void => void lines.push(sentence)
    const log: Log = { ...silentLog, warn: note, info: note }
    const { story, cache } = await follow(cacheOf({ log }))
    const [a] = cache.values()
    await server.away()
    await new Promise<void>((resolve) => {
      const look = (): void => void (clock.slept.length >= 9 ? resolve() : setImmediate(look))
      look()
    })
    await clock.advance(1500)
    expect(cache.staleMs >= 1500).toBe(true)
    expect([cache.size, cache.isSynced]).toEqual([2, true])
    for (const [nth, ms] of clock.slept.slice(0, 9).entries()) {
      const fullMs = Math.min(10_000, 200 * 2 ** nth)
      expect(ms >= fullMs / 2 && ms <= fullMs).toBe(true)
    }
    server.store.remove(KINDS.pods, 'ml/b')
    await server.back()
    await seen(cache, () => cache.size === 1)
    expect(told(story)).toEqual(['+ ml/a', '+ ml/b', '- ml/b'])
    expect(cache.get('ml/a')).toBe(a)
    expect(cache.staleMs).toBe(0)
    expect(new Set(lines)).toEqual(
      new Set(['objects cannot be watched, the last known ones stay', 'objects are watched again']),
    )
    // Attempts 2, 4 and 8 are worth a line, not each of them.
    expect(lines.length).toBeLessThan(clock.slept.length)
  })

  it('waits before it begins a watch again that is ended at once', async () => {
    server.intercept(({ verb }) => {
      if (verb === 'watch') setImmediate(() => server.watches.end())
      return undefined
    })
    const cache = cacheOf()
    running.push(cache.run(life.signal))
    await server.until(() => server.requests.length >= 6)
    expect(clock.slept.length).toBeGreaterThanOrEqual(4)
  })

  it('believes a store that was restored from a backup', async () => {
    server.store.version = 5000
    server.store.put(KINDS.pods, pod('a'))
    const { cache } = await follow(cacheOf())
    server.store.remove(KINDS.pods, 'ml/a')
    await seen(cache, () => cache.size === 0)
    server.store.version = 100
    server.store.put(KINDS.pods, pod('b'))
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
    server.refuse(
      new Refusal(504, 'Timeout', 'Too large resource version', { causes }),
      ({ verb }) => verb === 'watch',
    )
    server.watches.cut()
    await seen(cache, () => cache.get('ml/b') !== undefined)
    server.store.put(KINDS.pods, pod('c'))
    await seen(cache, () => cache.get('ml/c') !== undefined)
    expect([...cache.keys()]).toEqual(['ml/b', 'ml/c'])
  })

  it('survives its listeners', async () => {
    const failures: object[] = []
    const cache = cacheOf({ log: { ...silentLog, error: (fields) => void failures.push(fields) } })
    const keys: string[] = []
    cache.onChange(() => {
      throw new Error('a bug')
    })
    const second = cache.onChange(({ key }: Change<KubeObject>) => void keys.push(key))
    await follow(cache)
    server.store.put(KINDS.pods, pod('a'))
    server.store.put(KINDS.pods, pod('b'))
    await seen(cache, () => cache.size === 2)
    second[Symbol.dispose]()
    server.store.put(KINDS.pods, pod('c'))
    await seen(cache, () => cache.size === 3)
    expect(keys).toEqual(['ml/a', 'ml/b'])
    expect(failures).toHaveLength(3)
    expect(failures[0]).toMatchObject({ kind: 'Pod', key: 'ml/a' })
  })

  it('holds 10,000 objects', async () => {
    for (let nth = 0; nth < 10_000; nth++) server.store.put(KINDS.pods, pod(`p-${nth}`))
    const { story, cache } = await follow(cacheOf())
    expect(cache.size).toBe(10_000)
    server.compact()
    for (let nth = 0; nth < 5_000; nth++) server.store.remove(KINDS.pods, `ml/p-${nth}`)
    await seen(cache, () => cache.size === 5_000)
    expect(story).toHaveLength(15_000)
  })
})

/** A turn of the event loop, in which something may arrive. */
async function arrived(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
