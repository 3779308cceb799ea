import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '../core/clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { buildAdmin } from './app.ts'
import {
  FakeControlPlane,
  SAMPLE_MS,
  sampleDecision,
  sampleService,
  sampleSnapshot,
} from './fake-control-plane.ts'

type App = Awaited<ReturnType<typeof buildAdmin>>
const open: App[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

async function start(allowedHosts: string[] = [], unready?: () => string | undefined) {
  const plane = new FakeControlPlane()
  const routes: string[] = []
  const app = await buildAdmin({
    controlPlane: plane,
    manifests: plane,
    logs: plane,
    metrics: { contentType: 'text/plain; version=0.0.4', expose: async () => 'up 1\n' },
    clock: new SystemClock(),
    log: silentLog,
    version: '1.2.3',
    allowedHosts,
    ...(unready === undefined ? {} : { unready }),
  })
  open.push(app)
  return { plane, app, routes }
}

/** A real connection, for what streams. */
async function stream(app: App, path: string): Promise<IncomingMessage> {
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return new Promise((resolve, reject) => {
    httpRequest(`${address}${path}`, resolve).once('error', reject).end()
  })
}

async function readUntil(response: IncomingMessage, wanted: string): Promise<string> {
  let text = ''
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.includes(wanted)) return text
  }
  throw new Error(`the stream ended without ${wanted}: ${text}`)
}

describe('reading', () => {
  it.each([
    ['/healthz', 'ok\n'],
    ['/readyz', 'ok\n'],
    ['/metrics', 'up 1\n'],
  ])('GET %s', async (url, body) => {
    const { app } = await start()
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.body]).toEqual([200, body])
  })

  it('is not ready before the control plane is', async () => {
    const { app, plane } = await start()
    plane.ready = false
    const answer = await app.inject('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ code: 'NOT_READY', error: 'the configuration is still being read' })
    expect((await app.inject('/healthz')).statusCode).toBe(200)
  })

  it('is not ready any more while it stops', async () => {
    const { app } = await start([], () => 'the gateway is stopping')
    const answer = await app.inject('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ error: 'the gateway is stopping' })
  })

  it('answers every list whole, with fields that no schema names', async () => {
    const { app, plane } = await start()
    const { services, routes, revisions, replicas, problems } = plane.snapshot()
    for (const [path, value] of Object.entries({
      inferenceservices: services,
      routes,
      revisions,
      replicas,
      problems,
    })) {
      const answer = await app.inject(`/api/v1/${path}`)
      expect(answer.json()).toEqual(value)
    }
  })

  it('filters services by namespace', async () => {
    const { app, plane } = await start()
    plane.latest.set(sampleSnapshot({ services: [sampleService(), sampleService({ namespace: 'other' })] }))
    const answer = await app.inject('/api/v1/inferenceservices?namespace=other')
    expect(answer.json()).toEqual([sampleService({ namespace: 'other' })])
  })

  it('finds one service, or says which one is missing', async () => {
    const { app } = await start()
    const found = await app.inject('/api/v1/namespaces/ml/inferenceservices/iris')
    expect(found.json()).toEqual(sampleService())
    const missing = await app.inject('/api/v1/namespaces/ml/inferenceservices/nope')
    expect([missing.statusCode, missing.json()]).toEqual([
      404,
      { code: 'NOT_FOUND', error: 'InferenceService ml/nope does not exist' },
    ])
  })

  it('answers the newest decisions up to the limit', async () => {
    const { app, plane } = await start()
    const all = [1, 2, 3].map((atMs) => sampleDecision({ atMs }))
    plane.decisionsOf.set('ml/iris-predictor-00001', all)
    const answer = await app.inject('/api/v1/namespaces/ml/revisions/iris-predictor-00001/decisions?limit=2')
    expect(answer.json()).toEqual(all.slice(1))
    const missing = await app.inject('/api/v1/namespaces/ml/revisions/x/decisions')
    expect([missing.statusCode, missing.json()]).toEqual([
      404,
      { code: 'NOT_FOUND', error: 'revision ml/x does not exist' },
    ])
  })
})

describe('input that is not valid', () => {
  it.each([
    ['/api/v1/namespaces/ml/revisions/x/decisions?limit=abc', 'query parameter limit: "abc" must be integer'],
    ['/api/v1/namespaces/ml/revisions/x/decisions?limit=0', 'query parameter limit: 0 must be >= 1'],
    ['/api/v1/inferenceservices?namespase=x', 'query parameter namespase: is not known here'],
    ['/api/v1/inferenceservices?namespace=A_B', 'query parameter namespace: "A_B" must match pattern'],
    ['/api/v1/namespaces/ml/replicas/x/logs?follow=maybe', 'query parameter follow: "maybe" must be boolean'],
  ])('%s', async (url, error) => {
    const { app } = await start()
    const answer = await app.inject(url)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'BAD_REQUEST', error: expect.stringContaining(error) })
  })

  it('names a path that does not exist', async () => {
    const { app } = await start()
    const answer = await app.inject('/api/v2')
    expect(answer.json()).toEqual({ code: 'NOT_FOUND', error: 'there is no GET /api/v2; see /openapi.json' })
  })
})

describe('changing', () => {
  const url = '/api/v1/namespaces/ml/inferenceservices/iris'

  it.each([
    [10, 'canary ml/iris 10'],
    [0, 'canary ml/iris 0'],
    [null, 'canary ml/iris none'],
  ])('sets the canary to %s', async (percent, call) => {
    const { app, plane } = await start()
    const answer = await app.inject({ method: 'PUT', url: `${url}/canary`, payload: { percent } })
    expect([answer.statusCode, plane.calls]).toEqual([204, [call]])
  })

  it.each([
    { percent: 101 },
    { percent: -1 },
    { percent: '' },
    { percent: '10' },
    { percent: 1.5 },
    {},
    { percent: 1, x: 1 },
  ])('refuses the canary %j', async (payload) => {
    const { app, plane } = await start()
    const answer = await app.inject({ method: 'PUT', url: `${url}/canary`, payload })
    expect([answer.statusCode, plane.calls]).toEqual([400, []])
    expect(answer.json()).toMatchObject({
      error: expect.stringContaining('a whole N from 0 to 100, or null'),
    })
  })

  it('deletes', async () => {
    const { app, plane } = await start()
    expect((await app.inject({ method: 'DELETE', url })).statusCode).toBe(204)
    expect((await app.inject({ method: 'DELETE', url: `${url}x` })).statusCode).toBe(404)
    expect((await app.inject({ method: 'DELETE', url: '/api/v1/clusterservingruntimes/r' })).statusCode).toBe(
      204,
    )
    expect(plane.calls).toEqual([
      'remove InferenceService ml/iris',
      'remove InferenceService ml/irisx',
      'remove ClusterServingRuntime /r',
    ])
  })

  it.each(['application/yaml', 'text/plain', 'application/json'])('applies %s as it came', async (type) => {
    const { app, plane } = await start()
    plane.applied = [
      { kind: 'InferenceService', namespace: 'ml', name: 'iris', outcome: 'created', warnings: [] },
    ]
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/apply',
      headers: { 'content-type': type },
      payload: '{"kind": "x"}',
    })
    expect(answer.json()).toEqual(plane.applied)
    expect(plane.calls).toEqual(['apply {"kind": "x"}'])
  })

  it('passes on why a manifest is refused', async () => {
    const { app, plane } = await start()
    plane.refusal = 'spec.predictor: missing'
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/apply',
      headers: { 'content-type': 'application/yaml' },
      payload: 'kind: x',
    })
    expect([answer.statusCode, answer.json()]).toEqual([
      422,
      { code: 'MANIFEST_REFUSED', error: 'spec.predictor: missing' },
    ])
  })

  it.each([
    ['application/yaml', '  \n', 400],
    ['application/xml', '<a/>', 415],
    ['application/yaml', 'x'.repeat(5 * 1024 * 1024), 413],
  ])('refuses a body of %s', async (type, payload, status) => {
    const { app, plane } = await start()
    const headers = { 'content-type': type }
    const answer = await app.inject({ method: 'POST', url: '/api/v1/apply', headers, payload })
    expect([answer.statusCode, plane.calls]).toEqual([status, []])
  })
})

describe('who may call', () => {
  it.each([
    ['localhost:9090', 200],
    ['127.0.0.1:9090', 200],
    ['[::1]:9090', 200],
    ['LOCALHOST', 200],
    ['pilotlight.internal:9090', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example:9090', 403],
  ])('Host: %s gives %i', async (host, status) => {
    const { app } = await start(['pilotlight.internal'])
    const answer = await app.inject({ url: '/healthz', headers: { host } })
    expect(answer.statusCode).toBe(status)
  })

  it.each([
    ['http://localhost:9090', 204],
    ['http://evil.example', 403],
    ['http://localhost:3000', 403],
    ['null', 403],
    [undefined, 204],
  ])('a change from Origin %s gives %i', async (origin, status) => {
    const { app } = await start()
    const answer = await app.inject({
      method: 'DELETE',
      url: '/api/v1/namespaces/ml/inferenceservices/iris',
      headers: { host: 'localhost:9090', ...(origin === undefined ? {} : { origin }) },
    })
    expect(answer.statusCode).toBe(status)
  })
})

describe('streams', () => {
  it('sends the snapshot now and after each change, and lets go when the client does', async () => {
    const { app, plane } = await start()
    const response = await stream(app, '/api/v1/events')
    expect(response.headers['content-type']).toContain('text/event-stream')
    const first = await readUntil(response, `"atMs":${SAMPLE_MS}`)
    expect(first).toMatch(/^retry: 1000\n\nevent: snapshot\ndata: \{/)
    plane.latest.set(sampleSnapshot({ atMs: 42 }))
    await readUntil(response, '"atMs":42')
    response.destroy()
    await vi.waitFor(() => expect(plane.followers).toBe(0))
  })

  it('ends the streams when the app closes', async () => {
    const { app, plane } = await start()
    const response = await stream(app, '/api/v1/events')
    await readUntil(response, 'snapshot')
    const over = new Promise((resolve) => {
      response.once('close', resolve).once('error', resolve).resume()
    })
    await app.close()
    await over
    expect(plane.followers).toBe(0)
  })

  it('lets a slow reader skip to the newest snapshot', async () => {
    const { app, plane } = await start()
    const big = (atMs: number) =>
      sampleSnapshot({
        atMs,
        problems: [{ source: 's', kind: 'k', namespace: 'n', name: 'n', message: 'x'.repeat(8_000_000) }],
      })
    plane.latest.set(big(1))
    const response = await stream(app, '/api/v1/events')
    response.pause()
    for (let atMs = 2; atMs <= 30; atMs += 1) {
      plane.latest.set(big(atMs))
      await new Promise((resolve) => setImmediate(resolve))
    }
    const text = await readUntil(response, '"atMs":30')
    const seen = text.split('event: snapshot').length - 1
    expect(seen).toBeLessThan(10)
    response.destroy()
  })

  it('answers log lines, the last ones only if asked', async () => {
    const { app, plane } = await start()
    plane.logLines.set('ml/iris-predictor-00001-aaaaa', ['one', 'two', 'three'])
    const url = '/api/v1/namespaces/ml/replicas/iris-predictor-00001-aaaaa/logs'
    expect((await app.inject(url)).body).toBe('one\ntwo\nthree\n')
    expect((await app.inject(`${url}?tailLines=1`)).body).toBe('three\n')
    expect((await app.inject(`${url}?tailLines=0`)).body).toBe('')
    const silent = await app.inject('/api/v1/namespaces/ml/replicas/iris-predictor-00002-c3/logs')
    expect([silent.statusCode, silent.body]).toEqual([200, ''])
    const missing = await app.inject('/api/v1/namespaces/ml/replicas/gone/logs')
    expect([missing.statusCode, missing.json()]).toEqual([
      404,
      { code: 'NOT_FOUND', error: 'replica ml/gone has no log' },
    ])
  })

  it('follows a log until its reader goes', async () => {
    const { app, plane } = await start()
    plane.logLines.set('ml/iris-predictor-00001-aaaaa', ['one'])
    const response = await stream(
      app,
      '/api/v1/namespaces/ml/replicas/iris-predictor-00001-aaaaa/logs?follow=true',
    )
    await readUntil(response, `seen at ${SAMPLE_MS}`)
    plane.latest.set(sampleSnapshot({ atMs: 43 }))
    await readUntil(response, 'seen at 43')
    response.destroy()
    await vi.waitFor(() => expect(plane.followers).toBe(0))
  })
})
