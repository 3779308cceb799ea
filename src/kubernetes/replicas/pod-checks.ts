import type { Address } from '../../core/replica.ts'
import type { ReplicaTemplate, Revision } from '../../core/revision.ts'
import { hasGrpcPort, transportOf } from '../../core/transport.ts'
import { modelCheck, type Check } from '../../readiness/index.ts'
import { replicaPorts, TRANSFORMER_CONTAINER } from '../objects/index.ts'
import { partsOf, type Pod, type PodContainer, type PodProbe } from './pod.ts'

/** How we ask a pod ourselves. */
export interface PodChecks {
  readonly checks: readonly Check[]
  readonly probe: Pick<PodProbe, 'timeoutSeconds' | 'successThreshold'> | undefined
}

/**
 * The readiness probe of the serving container, if the manifest has one. Else the model's ready endpoint in the protocol
 * that it speaks, which says more than the connect that its kubelet makes then; a server that does not know that
 * endpoint is ready when it listens, as in KServe. Else a TCP connect. Undefined while the pod has no address, and where
 * only its kubelet can ask: a command, another host, a port that is declared nowhere.
 */
export function podChecksOf(pod: Pod, revision: Revision): PodChecks | undefined {
  const { serving } = partsOf(pod)
  const host = pod.status?.podIP ?? ''
  if (serving === undefined || host === '') return undefined
  const { container } = serving
  const probe = container.readinessProbe
  const template = revision.template.replica
  const isDefault = template.readinessProbe === undefined && container.name !== TRANSFORMER_CONTAINER
  if (probe !== undefined && !isDefault) {
    const check = probeCheck(probe, container, host)
    return check === undefined ? undefined : { checks: [check], probe }
  }
  const { port, grpcPort } = replicaPorts(revision)
  const check = endpointCheck(template, { host, port }, grpcPort !== undefined)
  // Told to listen there, it has to; a port that is only declared may be that of something switched off.
  const needsGrpc = grpcPort !== undefined && hasGrpcPort(template)
  return { checks: needsGrpc ? [check, { kind: 'tcp', host, port: grpcPort }] : [check], probe: undefined }
}

function endpointCheck(template: ReplicaTemplate, address: Address, hasOwnGrpcPort: boolean): Check {
  const { protocol, tls } = transportOf(template, hasOwnGrpcPort)
  // A server that speaks only HTTP/2 does not answer a GET in HTTP/1.1.
  if (protocol === 'h2') return { kind: 'tcp', ...address }
  const check = modelCheck(template, address, tls)
  return check.kind === 'http' ? { ...check, acceptsUnknown: true } : check
}

function probeCheck(probe: PodProbe, container: PodContainer, host: string): Check | undefined {
  const { httpGet, tcpSocket, grpc } = probe
  if (httpGet !== undefined) {
    const port = portOf(httpGet.port, container)
    if (port === undefined || isElsewhere(httpGet.host, host)) return undefined
    const path = httpGet.path === undefined || httpGet.path === '' ? '/' : httpGet.path
    return {
      kind: 'http',
      scheme: httpGet.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP',
      host,
      port,
      path: path.startsWith('/') ? path : `/${path}`,
      headers: httpGet.httpHeaders ?? [],
      readyInBody: false,
    }
  }
  if (tcpSocket !== undefined) {
    const port = portOf(tcpSocket.port, container)
    return port === undefined || isElsewhere(tcpSocket.host, host) ? undefined : { kind: 'tcp', host, port }
  }
  return grpc === undefined ? undefined : { kind: 'grpc', host, port: grpc.port, service: grpc.service ?? '' }
}

function isElsewhere(asked: string | undefined, host: string): boolean {
  return asked !== undefined && asked !== '' && asked !== host
}

/** A number as it stands, also one written as text; a name as the container declares it. */
function portOf(asked: number | string, { ports = [] }: PodContainer): number | undefined {
  const port = Number(asked)
  if (Number.isInteger(port) && port > 0) return port
  return ports.find(({ name }) => name === asked)?.containerPort
}
