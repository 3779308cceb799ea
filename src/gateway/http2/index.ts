/**
 * HTTP/2 of the data plane: a listener that makes an Exchange of each stream of a client, and an upstream
 * that carries exchanges to replicas. gRPC passes whole; refusals are told to gRPC clients as a status.
 */
export { GRPC_STATUS, grpcRefusalFields } from './grpc-status.ts'
export { parseGrpcTimeout } from './grpc-timeout.ts'
export { Http2Listener, type Http2Bounds, type Http2ListenerOptions } from './http2-listener.ts'
export { Http2Upstream, type Http2UpstreamOptions } from './http2-upstream.ts'
export { SlabPool } from './session/index.ts'
