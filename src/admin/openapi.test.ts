import { expect, it } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../core/manual-clock.ts'
import { silentLog } from '../core/telemetry.ts'
import { buildAdmin } from './app.ts'
import { FakeControlPlane } from './fake-control-plane.ts'

const parameter = z.object({ name: z.string(), in: z.enum(['path', 'query']), description: z.string() })
const operation = z.object({
  summary: z.string().min(5),
  tags: z.array(z.string()).length(1),
  parameters: z.array(parameter).default([]),
  responses: z.record(z.string(), z.object({ description: z.string(), content: z.unknown().optional() })),
})
const documentSchema = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
})

async function read() {
  const plane = new FakeControlPlane()
  const app = await buildAdmin({
    controlPlane: plane,
    manifests: plane,
    logs: plane,
    metrics: { contentType: 'text/plain', expose: async () => '' },
    clock: new ManualClock(),
    log: silentLog,
    version: '1.2.3',
  })
  const raw = (await app.inject('/openapi.json')).body
  const tree = app.printRoutes({ commonPrefix: false })
  await app.close()
  return { raw, tree, document: documentSchema.parse(JSON.parse(raw)) }
}

it('describes every route with a summary, its parameters and its errors', async () => {
  const { document, tree } = await read()
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => ({ path, method, op })),
  )
  const registered = [...tree.matchAll(/\(([A-Z, ]+)\)/g)]
    .flatMap(([, methods]) => methods!.split(', '))
    .filter((method) => method !== 'HEAD')
  expect(operations).toHaveLength(registered.length)
  for (const { path, op } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect(op.parameters.filter((p) => p.in === 'path').map((p) => p.name)).toEqual(inPath)
    expect(Object.keys(op.responses)).toContain('403')
    expect(Object.keys(op.responses).some((status) => status.startsWith('2'))).toBe(true)
  }
})

it('has every schema that it refers to', async () => {
  const { document, raw } = await read()
  const used = new Set([...raw.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name!))
  expect(used.size).toBeGreaterThan(5)
  for (const name of used) expect(Object.keys(document.components.schemas)).toContain(name)
})
