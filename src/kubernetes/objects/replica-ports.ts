import type { Revision } from '../../core/revision.ts'
import { hasGrpcPort, mainPort, requestPorts } from '../../core/transport.ts'

/** Where a pod of a revision takes requests. */
export interface ReplicaPorts {
  readonly port: number
  /** Where it takes gRPC calls, if that is a port of its own: then it belongs into `Replica.grpcAddress`. */
  readonly grpcPort?: number
  /** The name of `port`, where the manifest gives one. */
  readonly portName?: string
}

/** What KServe's servers listen on where nothing says otherwise. */
const HTTP_PORT = 8080
const GRPC_PORT = 8081

/**
 * The declared ports: the first that takes requests, or for a gRPC model the first that speaks HTTP/2. A container that
 * declares one of either kind, or that is told a port for gRPC calls (`{{.GrpcPort}}`), has two. Nothing declared is 8080,
 * as in KServe.
 */
export function replicaPorts({ template }: Pick<Revision, 'template'>): ReplicaPorts {
  const { replica } = template
  const { http, grpc } = requestPorts(replica)
  const hasTwo = hasGrpcPort(replica) || (http !== undefined && grpc !== undefined)
  const main = hasTwo ? http : mainPort(replica)
  return {
    port: main?.containerPort ?? HTTP_PORT,
    ...(hasTwo ? { grpcPort: grpc?.containerPort ?? GRPC_PORT } : {}),
    ...(main?.name === undefined ? {} : { portName: main.name }),
  }
}
