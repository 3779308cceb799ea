import { expect, it } from 'vitest'
import { revisionOf } from '../../../test/support/revisions.ts'
import type { ReplicaTemplate } from '../../core/revision.ts'
import { replicaPorts } from './replica-ports.ts'

it.each<{ template: Partial<ReplicaTemplate>; expected: object }>([
  { template: {}, expected: { port: 8080 } },
  { template: { protocol: 'grpc-v2' }, expected: { port: 8080 } },
  { template: { ports: [{ containerPort: 5000, name: 'web' }] }, expected: { port: 5000, portName: 'web' } },
  { template: { ports: [{ containerPort: 9000, name: 'h2c' }] }, expected: { port: 9000, portName: 'h2c' } },
  {
    template: { ports: [{ containerPort: 9000, name: 'grpc' }, { containerPort: 80 }] },
    expected: { port: 80, grpcPort: 9000 },
  },
  {
    template: { ports: [{ containerPort: 80 }, { containerPort: 9000, appProtocol: 'kubernetes.io/h2c' }] },
    expected: { port: 80, grpcPort: 9000 },
  },
  {
    template: {
      ports: [
        { containerPort: 8002, name: 'metrics' },
        { containerPort: 9000, name: 'h2c' },
      ],
    },
    expected: { port: 9000, portName: 'h2c' },
  },
  { template: { args: ['--grpc={{.GrpcPort}}'] }, expected: { port: 8080, grpcPort: 8081 } },
  {
    template: { args: ['--grpc={{.GrpcPort}}'], ports: [{ containerPort: 9000, name: 'grpc' }] },
    expected: { port: 8080, grpcPort: 9000 },
  },
])('of $template are $expected', ({ template, expected }) => {
  expect(replicaPorts(revisionOf('ml/iris-predictor-00001', template))).toEqual(expected)
})
