import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { ManualClock } from '../../core/manual-clock.ts'
import { ApiClient } from './api-client.ts'
import { ApiError } from './api-error.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { Refusal } from './fake-store.ts'
import { KINDS } from './kinds.ts'
import type { KubeObject } from './kube-object.ts'
import { loadKubeConfig } from './kube-config.ts'

const deployment = (over: Partial<KubeObject> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'iris', namespace: 'ml', labels: { app: 'iris' } },
  spec: { replicas: 1, selector: { matchLabels: { app: 'iris' } } },
  ...over,
})

async function refusedWith(promise: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  )
  if (error instanceof ApiError) return error
  throw error
}

describe('ApiClient', () => {
  let clock: ManualClock
  let server: FakeApiServer
  let client: ApiClient

  beforeEach(async () => {
    clock = new ManualClock(1_700_000_000_000)
    server = await FakeApiServer.start({ clock })
    client = server.client({ clock })
  })

  afterEach(async () => {
    await client.close()
    await server[Symbol.asyncDispose]()
  })

  it('creates, reads, lists and deletes objects', async () => {
    const created = await client.create(deployment())
    expect(created.metadata).toMatchObject({ namespace: 'ml', resourceVersion: '2', generation: 1 })
    expect(created.metadata.creationTimestamp).toBe('2023-11-14T22:13:20Z')
    expect(await client.get(KINDS.deployments, 'ml', 'iris')).toEqual(created)
    const list = await client.list(KINDS.deployments, { labelSelector: 'app in (iris, other)' })
    expect(list.items).toEqual([created])
    expect((await client.list(KINDS.deployments, { labelSelector: 'app!=iris' })).items).toEqual([])
    await client.delete(KINDS.deployments, 'ml', 'iris', { propagation: 'Background' })
    const error = await refusedWith(client.get(KINDS.deployments, 'ml', 'iris'))
    expect(error).toMatchObject({ status: 404, reason: 'NotFound' })
    expect(error.message).toBe(
      'GET /apis/apps/v1/namespaces/ml/deployments/iris: 404 deployments "ml/iris" not found',
    )
  })

  it('reads a list in pages', async () => {
    for (let nth = 0; nth < 5; nth++) {
      server.store.put(KINDS.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `p${nth}`, namespace: 'ml' },
      })
    }
    const first = await client.list(KINDS.pods, { limit: 3 })
    expect(first.items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Pod p0',
      'Pod p1',
      'Pod p2',
    ])
    const token = first.metadata.continue ?? ''
    const second = await client.list(KINDS.pods, { limit: 3, continue: token })
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(['p3', 'p4'])
    expect(second.metadata.continue).toBeUndefined()
    expect(await refusedWith(client.list(KINDS.pods, { continue: token }))).toMatchObject({ status: 410 })
  })

  it('applies: creates, changes, removes what it no longer gives, and writes nothing without a change', async () => {
    const first = await client.apply(deployment())
    const same = await client.apply(deployment())
    expect(same).toEqual(first)
    await client.patch(KINDS.deployments, 'ml', 'iris', { metadata: { annotations: { other: 'theirs' } } })
    const changed = await client.apply(
      deployment({ metadata: { name: 'iris', namespace: 'ml', annotations: { mine: 'yes' } } }),
    )
    expect(changed.metadata.labels).toBeUndefined()
    expect(changed.metadata.annotations).toEqual({ other: 'theirs', mine: 'yes' })
    expect(changed.metadata.generation).toBe(1)
    const query = server.requests.at(-1)?.query
    expect([query?.get('fieldManager'), query?.get('force')]).toEqual(['pilotlight', 'true'])
    expect(server.requests.at(-1)?.contentType).toBe('application/apply-patch+yaml')
  })

  it('writes the status and the scale through their own doors', async () => {
    await client.create(deployment())
    await client.apply(deployment({ spec: undefined, status: { replicas: 3 } }), { subresource: 'status' })
    const scale = await client.patch(
      KINDS.deployments,
      'ml',
      'iris',
      { spec: { replicas: 4 } },
      { subresource: 'scale' },
    )
    expect(scale).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 4 },
      status: { replicas: 3, selector: 'app=iris' },
    })
    const live = await client.get(KINDS.deployments, 'ml', 'iris')
    expect(live).toMatchObject({
      spec: { replicas: 4 },
      status: { replicas: 3 },
      metadata: { generation: 2 },
    })
  })

  it('leaves another object of the same name alone', async () => {
    const { metadata } = await client.create(deployment())
    const patch = { spec: { replicas: 2 } }
    const other = '00000000-0000-4000-8000-00000000dead'
    for (const refused of [
      client.patch(KINDS.deployments, 'ml', 'iris', patch, { uid: other }),
      client.patch(KINDS.deployments, 'ml', 'iris', patch, { uid: other, subresource: 'scale' }),
      client.patch(KINDS.deployments, 'ml', 'iris', patch, { resourceVersion: '1' }),
      client.delete(KINDS.deployments, 'ml', 'iris', { uid: other }),
      client.replace(deployment({ metadata: { ...metadata, resourceVersion: '1' } })),
    ]) {
      expect(await refusedWith(refused)).toMatchObject({ status: 409, reason: 'Conflict' })
    }
    const { uid, resourceVersion } = metadata
    await client.patch(KINDS.deployments, 'ml', 'iris', patch, { uid, resourceVersion })
    await client.delete(KINDS.deployments, 'ml', 'iris', { uid })
    // The connection is as good as before: a delete with a body says how long it is.
    expect((await client.list(KINDS.deployments)).items).toEqual([])
  })

  it('tells what the API server has against it', async () => {
    const causes = [{ reason: 'FieldValueInvalid', message: 'must be at least 0', field: 'spec.replicas' }]
    server.refuse(new Refusal(422, 'Invalid', 'Deployment is invalid', { causes }))
    const error = await refusedWith(client.create(deployment()))
    expect(error).toMatchObject({ status: 422, reason: 'Invalid', causes })
    expect(error.message).toMatch(/: 422 Deployment is invalid$/)
  })

  it('comes again when it is told to, twice at most', async () => {
    const busy = new Refusal(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 1 })
    server.refuse(busy, undefined, 2)
    const asked = client.create(deployment())
    for (const requests of [1, 2]) {
      await server.until(() => server.requests.length === requests)
      await answered(clock)
      await clock.advance(1000)
    }
    expect((await asked).metadata.name).toBe('iris')

    server.refuse(busy, undefined, 3)
    const refused = refusedWith(client.get(KINDS.deployments, 'ml', 'iris'))
    for (const requests of [4, 5]) {
      await server.until(() => server.requests.length === requests)
      await answered(clock)
      await clock.advance(1000)
    }
    expect(await refused).toMatchObject({ status: 429, reason: 'TooManyRequests', retryAfterMs: 1000 })
  })

  it('never repeats a conflict', async () => {
    server.refuse(new Refusal(409, 'Conflict', 'modified'))
    await refusedWith(client.create(deployment()))
    expect(server.requests).toHaveLength(1)
  })

  it('gives up on an answer that does not come', async () => {
    server.intercept(() => new Promise(() => {}))
    const asked = refusedWith(client.get(KINDS.pods, 'ml', 'iris'))
    await server.until(() => server.requests.length === 1)
    await clock.advance(9_999)
    await clock.advance(1)
    expect(await asked).toMatchObject({ status: 0, reason: 'Timeout' })
  })

  it('ends with its caller', async () => {
    server.intercept(() => new Promise(() => {}))
    const caller = new AbortController()
    const asked = client.get(KINDS.pods, 'ml', 'iris', caller.signal)
    await server.until(() => server.requests.length === 1)
    caller.abort(new Error('no longer wanted'))
    await expect(asked).rejects.toThrow('no longer wanted')
  })

  it('says when the API server is away, and goes on when it is back', async () => {
    await client.readyz()
    await server.away()
    expect(await refusedWith(client.readyz())).toMatchObject({ status: 0, reason: 'Unreachable' })
    await server.back()
    await client.readyz()
    server.isReady = false
    expect(await refusedWith(client.readyz())).toMatchObject({ status: 500 })
  })

  it('reads a token file again when the token is refused', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pilotlight-token-'))
    try {
      writeFileSync(join(dir, 'token'), 'one\n')
      const file = join(dir, 'config')
      writeFileSync(
        file,
        JSON.stringify({
          clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
          users: [{ name: 'u', user: { tokenFile: 'token' } }],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x',
        }),
      )
      server.tokens = new Set(['one'])
      const config = await loadKubeConfig({ kubeconfig: file })
      await using own = ApiClient.fromKubeConfig(config, { clock })
      await own.list(KINDS.pods)
      expect(server.requests.at(-1)?.authorization).toBe('Bearer one')
      server.tokens = new Set(['two'])
      writeFileSync(join(dir, 'token'), 'two\n')
      await own.list(KINDS.pods)
      server.tokens = new Set()
      expect(await refusedWith(own.list(KINDS.pods))).toMatchObject({ status: 401, reason: 'Unauthorized' })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('says what is wrong with credentials that cannot be had', async () => {
    const config = server.kubeConfig()
    config.users = [{ name: 'tester', exec: { apiVersion: 'v1', command: '/does/not/exist', args: [] } }]
    await using own = ApiClient.fromKubeConfig(config, { clock: new SystemClock() })
    const error = await refusedWith(own.readyz())
    expect(error).toMatchObject({ status: 0, reason: 'Credentials' })
    expect(error.message).toContain('/does/not/exist')
  })

  it('takes an answer of something else for what it is', async () => {
    const proxy = createServer((_, response) => response.writeHead(502).end('<html>bad gateway</html>'))
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    try {
      const address = proxy.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      const config = server.kubeConfig()
      config.clusters = [{ name: 'fake', server: `http://127.0.0.1:${port}/k8s/x/`, skipTLSVerify: true }]
      await using own = ApiClient.fromKubeConfig(config, { clock })
      const error = await refusedWith(own.get(KINDS.nodes, undefined, 'a100'))
      expect(error).toMatchObject({ status: 502, reason: 'Unknown' })
      expect(error.message).toBe('GET /api/v1/nodes/a100: 502 <html>bad gateway</html>')
      expect(own.server).toBe(`http://127.0.0.1:${port}/k8s/x`)
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })
})

/** Lets an answer that was sent arrive, until somebody waits for the clock. */
async function answered(clock: ManualClock): Promise<void> {
  const armed = (): boolean => {
    const dueMs = clock.nextDueMs()
    return dueMs !== undefined && dueMs - clock.now() <= 1000
  }
  while (!armed()) await new Promise((resolve) => setImmediate(resolve))
}
