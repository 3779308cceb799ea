import type { Transport } from './replica.ts'
import type { ContainerPort, ReplicaTemplate } from './revision.ts'

/**
 * How the replicas of a revision are spoken to, as the port that takes requests says: the first one, as in KServe, or
 * for a gRPC model the first that speaks HTTP/2. No port means HTTP/1.1, or HTTP/2 for a gRPC model. Where gRPC calls have
 * a port of their own, this is about the other one.
 */
export function transportOf(template: ReplicaTemplate): Transport {
  const { ports, protocol } = template
  if (hasGrpcPort(template)) {
    const port = ports.find((one) => !speaksHttp2(one))
    return { protocol: 'http/1.1', tls: port !== undefined && speaksTls(port) }
  }
  const isGrpc = protocol === 'grpc-v1' || protocol === 'grpc-v2'
  const port = (isGrpc ? ports.find(speaksHttp2) : undefined) ?? ports[0]
  return {
    protocol: isGrpc || (port !== undefined && speaksHttp2(port)) ? 'h2' : 'http/1.1',
    tls: port !== undefined && speaksTls(port),
  }
}

/** Whether a replica takes gRPC calls on a port of its own: it does where it is told one, `{{.GrpcPort}}`. */
export function hasGrpcPort({ command, args, env }: ReplicaTemplate): boolean {
  const texts = [...command, ...args, ...env.map(({ value }) => value)]
  return texts.some((text) => /\{\{\s*\.GrpcPort\s*\}\}/.test(text))
}

/** How the port for gRPC calls is spoken to, where replicas have one beside the port that takes the other requests. */
export function grpcTransportOf({ ports }: Pick<ReplicaTemplate, 'ports'>): Transport {
  const port = ports.find(speaksHttp2)
  return { protocol: 'h2', tls: port !== undefined && speaksTls(port) }
}

const H2C = 'kubernetes.io/h2c'

/** `grpc` and `grpc-predict`, not `grpcish`: the first part of a name says the protocol, as in Istio. */
function speaksHttp2({ name = '', appProtocol }: ContainerPort): boolean {
  return appProtocol === H2C || appProtocol === 'grpc' || /^(?:h2c|grpcs?)(?:-|$)/.test(name)
}

/** h2c is HTTP/2 in clear text, whatever the name. */
function speaksTls({ name = '', appProtocol }: ContainerPort): boolean {
  return appProtocol !== H2C && (appProtocol === 'https' || /^(?:https|grpcs)(?:-|$)/.test(name))
}
