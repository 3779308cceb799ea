import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { Snapshot } from '../control/view.ts'
import { SystemClock } from '../core/clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { buildAdmin } from './app.ts'
import {
  FakeControlPlane,
  sampleReplica,
  sampleRevision,
  sampleService,
  sampleSnapshot,
} from './fake-control-plane.ts'

const both: Snapshot = (() => {
  const ml = sampleSnapshot()
  const revision = sampleRevision('other/iris-predictor-00001', { service: 'other/iris' })
  const problem = { source: 'a.yaml', kind: 'InferenceService', name: 'x', message: 'is wrong' }
  return {
    ...ml,
    services: [...ml.services, sampleService({ namespace: 'other' })],
    routes: [
      ...ml.routes,
      ...ml.routes.map((route) => ({ ...route, name: 'other/iris', pathPrefixes: [], hosts: [], split: [] })),
    ],
    revisions: [...ml.revisions, revision],
    replicas: [...ml.replicas, sampleReplica(revision.name, 'a', 'ready')],
    problems: ['ml', 'other', ''].map((namespace) => ({ ...problem, namespace })),
  }
})()

const open: Awaited<ReturnType<typeof buildAdmin>>[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

async function start() {
  const plane = new FakeControlPlane(both)
  const app = await buildAdmin({
    controlPlane: plane,
    manifests: plane,
    logs: plane,
    metrics: { contentType: 'text/plain', expose: async () => '' },
    clock: new SystemClock(),
    log: silentLog,
    version: '1.2.3',
  })
  open.push(app)
  return app
}

describe('?namespace=', () => {
  it.each([
    ['inferenceservices', 1, 2],
    ['routes', 1, 2],
    ['revisions', 1, 3],
    ['replicas', 1, 8],
    ['problems', 1, 3],
  ])('keeps of %s what belongs to it', async (path, some, all) => {
    const app = await start()
    const items: unknown[] = (await app.inject(`/api/v1/${path}?namespace=other`)).json()
    expect(items).toHaveLength(some)
    expect(JSON.stringify(items)).not.toContain('"ml')
    expect((await app.inject(`/api/v1/${path}`)).json()).toHaveLength(all)
    expect((await app.inject(`/api/v1/${path}?namespace=none`)).json()).toEqual([])
  })

  it.each([
    ['', 'query parameter namespace: "" must match pattern'],
    ['A_B', 'query parameter namespace: "A_B" must match pattern'],
    ['ml&namespace=other', 'query parameter namespace'],
    ['ml&limit=3', 'query parameter limit: is not known here'],
  ])('%j is refused', async (value, message) => {
    const app = await start()
    for (const path of ['routes', 'revisions', 'replicas', 'problems', 'events']) {
      const answer = await app.inject(`/api/v1/${path}?namespace=${value}`)
      expect([answer.statusCode, answer.json()]).toEqual([
        400,
        { code: 'BAD_REQUEST', error: expect.stringContaining(message) },
      ])
    }
  })

  it('keeps of the snapshots what belongs to it', async () => {
    const app = await start()
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(`${address}/api/v1/events?namespace=other`, resolve).once('error', reject).end()
    })
    let text = ''
    for await (const chunk of response) {
      text += String(chunk)
      if (text.includes('"problems"')) break
    }
    const snapshot: Snapshot = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')
    expect(text).not.toContain('ml/')
    expect(snapshot).toEqual({
      atMs: both.atMs,
      services: both.services.slice(1),
      routes: both.routes.slice(1),
      revisions: both.revisions.slice(2),
      replicas: both.replicas.slice(7),
      problems: both.problems.slice(1, 2),
    })
  })
})
