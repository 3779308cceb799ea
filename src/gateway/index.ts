/**
 * The data plane: a request's head is matched to a revision, waits for a permit, and is forwarded to the replica
 * that the permit names. Every answer that the gateway gives by itself is a Refusal, written in one place.
 */
export { Gateway, type GatewayOptions } from './gateway.ts'
export type { Admission } from './admission.ts'
export { ConnectionCount, tcpProbe, type Listening } from './listener/index.ts'
export { GatewayTables, sameItems, type PublishedTables } from './tables.ts'
export type { Transport, Way } from './upstream.ts'
