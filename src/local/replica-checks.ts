import type { ReplicaTemplate } from '../core/revision.ts'
import { modelCheck, type Check } from '../readiness/index.ts'
import { fillPlaceholders, type Launch, type Placement } from './launch.ts'
import { REPLICA_HOST } from './ports.ts'

/** All that have to say yes: a replica with a port for gRPC calls has to listen there as well. */
export function checksOf(
  template: ReplicaTemplate,
  placement: Placement,
  launch: Pick<Launch, 'cwd' | 'env'>,
): readonly Check[] {
  const check = checkOf(template, placement, launch)
  const { grpcPort } = placement
  return grpcPort === undefined ? [check] : [check, { kind: 'tcp', host: REPLICA_HOST, port: grpcPort }]
}

/**
 * The template's own probe, else the model's ready endpoint in the protocol that it speaks, else a TCP connect.
 * A probe's port is that of the replica, unless it is a number that the container does not declare.
 */
export function checkOf(
  template: ReplicaTemplate,
  placement: Placement,
  { cwd, env }: Pick<Launch, 'cwd' | 'env'>,
): Check {
  const { readinessProbe: probe } = template
  const host = REPLICA_HOST
  if (probe?.httpGet !== undefined) {
    const { path, port, scheme = 'HTTP', httpHeaders = [] } = probe.httpGet
    const filled = fillPlaceholders('readinessProbe.httpGet.path', path, template, placement)
    const target = probePort(port, template, placement)
    return {
      kind: 'http',
      scheme,
      host,
      port: target,
      path: filled,
      headers: httpHeaders,
      readyInBody: false,
    }
  }
  if (probe?.tcpSocket !== undefined) {
    return { kind: 'tcp', host, port: probePort(probe.tcpSocket.port, template, placement) }
  }
  if (probe?.exec !== undefined) {
    const fill = (part: string): string => fillPlaceholders('readinessProbe.exec', part, template, placement)
    return { kind: 'exec', command: probe.exec.command.map(fill), cwd, env }
  }
  if (probe?.grpc !== undefined) {
    const { port, service = '' } = probe.grpc
    // Where gRPC calls have a port of their own, that is what it asks.
    const own = { ...placement, port: placement.grpcPort ?? placement.port }
    return { kind: 'grpc', host, port: probePort(port, template, own), service }
  }
  return modelCheck(template, { host, port: placement.port })
}

function probePort(
  port: number | string | undefined,
  template: ReplicaTemplate,
  { port: replicaPort }: Placement,
): number {
  const asked = Number(port)
  const isOther = Number.isInteger(asked) && asked > 0 && template.ports.length > 0
  return isOther && !template.ports.some(({ containerPort }) => containerPort === asked) ? asked : replicaPort
}
