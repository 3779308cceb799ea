import { isFields, type Fields } from './json.ts'
import type { ReplicaPorts } from './replica-ports.ts'

/**
 * A probe as a kubelet takes it. A probe without a port asks the one that takes requests, as in Knative; one that asks
 * nothing in particular connects there.
 */
export function completeProbe(probe: Fields, { port, grpcPort = port }: ReplicaPorts): Fields {
  const { httpGet, tcpSocket, grpc, exec } = probe
  if (isFields(httpGet)) return { ...probe, httpGet: { ...httpGet, port: portOf(httpGet['port'], port) } }
  if (isFields(tcpSocket))
    return { ...probe, tcpSocket: { ...tcpSocket, port: portOf(tcpSocket['port'], port) } }
  if (isFields(grpc)) return { ...probe, grpc: { ...grpc, port: portOf(grpc['port'], grpcPort) } }
  return exec === undefined ? { ...probe, tcpSocket: { port } } : probe
}

/**
 * Where the manifest says nothing: whether something listens, as in KServe, but asked every second, because a request may
 * be waiting for the answer.
 */
export function defaultReadiness({ port }: ReplicaPorts): Fields {
  return {
    tcpSocket: { port },
    periodSeconds: 1,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  }
}

/** A number in quotes is a number: as a name it could not be that of a port. 0 is Knative's way to say the default. */
function portOf(port: unknown, fallback: number): unknown {
  if (port === undefined || port === 0 || port === '') return fallback
  return typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port
}
