import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KubernetesCaches } from '../../test/support/kubernetes-caches.ts'
import type { InferenceServiceName } from '../core/names.ts'
import { KINDS, type KubeObject } from './api/index.ts'
import { OwnedObjects } from './owned-objects.ts'

const NAME = 'ml/iris'

function object(kind: string, name: string, service?: string): KubeObject {
  const labels = service === undefined ? {} : { 'pilotlight.dev/inferenceservice': service }
  const apiVersion = kind === 'Service' ? 'v1' : 'apps/v1'
  return { apiVersion, kind, metadata: { name, namespace: 'ml', labels }, spec: {} }
}

describe('OwnedObjects', () => {
  let caches: KubernetesCaches
  let owned: OwnedObjects
  let told: InferenceServiceName[]

  beforeEach(async () => {
    caches = await KubernetesCaches.open()
    caches.server.store.put(KINDS.services, object('Service', 'iris', 'iris'))
    const read = [caches.of(KINDS.services), caches.of(KINDS.deployments)]
    await caches.seen()
    told = []
    owned = new OwnedObjects(read, (service) => told.push(service))
  })
  afterEach(async () => {
    owned[Symbol.dispose]()
    await caches[Symbol.asyncDispose]()
  })

  const names = (): readonly string[] =>
    owned.of(NAME).map(({ kind, metadata }) => `${kind} ${metadata.name}`)

  it('knows what was there before, and what comes', async () => {
    caches.server.store.put(KINDS.deployments, object('Deployment', 'iris', 'iris'))
    caches.server.store.put(KINDS.services, object('Service', 'other', 'other'))
    caches.server.store.put(KINDS.services, object('Service', 'nobody'))
    await caches.seen()
    expect(names()).toEqual(['Service iris', 'Deployment iris'])
    expect(told.toSorted()).toEqual([NAME, 'ml/other'])
    expect(owned.find(NAME, object('Deployment', 'iris'))?.kind).toBe('Deployment')
    expect(owned.find(NAME, object('Deployment', 'nobody'))).toBeUndefined()
  })

  it('forgets what is deleted, and tells of it', async () => {
    caches.server.store.remove(KINDS.services, NAME)
    await caches.seen()
    expect(names()).toEqual([])
    expect(told).toEqual([NAME])
  })

  it('forgets what no longer says whose it is, and tells of it', async () => {
    caches.server.store.put(KINDS.services, object('Service', 'iris'))
    await caches.seen()
    expect(names()).toEqual([])
    expect(told).toEqual([NAME])
  })

  it('knows what was written before the caches do', async () => {
    const { metadata } = caches.server.store.get(KINDS.services, NAME)!
    const newer = { ...object('Service', 'iris', 'iris'), spec: { type: 'ExternalName' } }
    owned.wrote({
      ...newer,
      metadata: { ...newer.metadata, resourceVersion: `${metadata.resourceVersion}0` },
    })
    caches.server.store.put(KINDS.services, {
      ...object('Service', 'iris', 'iris'),
      spec: { type: 'ClusterIP' },
    })
    await caches.seen()
    expect(owned.find(NAME, newer)?.['spec']).toEqual({ type: 'ExternalName' })
    expect(told).toEqual([])
  })
})
