import { describe, expect, it } from 'vitest'
import { Directory, type ServiceObject, type SliceObject } from './directory.ts'

function service(name: string, spec: ServiceObject['spec']): ServiceObject {
  return { metadata: { name, namespace: 'ml', uid: `service-${name}`, resourceVersion: '1' }, spec }
}

function slice(of: string, rest: Pick<SliceObject, 'ports' | 'endpoints'>): SliceObject {
  const labels = { 'kubernetes.io/service-name': of }
  return {
    metadata: { name: of, namespace: 'ml', uid: `slice-${of}`, resourceVersion: '1', labels },
    ...rest,
  }
}

describe('the directory of Services', () => {
  const directory = new Directory()
  const ports = [{ name: 'http', port: 80 }]
  directory.seenService(
    service('web', { clusterIP: '10.96.1.1', ports: [...ports, { port: 53, protocol: 'UDP' }] }),
  )
  directory.seenService(service('db', { clusterIP: 'None', ports }))
  const endpoints = [
    { addresses: ['10.244.1.2'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.1.3'], hostname: 'db-1', conditions: { ready: false } },
  ]
  directory.seenSlice(slice('web', { ports: [{ name: 'http', port: 8080 }], endpoints }))
  directory.seenSlice(slice('db', { ports: [{ name: 'http', port: 8080 }], endpoints }))

  it('says where Services listen, and who is ready to answer at which port', () => {
    const frontends = directory.frontends()
    expect(frontends).toEqual([{ address: '10.96.1.1', port: 80, portName: 'http', service: 'ml/web' }])
    expect(directory.backends(frontends[0]!)).toEqual([{ address: '10.244.1.2', port: 8080 }])
    expect(directory.backends({ service: 'ml/web', portName: 'grpc' })).toEqual([])
  })

  it.each([
    [['web', 'ml'], ['10.96.1.1']],
    [['db', 'ml'], ['10.244.1.2']],
    [['db-0', 'db', 'ml'], ['10.244.1.2']],
    [['db-1', 'db', 'ml'], undefined],
    [['web', 'other'], undefined],
    [['a', 'b', 'web', 'ml'], undefined],
  ])('resolves %j to %j', (labels, addresses) => {
    expect(directory.resolve(labels)).toEqual(addresses)
  })

  it('forgets what is gone', () => {
    directory.gone('service-web')
    expect(directory.frontends()).toEqual([])
    expect(directory.resolve(['web', 'ml'])).toBeUndefined()
  })
})
