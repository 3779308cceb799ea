import type { Transport } from './replica.ts'
import type { ContainerPort, ReplicaTemplate } from './revision.ts'

/**
 * How the replicas of a revision are spoken to, as the port that takes requests says: the first one, as in KServe, or
 * for a gRPC model the first that speaks HTTP/2. No port means HTTP/1.1, or HTTP/2 for a gRPC model. Where gRPC calls have
 * a port of their own, this is about the other one.
 * @param hasOwnGrpcPort whether gRPC calls have a port of their own: a replica with a `grpcAddress` has one.
 */
export function transportOf(
  template: ReplicaTemplate,
  hasOwnGrpcPort: boolean = hasGrpcPort(template),
): Transport {
  if (hasOwnGrpcPort) {
    const port = requestPorts(template).http
    return { protocol: 'http/1.1', tls: port !== undefined && speaksTls(port) }
  }
  const port = mainPort(template)
  return {
    protocol: isGrpc(template.protocol) || (port !== undefined && speaksHttp2(port)) ? 'h2' : 'http/1.1',
    tls: port !== undefined && speaksTls(port),
  }
}

/** Whether a replica takes gRPC calls on a port of its own: it does where it is told one, `{{.GrpcPort}}`. */
export function hasGrpcPort({
  command,
  args,
  env,
}: Pick<ReplicaTemplate, 'command' | 'args' | 'env'>): boolean {
  const texts = [...command, ...args, ...env.map(({ value }) => value)]
  return texts.some((text) => /\{\{\s*\.GrpcPort\s*\}\}/.test(text))
}

/** How the port for gRPC calls is spoken to, where replicas have one beside the port that takes the other requests. */
export function grpcTransportOf(template: Pick<ReplicaTemplate, 'ports'>): Transport {
  const port = requestPorts(template).grpc
  return { protocol: 'h2', tls: port !== undefined && speaksTls(port) }
}

/**
 * The ports that a container declares for requests: the first that speaks HTTP/2, and the first that does not. A container
 * that declares both takes gRPC calls on a port of its own, if it listens where it says (in a pod it does; a process of
 * this machine is given its ports).
 */
export function requestPorts({ ports }: Pick<ReplicaTemplate, 'ports'>): {
  readonly http?: ContainerPort
  readonly grpc?: ContainerPort
} {
  const candidates = forRequests(ports)
  const http = candidates.find((port) => !speaksHttp2(port))
  const grpc = candidates.find(speaksHttp2)
  return { ...(http === undefined ? {} : { http }), ...(grpc === undefined ? {} : { grpc }) }
}

/** The one port that takes requests, where gRPC calls have none of their own; undefined where none is declared. */
export function mainPort({
  ports,
  protocol,
}: Pick<ReplicaTemplate, 'ports' | 'protocol'>): ContainerPort | undefined {
  const candidates = forRequests(ports)
  return (isGrpc(protocol) ? candidates.find(speaksHttp2) : undefined) ?? candidates[0]
}

/** Metrics are read elsewhere, and only TCP carries requests; a container that declares nothing else is taken at its word. */
function forRequests(ports: readonly ContainerPort[]): readonly ContainerPort[] {
  const tcp = ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP')
  const left = tcp.filter(({ name = '' }) => !/(?:^|-)(?:metrics|prometheus)$/.test(name))
  return left.length > 0 ? left : ports
}

function isGrpc(protocol: ReplicaTemplate['protocol']): boolean {
  return protocol === 'grpc-v1' || protocol === 'grpc-v2'
}

const H2C = 'kubernetes.io/h2c'

/** `grpc` and `grpc-predict`, not `grpcish`: the first part of a name says the protocol, as in Istio. */
function speaksHttp2({ name = '', appProtocol }: ContainerPort): boolean {
  return appProtocol === H2C || appProtocol === 'grpc' || /^(?:h2c|http2|grpcs?)(?:-|$)/.test(name)
}

/** h2c is HTTP/2 in clear text, whatever the name. */
function speaksTls({ name = '', appProtocol }: ContainerPort): boolean {
  return appProtocol !== H2C && (appProtocol === 'https' || /^(?:https|grpcs)(?:-|$)/.test(name))
}
