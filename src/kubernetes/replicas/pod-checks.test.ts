import { describe, expect, it } from 'vitest'
import { revisionOf } from '../../../test/support/revisions.ts'
import type { Probe, ReplicaTemplate } from '../../core/revision.ts'
import { container, pod } from './fake-pods.ts'
import { podChecksOf } from './pod-checks.ts'
import type { PodContainer, PodProbe } from './pod.ts'

const host = '10.0.0.7'

/** The questions to a pod whose serving container has that probe; `template` is what its manifest says. */
function checks(
  own: Partial<PodContainer>,
  template: Partial<ReplicaTemplate>,
  podIP: string | undefined = host,
): readonly unknown[] | undefined {
  const one = pod({ spec: { containers: [container(own)] }, status: podIP === undefined ? {} : { podIP } })
  return podChecksOf(one, revisionOf('ml/iris-00001', template))?.checks
}

describe('a probe of the manifest', () => {
  const ports = [{ containerPort: 8080 }, { name: 'admin', containerPort: 9090 }]
  const given = (readinessProbe: PodProbe & Probe) =>
    checks({ readinessProbe, ports }, { readinessProbe, ports, modelName: 'm', protocol: 'v1' })
  const http = { kind: 'http', scheme: 'HTTP', host, headers: [], readyInBody: false }

  it.each<[PodProbe & Probe, object]>([
    [{ httpGet: { path: '/up', port: 9000 } }, { ...http, port: 9000, path: '/up' }],
    [{ httpGet: { path: 'up', port: '8081' } }, { ...http, port: 8081, path: '/up' }],
    [
      {
        httpGet: { path: '/up', port: 'admin', scheme: 'HTTPS', httpHeaders: [{ name: 'x', value: 'y' }] },
      },
      { ...http, scheme: 'HTTPS', port: 9090, path: '/up', headers: [{ name: 'x', value: 'y' }] },
    ],
    [{ tcpSocket: { port: 'admin' } }, { kind: 'tcp', host, port: 9090 }],
    [{ tcpSocket: { port: 1, host } }, { kind: 'tcp', host, port: 1 }],
    [{ grpc: { port: 9000 } }, { kind: 'grpc', host, port: 9000, service: '' }],
    [{ grpc: { port: 9000, service: 'iris' } }, { kind: 'grpc', host, port: 9000, service: 'iris' }],
  ])('%j is asked as it stands', (probe, check) => {
    expect(given(probe)).toEqual([check])
  })

  it.each<PodProbe & Probe>([
    { exec: { command: ['true'] } },
    { httpGet: { path: '/', port: 'nowhere' } },
    { httpGet: { path: '/', port: 80, host: '127.0.0.1' } },
    { tcpSocket: { port: 80, host: 'example.com' } },
  ])('%j is left to the kubelet', (probe) => {
    expect(given(probe)).toBeUndefined()
  })

  it('brings its timeout and its threshold', () => {
    const readinessProbe = { tcpSocket: { port: 1 }, timeoutSeconds: 5, successThreshold: 2 }
    const one = pod({ spec: { containers: [container({ readinessProbe })] }, status: { podIP: host } })
    expect(podChecksOf(one, revisionOf('ml/iris-00001', { readinessProbe }))?.probe).toMatchObject({
      timeoutSeconds: 5,
      successThreshold: 2,
    })
  })
})

describe('without a probe in the manifest', () => {
  const byUs = { readinessProbe: { tcpSocket: { port: 8080 } } }

  it.each<[Partial<ReplicaTemplate>, readonly object[]]>([
    [{}, [{ kind: 'tcp', host, port: 8080 }]],
    [
      { modelName: 'm', protocol: 'v1' },
      [
        {
          kind: 'http',
          scheme: 'HTTP',
          port: 8080,
          path: '/v1/models/m',
          readyInBody: true,
          acceptsUnknown: true,
        },
      ],
    ],
    [
      { modelName: 'm', protocol: 'v2', ports: [{ name: 'https', containerPort: 8443 }] },
      [{ kind: 'http', scheme: 'HTTPS', port: 8443, path: '/v2/models/m/ready' }],
    ],
    [
      { modelName: 'm', protocol: 'v2', ports: [{ name: 'h2c', containerPort: 8081 }] },
      [{ kind: 'tcp', host, port: 8081 }],
    ],
    [
      { modelName: 'm', protocol: 'v2', args: ['--grpc={{.GrpcPort}}'] },
      [
        { kind: 'http', port: 8080, path: '/v2/models/m/ready' },
        { kind: 'tcp', host, port: 8081 },
      ],
    ],
    [
      {
        modelName: 'm',
        protocol: 'v2',
        ports: [
          { name: 'http1', containerPort: 8000 },
          { name: 'grpc', containerPort: 9000 },
        ],
      },
      [{ kind: 'http', port: 8000, path: '/v2/models/m/ready' }],
    ],
  ])('%j is asked where the model answers', (template, expected) => {
    expect(checks(byUs, template)).toMatchObject(expected)
    expect(checks(byUs, template)).toHaveLength(expected.length)
  })

  it('a transformer is asked by what is written on it', () => {
    const own = { name: 'transformer-container', readinessProbe: { tcpSocket: { port: 7000 } } }
    expect(checks(own, { modelName: 'm', protocol: 'v1' })).toEqual([{ kind: 'tcp', host, port: 7000 }])
  })

  it('a pod without an address is not asked', () => {
    expect(checks(byUs, {}, '')).toBeUndefined()
  })
})
