/**
 * Where connections come in: the plain port and the one for TLS, within their bounds. A connection is handed on as soon
 * as it is known which HTTP it speaks. Beside it what both directions share: certificates that are read again when
 * their files change, and the probe that asks whether a replica takes connections.
 */
export { ConnectionCount } from './connection-count.ts'
export { Listener, type Listening, type ListenerMetrics, type ListenerOptions } from './listener.ts'
export { peerAddress } from './peer-address.ts'
export { tcpProbe, type Probe } from './tcp-probe.ts'
export { UpstreamTls } from './upstream-tls.ts'
