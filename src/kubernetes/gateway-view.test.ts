import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deployedOne } from '../../test/support/kserve-service.ts'
import { KubernetesCaches } from '../../test/support/kubernetes-caches.ts'
import type { Log } from '../core/telemetry.ts'
import { noReplicas, reconcileService } from '../kserve/index.ts'
import { KINDS, type KubeObject } from './api/index.ts'
import { GatewayView } from './gateway-view.ts'
import { inferenceRouteOf } from './inference-route.ts'

const urls = {
  domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '',
  ingressDomain: 'example.com',
  urlScheme: 'http',
} as const

/** The InferenceRoute of a service with one ready revision. */
function routeOf(name: string): KubeObject {
  const { service } = deployedOne(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: ${name}, namespace: ml}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`)
  const result = reconcileService({
    desired: service,
    history: undefined,
    observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
    nowMs: 0,
    options: { strict: false, keep: 1, urls },
  })
  const object = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: 'ml', uid: `uid-${name}` },
  }
  return inferenceRouteOf(object, { desired: service, result })
}

describe('GatewayView', () => {
  let caches: KubernetesCaches
  let view: GatewayView
  let errors: string[]

  beforeEach(async () => {
    caches = await KubernetesCaches.open()
    errors = []
    const nothing = (): void => {}
    const log: Log = {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (fields) => void errors.push(String(Reflect.get(Object(fields), 'err'))),
    }
    view = new GatewayView(caches.of(KINDS.inferenceRoutes), log)
  })
  afterEach(async () => {
    view[Symbol.dispose]()
    await caches[Symbol.asyncDispose]()
  })

  async function put(route: KubeObject): Promise<void> {
    caches.server.store.put(KINDS.inferenceRoutes, route)
    await caches.seen()
  }

  const hosts = (): readonly string[] => view.tables({ replicas: [] }).routes.flatMap((route) => route.hosts)

  it('makes tables of InferenceRoutes, with the replicas that it is given', async () => {
    await put(routeOf('a'))
    await put(routeOf('b'))
    expect(hosts()).toEqual(expect.arrayContaining(['a.ml.example.com', 'b.ml.example.com']))
    const { revisions, replicas } = view.tables({ replicas: [] })
    expect(revisions.map(({ name }) => name)).toEqual(['ml/a-predictor-00001', 'ml/b-predictor-00001'])
    expect(replicas).toEqual([])
    expect(view.revisionOf('ml/a-predictor-00001')?.service).toBe('ml/a')
  })

  it('counts changes, for those who follow', async () => {
    const over = new AbortController()
    const seen = (async () => {
      for await (const _change of view.changes(over.signal)) {
        if (view.revisionOf('ml/a-predictor-00001') !== undefined) return
      }
    })()
    await put(routeOf('a'))
    await seen
    expect(hosts()).toContain('a.ml.example.com')
    over.abort()
  })

  it('lets go of a service that is deleted', async () => {
    await put(routeOf('a'))
    caches.server.store.remove(KINDS.inferenceRoutes, 'ml/a')
    await caches.seen()
    expect(view.tables({ replicas: [] })).toEqual({ routes: [], revisions: [], replicas: [] })
    expect(view.revisionOf('ml/a-predictor-00001')).toBeUndefined()
  })

  it.each([
    ['of a later version', { routes: [], history: { version: 2 } }],
    ['with a route that says nothing', { ...Object(routeOf('a')['spec']), routes: [{}] }],
    ['without a spec', undefined],
  ])('goes on with what it read before when there is one %s', async (_what, spec) => {
    await put(routeOf('a'))
    await put(routeOf('b'))
    const before = view.tables({ replicas: [] })
    await put({ ...routeOf('a'), spec })
    expect(view.tables({ replicas: [] })).toEqual(before)
    expect(errors).toEqual([expect.stringContaining('InferenceRoute ml/a')])
  })

  it('does not read what is only for controllers', async () => {
    const route = routeOf('a')
    await put({ ...route, spec: { ...Object(route['spec']), accepted: 'in another shape' } })
    expect(hosts()).toContain('a.ml.example.com')
  })
})
