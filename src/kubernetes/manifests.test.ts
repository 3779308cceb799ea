import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KubernetesCaches } from '../../test/support/kubernetes-caches.ts'
import type { Desired } from '../core/desired.ts'
import { noReplicas, reconcileService } from '../kserve/index.ts'
import { KINDS, type KubeObject } from './api/index.ts'
import { inferenceRouteOf } from './inference-route.ts'
import { KubernetesManifests } from './manifests.ts'

const urls = {
  domainTemplate: '{{ .Name }}.x',
  pathTemplate: '',
  ingressDomain: 'x',
  urlScheme: 'http',
} as const

const runtime = (name: string, image: string): KubeObject => ({
  apiVersion: 'serving.kserve.io/v1alpha1',
  kind: 'ClusterServingRuntime',
  metadata: { name },
  spec: {
    supportedModelFormats: [{ name, version: '1', autoSelect: true }],
    containers: [{ name: 'kserve-container', image }],
  },
})

function service(name: string, parts: { format?: string; model?: string; uid?: string } = {}): KubeObject {
  const { format = 'sklearn', model = 'one', uid } = parts
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: 'ml', ...(uid === undefined ? {} : { uid }) },
    spec: { predictor: { model: { modelFormat: { name: format }, storageUri: `gs://bucket/${model}` } } },
  }
}

/** minReplicas above maxReplicas. */
function refused(name: string, uid?: string): KubeObject {
  const object = service(name, uid === undefined ? {} : { uid })
  return {
    ...object,
    spec: { predictor: { ...Object(object['spec']).predictor, minReplicas: 5, maxReplicas: 1 } },
  }
}

describe('KubernetesManifests', () => {
  let caches: KubernetesCaches
  let over: AbortController
  let values: Desired[]
  let remarks: string[]
  let disposables: DisposableStack

  beforeEach(async () => {
    caches = await KubernetesCaches.open()
    over = new AbortController()
    values = []
    remarks = []
    disposables = new DisposableStack()
    put(runtime('sklearn', 'sklearn:1'))
  })
  afterEach(async () => {
    over.abort()
    disposables.dispose()
    await caches[Symbol.asyncDispose]()
  })

  function put(object: KubeObject): KubeObject {
    const kind = Object.values(KINDS).find((one) => one.kind === object.kind)!
    return caches.server.store.put(kind, object)
  }

  async function open(isOurs?: (object: KubeObject) => boolean): Promise<KubernetesManifests> {
    const manifests = new KubernetesManifests(
      {
        services: caches.of(KINDS.inferenceServices),
        runtimes: [caches.of(KINDS.servingRuntimes), caches.of(KINDS.clusterServingRuntimes)],
        routes: caches.of(KINDS.inferenceRoutes),
      },
      { predictorHost: (namespace, component) => `${component}.${namespace}` },
      { isOurs, onRemarks: (_service, some) => void remarks.push(...some) },
    )
    disposables.use(manifests)
    void (async () => {
      for await (const desired of manifests.desired(over.signal)) values.push(desired)
    })()
    await seen()
    return manifests
  }

  /** What was written is seen, and read. */
  async function seen(): Promise<void> {
    await caches.seen()
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }

  const find = (name: string): Desired['services'][number] | undefined =>
    values.at(-1)?.services.find((one) => one.name === name)
  const modelOf = (name: string): string | undefined =>
    find(name)?.components.predictor.template.replica.storage[0]?.uri
  const problems = (): readonly string[] => (values.at(-1)?.problems ?? []).map(({ message }) => message)

  it('gives everything in its first value', async () => {
    put(service('a'))
    put(service('b'))
    await open()
    expect(values).toHaveLength(1)
    expect(values[0]?.services.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it('keeps the value of a service when another one changes', async () => {
    put(service('a'))
    put(service('b'))
    await open()
    const [a, b] = [find('a'), find('b')]
    put(service('b', { model: 'two' }))
    await seen()
    expect(find('a')).toBe(a)
    expect(find('b')).not.toBe(b)
    expect(modelOf('b')).toBe('gs://bucket/two')
  })

  it('does not read a service again for its status', async () => {
    put(service('a'))
    await open()
    put({ ...service('a'), status: { url: 'http://a' } })
    await seen()
    expect(values).toHaveLength(1)
  })

  it('goes on with what was accepted when a change is refused, and says why', async () => {
    put(service('a'))
    await open()
    const accepted = find('a')
    put(refused('a'))
    await seen()
    expect(find('a')).toBe(accepted)
    expect(problems().join()).toContain('MinReplicas')
    put(service('a', { model: 'two' }))
    await seen()
    expect(problems()).toEqual([])
    expect(modelOf('a')).toBe('gs://bucket/two')
  })

  /** The InferenceRoute of service `a` with this uid, which serves `old`. */
  async function routed(uid: string): Promise<void> {
    const object = put(service('a', { model: 'old', uid }))
    await open()
    const desired = find('a')!
    const result = reconcileService({
      desired,
      history: undefined,
      observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
      nowMs: 0,
      options: { strict: false, keep: 1, urls },
    })
    put(inferenceRouteOf(object, { desired, result }))
    over.abort()
    over = new AbortController()
    values = []
  }

  it('goes on after a restart with what was accepted before a refused change', async () => {
    await routed('uid-1')
    put(refused('a', 'uid-1'))
    await open()
    expect(modelOf('a')).toBe('gs://bucket/old')
    expect(problems().join()).toContain('MinReplicas')
  })

  it('does not serve what another service of the same name was, which was there before', async () => {
    await routed('uid-1')
    caches.server.store.remove(KINDS.inferenceServices, 'ml/a', false)
    put(refused('a', 'uid-2'))
    await open()
    expect(find('a')).toBeUndefined()
    expect(problems().join()).toContain('MinReplicas')
  })

  it('reads services again when a runtime comes or changes', async () => {
    put(service('a', { format: 'onnx' }))
    await open()
    expect(find('a')?.failure?.reason).toBe('NoSupportingRuntime')
    put(runtime('onnx', 'onnx:1'))
    await seen()
    expect(find('a')?.failure).toBeUndefined()
    put(runtime('onnx', 'onnx:2'))
    await seen()
    expect(find('a')?.components.predictor.template.replica.image).toBe('onnx:2')
  })

  it('lets go of a service that is deleted, or on its way', async () => {
    put({ ...service('a'), metadata: { ...service('a').metadata, finalizers: ['example.com/wait'] } })
    put(service('b'))
    await open()
    await caches.client.delete(KINDS.inferenceServices, 'ml', 'a')
    await seen()
    expect(find('a')).toBeUndefined()
    await caches.client.delete(KINDS.inferenceServices, 'ml', 'b')
    await seen()
    expect(values.at(-1)).toEqual({ services: [], problems: [] })
  })

  it('reads only those that are ours', async () => {
    put(service('a'))
    await open(({ metadata }) => metadata.annotations?.['pilotlight.dev/adopt'] === 'true')
    expect(values.at(-1)?.services).toEqual([])
    const adopt = { 'pilotlight.dev/adopt': 'true' }
    put({ ...service('a'), metadata: { ...service('a').metadata, annotations: adopt } })
    await seen()
    expect(find('a')).toBeDefined()
  })

  it('tells what was remarked on a service', async () => {
    const annotations = { 'serving.kserve.io/deployMode': 'Standard' }
    put({ ...service('a'), metadata: { ...service('a').metadata, annotations } })
    await open()
    expect(remarks).toEqual([
      'metadata.annotations[serving.kserve.io/deployMode]: unknown key; did you mean serving.kserve.io/deploymentMode?',
    ])
  })
})
