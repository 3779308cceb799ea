import { expect, it } from 'vitest'
import { deployedOne } from '../../test/support/kserve-service.ts'
import { gateway } from '../../test/support/kube-objects.ts'
import { readConfig } from '../core/config.ts'
import { noReplicas, reconcileService } from '../kserve/index.ts'
import type { KubeObject } from './api/index.ts'
import { servedObjectsOf } from './served-objects.ts'

const urls = {
  domainTemplate: '{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '',
  ingressDomain: 'example.com',
  urlScheme: 'http',
} as const

function served(kubernetes: Record<string, unknown> = {}): readonly KubeObject[] {
  const { service: desired } = deployedOne(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml}
spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "gs://bucket/iris"}}}
`)
  const result = reconcileService({
    desired,
    history: undefined,
    observe: () => ({ ...noReplicas, readyReplicas: 1, totalReplicas: 1, phase: 'ready' }),
    nowMs: 0,
    options: { strict: false, keep: 1, urls },
  })
  const object = {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'iris', namespace: 'ml', uid: 'uid-1' },
  }
  const settings = { gateway, kubernetes: readConfig({ kubernetes }).kubernetes, urls }
  return servedObjectsOf(object, { desired, result }, settings)
}

const kinds = (objects: readonly KubeObject[]): readonly string[] => [
  ...new Set(objects.map(({ kind }) => kind)),
]

it('are Services for callers inside, and nothing else where nothing else is wanted', () => {
  const objects = served()
  expect(kinds(objects)).toEqual(['Service'])
  expect(objects.map(({ metadata }) => metadata.name)).toEqual(['iris', 'iris-predictor'])
  for (const { metadata } of objects) expect(metadata.ownerReferences).toMatchObject([{ uid: 'uid-1' }])
})

it('are HTTPRoutes of the Gateways that the configuration names, in our own namespace where it names none', () => {
  const parentRefs = [{ name: 'public' }, { name: 'other', namespace: 'infra', sectionName: 'https' }]
  const objects = served({ gatewayApi: { parentRefs } })
  expect(kinds(objects)).toEqual(['Service', 'HTTPRoute'])
  const route = objects.find(({ kind }) => kind === 'HTTPRoute')
  expect(route?.['spec']).toMatchObject({
    parentRefs: [
      { name: 'public', namespace: gateway.namespace },
      { name: 'other', namespace: 'infra', sectionName: 'https' },
    ],
    hostnames: expect.arrayContaining(['iris.ml.example.com']),
  })
})

it('are an Ingress of the class that the configuration names', () => {
  const objects = served({ ingressClassName: 'nginx' })
  expect(kinds(objects)).toEqual(['Service', 'Ingress'])
  expect(objects.at(-1)?.['spec']).toMatchObject({ ingressClassName: 'nginx' })
})
