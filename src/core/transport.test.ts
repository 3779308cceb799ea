import { describe, expect, it } from 'vitest'
import { replicaTemplate } from '../../test/support/revisions.ts'
import type { ContainerPort, ReplicaTemplate } from './revision.ts'
import { grpcTransportOf, hasGrpcPort, mainPort, requestPorts, transportOf } from './transport.ts'

function spoken(
  ports: readonly Partial<ContainerPort>[],
  protocol?: ReplicaTemplate['protocol'],
  more: Partial<ReplicaTemplate> = {},
): string {
  const transport = transportOf(
    replicaTemplate({
      ports: ports.map((port) => ({ containerPort: 8080, ...port })),
      ...(protocol === undefined ? {} : { protocol }),
      ...more,
    }),
  )
  return `${transport.protocol}${transport.tls ? ' over TLS' : ''}`
}

describe('transportOf', () => {
  it.each<{ port: Partial<ContainerPort>; expected: string }>([
    { port: {}, expected: 'http/1.1' },
    { port: { name: 'http1', protocol: 'TCP' }, expected: 'http/1.1' },
    { port: { name: 'user-port', appProtocol: 'http' }, expected: 'http/1.1' },
    { port: { name: 'h2c' }, expected: 'h2' },
    { port: { name: 'h2c-predict' }, expected: 'h2' },
    { port: { name: 'http2' }, expected: 'h2' },
    { port: { name: 'grpc' }, expected: 'h2' },
    { port: { name: 'grpc-predict' }, expected: 'h2' },
    { port: { appProtocol: 'kubernetes.io/h2c' }, expected: 'h2' },
    { port: { name: 'http', appProtocol: 'grpc' }, expected: 'h2' },
    { port: { name: 'https' }, expected: 'http/1.1 over TLS' },
    { port: { name: 'https-predict' }, expected: 'http/1.1 over TLS' },
    { port: { appProtocol: 'https' }, expected: 'http/1.1 over TLS' },
    { port: { name: 'grpcs' }, expected: 'h2 over TLS' },
    { port: { name: 'grpc', appProtocol: 'https' }, expected: 'h2 over TLS' },
    { port: { name: 'https', appProtocol: 'grpc' }, expected: 'h2 over TLS' },
    { port: { name: 'https', appProtocol: 'kubernetes.io/h2c' }, expected: 'h2' },
    { port: { name: 'grpcish' }, expected: 'http/1.1' },
    { port: { name: 'my-grpc' }, expected: 'http/1.1' },
    { port: { name: 'httpsx' }, expected: 'http/1.1' },
    { port: { appProtocol: 'kubernetes.io/ws' }, expected: 'http/1.1' },
  ])('takes $port for $expected', ({ port, expected }) => {
    expect(spoken([port])).toBe(expected)
  })

  it('follows the first port', () => {
    expect(spoken([{ name: 'http' }, { name: 'grpc' }])).toBe('http/1.1')
    expect(spoken([{ name: 'grpc' }, { name: 'https' }])).toBe('h2')
    expect(spoken([])).toBe('http/1.1')
  })

  it.each(['grpc-v1', 'grpc-v2'] as const)('follows the first port that speaks HTTP/2 for %s', (protocol) => {
    expect(spoken([], protocol)).toBe('h2')
    expect(spoken([{ name: 'https' }, { name: 'grpc' }], protocol)).toBe('h2')
    expect(spoken([{ name: 'http' }, { name: 'grpcs' }], protocol)).toBe('h2 over TLS')
    expect(spoken([{ name: 'https' }], protocol)).toBe('h2 over TLS')
  })

  it.each(['v1', 'v2'] as const)('leaves %s as the port says', (protocol) => {
    expect(spoken([{ name: 'h2c' }], protocol)).toBe('h2')
    expect(spoken([], protocol)).toBe('http/1.1')
  })
})

describe('a port of its own for gRPC calls', () => {
  const args = ['--grpc_port={{ .GrpcPort }}']

  it.each<{ where: string; parts: Partial<ReplicaTemplate>; expected: boolean }>([
    { where: 'args', parts: { args }, expected: true },
    { where: 'command', parts: { command: ['serve', '{{.GrpcPort}}'] }, expected: true },
    { where: 'env', parts: { env: [{ name: 'GRPC_PORT', value: '{{.GrpcPort}}' }] }, expected: true },
    { where: 'nowhere', parts: { args: ['{{.Port}}', 'GrpcPort'] }, expected: false },
  ])('is asked for in $where: $expected', ({ parts, expected }) => {
    expect(hasGrpcPort(replicaTemplate(parts))).toBe(expected)
  })

  it('leaves HTTP/1.1 to the other one, also for a gRPC model', () => {
    expect(spoken([], 'grpc-v2', { args })).toBe('http/1.1')
    expect(spoken([{ name: 'grpc' }, { name: 'https' }], 'grpc-v2', { args })).toBe('http/1.1 over TLS')
    expect(spoken([{ name: 'grpcs' }], undefined, { args })).toBe('http/1.1')
  })
})

describe('the ports that a container declares for requests', () => {
  const numbers = (ports: readonly Partial<ContainerPort>[]) => {
    const template = { ports: ports.map((port, index) => ({ containerPort: 8080 + index, ...port })) }
    const { http, grpc } = requestPorts(template)
    return [http?.containerPort, grpc?.containerPort, mainPort(template)?.containerPort]
  }

  it.each<{ ports: readonly Partial<ContainerPort>[]; expected: readonly (number | undefined)[] }>([
    { ports: [], expected: [undefined, undefined, undefined] },
    { ports: [{}], expected: [8080, undefined, 8080] },
    { ports: [{ name: 'h2c' }], expected: [undefined, 8080, 8080] },
    { ports: [{ name: 'grpc' }, { name: 'http1' }], expected: [8081, 8080, 8080] },
    { ports: [{ name: 'metrics' }, { name: 'h2c' }], expected: [undefined, 8081, 8081] },
    { ports: [{ name: 'dns', protocol: 'UDP' }, { name: 'web' }], expected: [8081, undefined, 8081] },
    { ports: [{ name: 'http-metrics' }], expected: [8080, undefined, 8080] },
  ])('of $ports are $expected', ({ ports, expected }) => {
    expect(numbers(ports)).toEqual(expected)
  })

  it('are both spoken to as they say, for a replica with an address for gRPC calls', () => {
    const template = replicaTemplate({
      ports: [
        { name: 'grpcs', containerPort: 9000 },
        { name: 'http1', containerPort: 8080 },
      ],
    })
    expect(transportOf(template, true)).toEqual({ protocol: 'http/1.1', tls: false })
    expect(transportOf(template)).toEqual({ protocol: 'h2', tls: true })
    expect(grpcTransportOf(template)).toEqual({ protocol: 'h2', tls: true })
  })
})

describe('grpcTransportOf', () => {
  it.each<{ ports: readonly Partial<ContainerPort>[]; tls: boolean }>([
    { ports: [], tls: false },
    { ports: [{ name: 'http' }, { name: 'grpc' }], tls: false },
    { ports: [{ name: 'https' }, { name: 'grpc' }], tls: false },
    { ports: [{ name: 'http' }, { name: 'grpcs' }], tls: true },
  ])('takes the first port that speaks HTTP/2 of $ports: TLS $tls', ({ ports, tls }) => {
    const declared = ports.map((port, index) => ({ containerPort: 8080 + index, ...port }))
    expect(grpcTransportOf({ ports: declared })).toEqual({ protocol: 'h2', tls })
  })
})
