import { describe, expect, it } from 'vitest'
import { deployedOne } from '../../test/support/kserve-service.ts'
import { readHistory, reconcileService, noReplicas, type KeptService } from '../kserve/index.ts'
import type { KubeObject } from './api/index.ts'
import {
  acceptedIn,
  historyBehind,
  historyIn,
  inferenceRouteOf,
  isEarlier,
  readInferenceRoute,
} from './inference-route.ts'

const { service: desired } = deployedOne(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml, annotations: {"pilotlight.dev/sticky": "header:X-User"}}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`)
const kept: KeptService = {
  desired,
  result: reconcileService({
    desired,
    history: undefined,
    observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
    nowMs: 0,
    options: {
      strict: false,
      keep: 1,
      urls: { domainTemplate: '{{ .Name }}.x', pathTemplate: '', ingressDomain: 'x', urlScheme: 'http' },
    },
  }),
}
const service: KubeObject = {
  apiVersion: 'serving.kserve.io/v1beta1',
  kind: 'InferenceService',
  metadata: { name: 'iris', namespace: 'ml', uid: 'uid-1', generation: 7 },
  spec: { predictor: 'refused' },
}
/** As it comes back from an API server. */
const route: KubeObject = JSON.parse(JSON.stringify(inferenceRouteOf(service, kept)))

describe('an InferenceRoute', () => {
  it('is read as it was written', () => {
    expect(readInferenceRoute(route)).toEqual({
      routes: JSON.parse(JSON.stringify(kept.result.routes)),
      revisions: JSON.parse(JSON.stringify(kept.result.revisions)),
    })
    expect(readHistory(historyIn(route))).toEqual(JSON.parse(JSON.stringify(kept.result.history)))
  })

  it('belongs to its service, and is the same for the same content', () => {
    expect(route.metadata.ownerReferences).toMatchObject([{ kind: 'InferenceService', uid: 'uid-1' }])
    expect(inferenceRouteOf(service, kept)).toEqual(inferenceRouteOf(service, kept))
  })

  it('holds the newest spec that was accepted', () => {
    const accepted = acceptedIn(route, service)
    expect(accepted?.['spec']).toEqual(desired.spec)
    expect(accepted?.metadata).toMatchObject({
      uid: 'uid-1',
      generation: 1,
      annotations: desired.annotations,
    })
  })

  it('says nothing of another service that has its name now', () => {
    const another = { ...service, metadata: { ...service.metadata, uid: 'uid-2' } }
    expect([isEarlier(route, service), isEarlier(route, another)]).toEqual([false, true])
    expect(acceptedIn(route, another)).toBeUndefined()
  })

  it.each([[[50, 40]], [[100, 100]], [[33.5, 66.5]], [[-10, 110]]])(
    'is refused with a split of %j',
    (percents) => {
      const [first] = kept.result.routes
      const split = percents.map((percent) => ({ revision: 'ml/iris-predictor-00001', percent }))
      const broken = { ...route, spec: { ...Object(route['spec']), routes: [{ ...first, split }] } }
      expect(() => readInferenceRoute(broken)).toThrow('spec.routes.0.split')
    },
  )

  it('names every field that is wrong', () => {
    const broken = { ...route, spec: { routes: [{ hosts: 'x' }] } }
    expect(() => readInferenceRoute(broken)).toThrow(
      /^InferenceRoute ml\/iris: .*spec\.routes\.0\.name: .*spec\.routes\.0\.hosts: /,
    )
  })
})

describe('a history that begins anew', () => {
  const deployment = (revision: string, component = 'predictor'): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: revision,
      labels: { 'pilotlight.dev/revision': revision, 'pilotlight.dev/component': component },
    },
  })

  it('numbers behind every Deployment of a component', () => {
    const history = historyBehind([
      deployment('iris-predictor-00009'),
      deployment('iris-predictor-00010'),
      deployment('iris-transformer-00002', 'transformer'),
      deployment('unlabelled', ''),
    ])
    expect(readHistory(history)).toEqual(history)
    expect(history.components).toMatchObject({
      'iris-predictor': { component: 'predictor', nextGeneration: 11, revisions: [] },
      'iris-transformer': { component: 'transformer', nextGeneration: 3 },
    })
    const { revisions } = reconcileService({
      desired,
      history,
      observe: () => noReplicas,
      nowMs: 0,
      options: {
        strict: false,
        keep: 1,
        urls: { domainTemplate: '{{ .Name }}.x', pathTemplate: '', ingressDomain: 'x', urlScheme: 'http' },
      },
    })
    expect(revisions.map(({ name }) => name)).toEqual(['ml/iris-predictor-00011'])
  })
})
