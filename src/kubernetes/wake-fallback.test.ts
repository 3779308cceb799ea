import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { FakeApiServer } from './api/fake-api-server.ts'
import { Refusal } from './api/fake-store.ts'
import { KINDS, type ApiClient } from './api/index.ts'
import { WakeFallback } from './wake-fallback.ts'

const NAME = 'ml/iris-predictor-00001'

describe('WakeFallback', () => {
  let clock: ManualClock
  let server: FakeApiServer
  let client: ApiClient
  let fallback: WakeFallback
  let hasReplicas: boolean
  let isWaitedFor: boolean

  beforeEach(async () => {
    clock = new ManualClock()
    server = await FakeApiServer.start()
    client = server.client({ clock })
    hasReplicas = false
    isWaitedFor = true
    fallback = new WakeFallback({
      client,
      clock,
      log: silentLog,
      hasReplicas: () => hasReplicas,
      isWaitedFor: () => isWaitedFor,
    })
    put(0)
  })
  afterEach(async () => {
    fallback[Symbol.dispose]()
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  function put(replicas: number): void {
    const metadata = { name: 'iris-predictor-00001', namespace: 'ml' }
    server.store.put(KINDS.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { replicas },
    })
  }

  const spec = (): unknown => server.store.get(KINDS.deployments, NAME)?.['spec']
  const asked = (): readonly string[] => server.requests.map(({ verb }) => verb)

  it('orders the first replica when nobody has within 2 s', async () => {
    fallback.woken(NAME)
    fallback.woken(NAME)
    await clock.advance(1_999)
    expect(asked()).toEqual([])
    await clock.advance(1)
    await server.until(() => server.writes.length === 1)
    expect(spec()).toEqual({ replicas: 1 })
  })

  it.each([
    ['a replica has come', () => (hasReplicas = true)],
    ['nobody waits any more', () => (isWaitedFor = false)],
    ['the gateway is closed', () => fallback[Symbol.dispose]()],
  ])('asks nobody when %s', async (_what, happen) => {
    fallback.woken(NAME)
    happen()
    await clock.advance(10_000)
    expect(asked()).toEqual([])
  })

  it('leaves it to whoever ordered replicas already', async () => {
    put(3)
    fallback.woken(NAME)
    await clock.advance(2_000)
    await server.until(() => asked().length === 1)
    await clock.advance(0)
    expect([asked(), spec()]).toEqual([['get'], { replicas: 3 }])
  })

  it('leaves it to the leader when both order at once', async () => {
    const read = Promise.withResolvers<undefined>()
    server.intercept(({ verb }) => (verb === 'patch' ? read.promise : undefined))
    fallback.woken(NAME)
    await clock.advance(2_000)
    await server.until(() => asked().includes('patch'))
    put(4)
    read.resolve(undefined)
    await server.until(() => spec() !== undefined)
    await clock.advance(10_000)
    expect(spec()).toEqual({ replicas: 4 })
    expect(asked()).toEqual(['get', 'patch'])
  })

  it('tries again while requests wait', async () => {
    server.refuse(new Refusal(503, 'ServiceUnavailable', 'not now'))
    fallback.woken(NAME)
    await clock.advance(2_000)
    await server.until(() => asked().length === 1)
    while (server.writes.length === 0) {
      await clock.advance(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(spec()).toEqual({ replicas: 1 })
  })
})
