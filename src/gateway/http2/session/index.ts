/**
 * HTTP/2 connections (RFC 9113) on sockets, as a server and as a client, without Node's stream machinery: a held request
 * costs its fields and one small object, and what a turn of the event loop has to say leaves in one write.
 */
export { CODE, Http2Error } from './errors.ts'
export { fieldProblem } from './field-rules.ts'
export { FLOOD_BOUNDS_DEFAULT, type Budget, type FloodBounds } from './floods.ts'
export type { SessionHooks, SessionOptions } from './options.ts'
export { Http2Session, type SessionSocket } from './session.ts'
export { SlabPool } from './slabs.ts'
export type { Http2Stream, StreamOwner } from './stream.ts'
