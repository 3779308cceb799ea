import { describe, expect, it } from 'vitest'
import { deployedOne } from '../../../test/support/kserve-service.ts'
import { gateway } from '../../../test/support/kube-objects.ts'
import { servicesOf } from './services.ts'

const isvc = (more: string, metadata = '') => `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: ml${metadata}}
spec:
  predictor: {model: {modelFormat: {name: sklearn}}}
  ${more}
`
const servicesFrom = (manifest: string) => {
  const { service, routes } = deployedOne(manifest)
  return servicesOf(service, 'uid-1', routes, gateway)
}
const namesFrom = (manifest: string) => servicesFrom(manifest).map(({ metadata }) => metadata.name)

describe('the Services of an InferenceService', () => {
  it('are other names of the gateway', () => {
    const [first] = servicesFrom(isvc(''))
    expect(first).toMatchObject({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'iris',
        namespace: 'ml',
        labels: { 'app.kubernetes.io/managed-by': 'pilotlight', 'pilotlight.dev/inferenceservice': 'iris' },
        ownerReferences: [{ kind: 'InferenceService', name: 'iris', uid: 'uid-1', controller: true }],
      },
      spec: {
        type: 'ExternalName',
        externalName: 'pilotlight-gateway.pilotlight.svc.cluster.local',
        ports: [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }],
      },
    })
  })

  it('are one for each name that KServe gives', () => {
    expect(namesFrom(isvc(''))).toEqual(['iris', 'iris-predictor'])
    const container = '{containers: [{name: kserve-container, image: t}]}'
    expect(namesFrom(isvc(`transformer: ${container}\n  explainer: ${container}`))).toEqual([
      'iris',
      'iris-explainer',
      'iris-predictor',
      'iris-transformer',
    ])
  })

  it('are there for tags, too', () => {
    expect(namesFrom(isvc('', ', annotations: {serving.kserve.io/enable-tag-routing: "true"}'))).toEqual([
      'iris',
      'iris-predictor',
      'latest-iris-predictor',
    ])
  })

  it('are there for a cluster-local service, whose only addresses they are', () => {
    expect(namesFrom(isvc('', ', labels: {networking.kserve.io/visibility: cluster-local}'))).toEqual([
      'iris',
      'iris-predictor',
    ])
  })

  it('are not there for a stopped service, nor for names that no Service can have', () => {
    expect(namesFrom(isvc('', ', annotations: {serving.kserve.io/stop: "true"}'))).toEqual([])
    const long = 'm'.repeat(60)
    const names = namesFrom(isvc('').replace('name: iris', `name: ${long}`))
    expect(names).toContain(long)
    // The component's own name was shortened by whoever named it; the usual one would be too long.
    expect(names).not.toContain(`${long}-predictor`)
    expect(names).toHaveLength(2)
  })

  it('follow the domain of the cluster', () => {
    const { service, routes } = deployedOne(isvc(''))
    const [first] = servicesOf(service, 'u', routes, { ...gateway, clusterDomain: 'corp.internal' })
    expect(first).toMatchObject({ spec: { externalName: 'pilotlight-gateway.pilotlight.svc.corp.internal' } })
  })
})
