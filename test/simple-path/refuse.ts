import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../src/core/clock.ts'
import type { Refusal } from '../../src/core/refusals.ts'

/** How much of an unread request body is read and thrown away, so that the client gets to read its answer. */
const LINGER_BYTES_MAX = 1_048_576
const LINGER_MS = 2_000

/** The headers and the body of a refusal: KServe's `{"error": ...}` and a code to look up in docs/errors.md. */
function refusalAnswer(refusal: Refusal): { headers: string[]; body: string } {
  const body = JSON.stringify({ error: refusal.message, code: refusal.code })
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body))]
  headers.push('x-pilotlight-refusal', refusal.code)
  if (refusal.retryAfterSeconds !== undefined)
    headers.push('Retry-After', String(Math.max(1, Math.ceil(refusal.retryAfterSeconds))))
  if (refusal.code === 'METHOD_REFUSED') headers.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  return { headers, body }
}

/** Answers a request with a refusal; what is left of its body is read in bounds, else the connection closes. */
export function writeRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
  options: { readonly clock: Clock; readonly extraHeaders: readonly string[]; readonly close: boolean },
): void {
  const { headers, body } = refusalAnswer(refusal)
  headers.push(...options.extraHeaders)
  const isUnread = !request.complete
  if (isUnread || options.close || refusal.code === 'SHUTTING_DOWN') headers.push('Connection', 'close')
  response.writeHead(refusal.status, headers)
  response.write(body)
  if (isUnread) linger(request, options.clock, () => response.end())
  else response.end()
}

/** The same answer on a socket that has no request: an unreadable head, CONNECT. */
export function writeRawRefusal(socket: Socket, refusal: Refusal): void {
  const { headers, body } = refusalAnswer(refusal)
  headers.push('Connection', 'close')
  let head = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n`
  for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
  socket.end(`${head}\r\n${body}`)
}

/** Reads on and throws away until the body has ended, is too large, or has taken too long; then calls `over`. */
export function linger(request: IncomingMessage, clock: Clock, over: () => void): void {
  let left = LINGER_BYTES_MAX
  const stop = (): void => {
    timer.cancel()
    request.off('data', onData).off('end', stop).off('close', stop)
    over()
  }
  const onData = (chunk: Buffer): void => {
    left -= chunk.length
    if (left < 0) stop()
  }
  const timer = clock.after(LINGER_MS, stop, { keepAlive: false })
  request.on('data', onData).on('end', stop).on('close', stop).resume()
}
