import { describe, expect, it } from 'vitest'
import { deployedOne } from '../../../test/support/kserve-service.ts'
import { at, gateway } from '../../../test/support/kube-objects.ts'
import type { Route } from '../../core/route.ts'
import { httpRoutesOf, referenceGrantsOf } from './http-routes.ts'
import { ingressOf } from './ingress.ts'
import { fieldsIn } from './json.ts'

const urls = {
  domainTemplate: '{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}',
  pathTemplate: '/serving/{{ .Namespace }}/{{ .Name }}',
  ingressDomain: 'models.example',
  urlScheme: 'http',
} as const
const isvc = (metadata = '') => `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml, annotations: {cert-manager.io/issuer: ca, autoscaling.knative.dev/target: "1"}${metadata}}
spec: {predictor: {model: {modelFormat: {name: sklearn}}}}
`
const inputFrom = (manifest: string, pathTemplate: string = urls.pathTemplate) => {
  const { service, routes } = deployedOne(manifest, { ...urls, pathTemplate })
  return { service, routes, ownerUid: 'uid-1', gateway, ingressDomain: 'models.example' }
}
const settings = { parentRefs: [{ namespace: 'kserve', name: 'ingress' }], timeouts: true }
const local = ', labels: {networking.kserve.io/visibility: cluster-local}'

describe('HTTPRoutes', () => {
  it('lead the public hosts to the gateway, which knows how long a request may take', () => {
    const [byHost] = httpRoutesOf(inputFrom(isvc()), settings)
    expect(byHost).toMatchObject({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: {
        name: 'iris',
        namespace: 'ml',
        annotations: { 'cert-manager.io/issuer': 'ca' },
        labels: { 'pilotlight.dev/inferenceservice': 'iris' },
        ownerReferences: [{ uid: 'uid-1', controller: true }],
      },
      spec: {
        parentRefs: [
          { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'kserve', name: 'ingress' },
        ],
        hostnames: ['iris-ml.models.example', 'iris-predictor-ml.models.example'],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            backendRefs: [
              {
                group: '',
                kind: 'Service',
                namespace: 'pilotlight',
                name: 'pilotlight-gateway',
                port: 80,
                weight: 1,
              },
            ],
            timeouts: { request: '0s' },
          },
        ],
      },
    })
    expect(byHost?.metadata.annotations).not.toHaveProperty(['autoscaling.knative.dev/target'])
  })

  it('lead the path form on its own host', () => {
    const [, byPath, ...others] = httpRoutesOf(inputFrom(isvc()), { ...settings, timeouts: false })
    expect(others).toEqual([])
    expect(byPath?.metadata.name).toBe('iris.path')
    expect(byPath).toMatchObject({
      spec: {
        hostnames: ['models.example'],
        rules: [
          {
            matches: [
              { path: { type: 'PathPrefix', value: '/serving/ml/iris' } },
              { path: { type: 'PathPrefix', value: '/serving/ml/iris-predictor' } },
            ],
          },
        ],
      },
    })
    expect(JSON.stringify(byPath)).not.toContain('timeouts')
    expect(httpRoutesOf(inputFrom(isvc(), ''), settings)).toHaveLength(1)
  })

  it('are not there for a cluster-local service, nor for a stopped one', () => {
    expect(httpRoutesOf(inputFrom(isvc(local)), settings)).toEqual([])
    const stopped = isvc().replace('annotations: {', 'annotations: {serving.kserve.io/stop: "true", ')
    expect(httpRoutesOf(inputFrom(stopped), settings)).toEqual([])
  })

  it('are several where one cannot hold all hosts and paths', () => {
    const input = inputFrom(isvc())
    const many: Route = {
      name: 'ml/iris',
      service: 'ml/iris',
      component: 'predictor',
      match: 'all',
      split: [],
      hosts: Array.from({ length: 20 }, (_, index) => `h${index}.example`),
      pathPrefixes: Array.from({ length: 130 }, (_, index) => `/p${index}`),
    }
    const routes = httpRoutesOf({ ...input, routes: [many] }, settings)
    expect(routes.map(({ metadata }) => metadata.name)).toEqual([
      'iris',
      'iris.2',
      'iris.path',
      'iris.path.2',
    ])
    const hostnames = routes.slice(0, 2).flatMap((one) => at(one, 'spec', 'hostnames'))
    expect(new Set(hostnames)).toHaveLength(20)
    const rules = fieldsIn(at(routes[2], 'spec', 'rules'))
    expect(rules.map((rule) => fieldsIn(rule['matches']).length)).toEqual(Array(16).fill(8))
    expect(JSON.stringify(routes.slice(2)).match(/"\/p\d+"/g)).toHaveLength(130)
  })
})

describe('the ReferenceGrant', () => {
  it('lets the HTTPRoutes of other namespaces lead to the gateway', () => {
    const [grant, ...others] = referenceGrantsOf(['b', 'a', 'pilotlight', 'a'], gateway, { x: 'y' })
    expect(others).toEqual([])
    expect(grant).toMatchObject({
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'pilotlight-gateway', namespace: 'pilotlight', labels: { x: 'y' } },
      spec: {
        from: [
          { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'a' },
          { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'b' },
        ],
        to: [{ group: '', kind: 'Service', name: 'pilotlight-gateway' }],
      },
    })
  })

  it('holds 16 namespaces, and none is not needed', () => {
    const namespaces = Array.from({ length: 33 }, (_, index) => `ns-${index}`)
    const names = referenceGrantsOf(namespaces, gateway, {}).map(({ metadata }) => metadata.name)
    expect(names).toEqual(['pilotlight-gateway', 'pilotlight-gateway.2', 'pilotlight-gateway.3'])
    expect(referenceGrantsOf(['pilotlight'], gateway, {})).toEqual([])
  })
})

describe('the Ingress', () => {
  const backend = (name: string) => ({ service: { name, port: { number: 80 } } })

  it('leads every public host and path to the Service beside it', () => {
    const ingress = ingressOf(inputFrom(isvc()), { ingressClassName: 'nginx', placement: 'service' })
    expect(ingress).toMatchObject({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: 'iris',
        namespace: 'ml',
        annotations: { 'cert-manager.io/issuer': 'ca' },
        ownerReferences: [{ name: 'iris' }],
      },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          {
            host: 'iris-ml.models.example',
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('iris') }] },
          },
          { host: 'iris-predictor-ml.models.example' },
          {
            host: 'models.example',
            http: {
              paths: [
                { path: '/serving/ml/iris', pathType: 'Prefix', backend: backend('iris') },
                { path: '/serving/ml/iris-predictor', pathType: 'Prefix', backend: backend('iris') },
              ],
            },
          },
        ],
      },
    })
  })

  it('can stand with the gateway, where its owner cannot be said', () => {
    const ingress = ingressOf(inputFrom(isvc(), ''), { placement: 'gateway' })
    expect(ingress?.metadata).toMatchObject({ name: 'ml.iris', namespace: 'pilotlight' })
    expect(ingress?.metadata).not.toHaveProperty('ownerReferences')
    expect(at(ingress, 'spec')).not.toHaveProperty('ingressClassName')
    expect(JSON.stringify(ingress)).toContain(JSON.stringify(backend('pilotlight-gateway')))
  })

  it('is not there for a cluster-local service', () => {
    expect(ingressOf(inputFrom(isvc(local)), { placement: 'service' })).toBeUndefined()
  })
})
