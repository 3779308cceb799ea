import { describe, expect, it } from 'vitest'
import { revisionOf } from '../../test/support/revisions.ts'
import type { Replica } from '../core/replica.ts'
import type { Route } from '../core/route.ts'
import { GatewayTables } from './tables.ts'

function replicaOf(revision: Replica['revision'], more: Partial<Replica> = {}): Replica {
  return {
    name: `${revision}-a`,
    revision,
    phase: 'ready',
    sinceMs: 0,
    createdAtMs: 0,
    restarts: 0,
    address: { host: '127.0.0.1', port: 1 },
    ...more,
  }
}

function routeOf(service: Route['service'], split: Route['split']): Route {
  return { name: service, service, component: 'predictor', hosts: [], pathPrefixes: [], match: 'all', split }
}

function tables(options?: ConstructorParameters<typeof GatewayTables>[1]): GatewayTables {
  return new GatewayTables({ update: () => {} }, options)
}

describe('GatewayTables', () => {
  it('say how a revision is spoken to, and where its replicas take gRPC calls', () => {
    const both = revisionOf('ml/both-predictor-00001', {
      ports: [
        { name: 'http', containerPort: 8080 },
        { name: 'grpcs', containerPort: 8081 },
      ],
    })
    const plain = revisionOf('ml/plain-predictor-00001', { protocol: 'grpc-v2' })
    const looked = tables()
    const grpcAddress = { host: '127.0.0.1', port: 2 }
    const replicas = [replicaOf(both.name, { grpcAddress }), replicaOf(plain.name)]
    looked.publish({ routes: [], revisions: [both, plain], replicas })
    const address = { host: '127.0.0.1', port: 1 }
    const placed = (revision: Replica['revision']) => ({
      revision,
      replica: `${revision}-a` as const,
      address,
    })
    const plainWay = { address, transport: { protocol: 'http/1.1', tls: false } }
    expect(looked.wayTo(placed(both.name), false)).toEqual(plainWay)
    expect(looked.wayTo(placed(both.name), true)).toEqual({
      address: grpcAddress,
      transport: { protocol: 'h2', tls: true },
    })
    expect(looked.wayTo(placed(plain.name), true).transport).toEqual({ protocol: 'h2', tls: false })
    expect(looked.wayTo(placed('ml/none-predictor-00001'), true)).toEqual(plainWay)
    looked.publish({ routes: [], revisions: [both, plain], replicas: [] })
    expect(looked.wayTo(placed(both.name), true)).toEqual(plainWay)
  })

  it('speak HTTP/1.1 on the other port of a replica with two, whichever is declared first', () => {
    const { name, ...rest } = revisionOf('ml/both-predictor-00001', {
      ports: [
        { name: 'grpc', containerPort: 9000 },
        { name: 'http1', containerPort: 8080 },
      ],
    })
    const looked = tables()
    const placed = { revision: name, replica: `${name}-a`, address: { host: '127.0.0.1', port: 1 } } as const
    const one = replicaOf(name)
    const two = replicaOf(name, { grpcAddress: { host: '127.0.0.1', port: 2 } })
    looked.publish({ routes: [], revisions: [{ name, ...rest }], replicas: [one] })
    expect(looked.wayTo(placed, false).transport).toEqual({ protocol: 'h2', tls: false })
    looked.publish({ routes: [], revisions: [{ name, ...rest }], replicas: [two] })
    expect(looked.wayTo(placed, false).transport).toEqual({ protocol: 'http/1.1', tls: false })
    expect(looked.wayTo(placed, true)).toMatchObject({ address: { port: 2 }, transport: { protocol: 'h2' } })
  })

  it('know a service by its model id, also while it cannot answer', () => {
    const looked = tables()
    const metadata = (name: string): string | undefined => (name === 'mm-model-id' ? 'iris' : undefined)
    looked.publish({ routes: [routeOf('ml/iris', [])], revisions: [], replicas: [] })
    expect(looked.unready('gateway', '/x', metadata)).toBe('ml/iris has not been ready yet')
    expect(looked.unready('gateway', '/x')).toBeUndefined()
    const split = [{ revision: 'ml/iris-predictor-00001', percent: 100 }] as const
    looked.publish({ routes: [routeOf('ml/iris', split)], revisions: [], replicas: [] })
    expect(looked.unready('gateway', '/x', metadata)).toBeUndefined()
    expect(looked.table.match({ host: 'gateway', path: '/x', header: metadata })?.revision).toBe(
      'ml/iris-predictor-00001',
    )
  })

  it('hand cursors to their splits', () => {
    const places = [99, 0]
    const looked = tables({ cursorOf: () => ({ next: () => places.shift() ?? 0 }) })
    const split = [
      { revision: 'ml/iris-predictor-00002', percent: 1 },
      { revision: 'ml/iris-predictor-00001', percent: 99 },
    ] as const
    looked.publish({
      routes: [{ ...routeOf('ml/iris', split), hosts: ['iris'] }],
      revisions: [],
      replicas: [],
    })
    for (let nth = 0; nth < 2; nth++) looked.table.match({ host: 'iris', path: '/', header: () => undefined })
    expect(places).toEqual([])
  })
})
