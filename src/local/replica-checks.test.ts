import { expect, it } from 'vitest'
import { replicaTemplate as template } from '../../test/support/revisions.ts'
import { checksOf } from './replica-checks.ts'

const placement = { port: 4711, modelDirs: [] }
const launch = { cwd: '/srv', env: { PORT: '4711' } }

it.each([
  [
    { modelName: 'a b', protocol: 'v1' },
    { kind: 'http', path: '/v1/models/a%20b', readyInBody: true },
  ],
  [
    { modelName: 'm', protocol: 'v2' },
    { kind: 'http', path: '/v2/models/m/ready', port: 4711 },
  ],
  [
    { modelName: 'm', protocol: 'grpc-v2' },
    { kind: 'tcp', port: 4711 },
  ],
  [{}, { kind: 'tcp', host: '127.0.0.1', port: 4711 }],
  // The port that the container declares is the replica's; another one is meant as it stands.
  [
    { ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 } } },
    { kind: 'tcp', port: 4711 },
  ],
  [
    { ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 9000 } } },
    { kind: 'tcp', port: 9000 },
  ],
  [{ readinessProbe: { httpGet: { path: '/up', port: 'http' } } }, { kind: 'http', path: '/up', port: 4711 }],
  [
    { readinessProbe: { exec: { command: ['test', '{{.Port}}'] } } },
    { kind: 'exec', command: ['test', '4711'], ...launch },
  ],
] as const)('%j is checked by %j', (parts, check) => {
  expect(checksOf(template(parts), placement, launch)).toMatchObject([check])
})

it.each([
  [{}, 4711],
  [{ grpcPort: 4712 }, 4712],
])('asks the health service of gRPC where calls arrive, with %j', (more, port) => {
  const readinessProbe = { grpc: { port: 9000, service: 'iris' } }
  const parts = { ports: [{ containerPort: 9000 }], readinessProbe }
  expect(checksOf(template(parts), { ...placement, ...more }, launch)[0]).toMatchObject({
    kind: 'grpc',
    port,
    service: 'iris',
  })
})

it('has to listen on the port for gRPC calls as well', () => {
  expect(checksOf(template({}), { ...placement, grpcPort: 4712 }, launch)).toMatchObject([
    { kind: 'tcp', port: 4711 },
    { kind: 'tcp', port: 4712 },
  ])
})
