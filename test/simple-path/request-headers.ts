import type { IncomingMessage } from 'node:http'
import { split, type InferenceServiceName } from '../../src/core/names.ts'
import { droppedNames } from './hop-by-hop.ts'
import { isTraceparent } from '../../src/gateway/identity.ts'

/** What the gateway knows of a request when it writes the headers for the replica. */
export interface Provenance {
  readonly service: InferenceServiceName
  /** Whether the peer's own word on where the request comes from is believed. */
  readonly trusted: boolean
  readonly requestId: string
  /** Used where the client sent no sound traceparent. */
  readonly newTraceparent: () => string
}

export type Headers = Record<string, string | string[]>

/**
 * The headers for the replica, by lower-case name: those of the client less what belongs to its connection,
 * and what the gateway adds. Host goes on as sent.
 */
export function requestHeaders(request: IncomingMessage, from: Provenance): Headers {
  const dropped = droppedNames(request.headers.connection)
  const headers: Headers = {}
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values === undefined || dropped.has(name) || name === 'expect') continue
    headers[name] = values.length === 1 ? values[0]! : values
  }
  if (/\btrailers\b/i.test(request.headersDistinct['te']?.join() ?? '')) headers['te'] = 'trailers'
  if (isChunked(request)) {
    // Never both: a body is framed once (RFC 9112, 6.3).
    delete headers['content-length']
    headers['transfer-encoding'] = 'chunked'
  }
  if (isWebSocket(request)) Object.assign(headers, { connection: 'Upgrade', upgrade: 'websocket' })
  forwarded(headers, request, from.trusted)
  headers['x-request-id'] = from.requestId
  if (!isTraceparent(request.headersDistinct['traceparent']?.[0])) {
    headers['traceparent'] = from.newTraceparent()
    // A tracestate belongs to the traceparent that it came with.
    delete headers['tracestate']
  }
  // What KServe's own router tells a predictor; a client's claim is replaced.
  const { namespace, name } = split(from.service)
  headers['kserve-isvc-name'] = name
  headers['kserve-isvc-namespace'] = namespace
  return headers
}

export function isChunked(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined
}

/** A request to speak WebSocket; other upgrades (h2c ...) are answered without switching, as HTTP allows. */
export function isWebSocket(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
}

function forwarded(headers: Headers, request: IncomingMessage, trusted: boolean): void {
  const peer = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=.*\.)/, '')
  const host = request.headers.host ?? ''
  if (!trusted) {
    for (const name of Object.keys(headers)) {
      if (name === 'forwarded' || name.startsWith('x-forwarded-') || name === 'x-real-ip')
        delete headers[name]
    }
  }
  headers['x-forwarded-for'] = appended(headers['x-forwarded-for'], peer)
  headers['x-forwarded-host'] ??= host
  headers['x-forwarded-proto'] ??= 'http'
  const node = peer.includes(':') ? `"[${peer}]"` : peer
  // Quoted: a port's colon is no token character (RFC 7239, 4).
  const element = `for=${node};host="${host.replaceAll(/["\\]/g, '')}";proto=http`
  headers['forwarded'] = appended(headers['forwarded'], element)
}

function appended(before: string | string[] | undefined, element: string): string {
  return before === undefined ? element : [before, element].flat().join(', ')
}
