import { METHODS, type IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { Refusal } from '../../src/core/refusals.ts'
import { isWebSocket } from './request-headers.ts'
import { writeRawRefusal } from './refuse.ts'
import { responseOn } from './upgrade-response.ts'

/** Fastify's own; the others that Node parses are added to them. */
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'])

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/**
 * A server that gives every request, of any method and path, to `handle` with its body unread. What Node's parser
 * refuses is answered here, in the same shape as every refusal.
 */
export function makeServer(options: {
  readonly headBytesMax: number
  readonly handle: Handle
  /** An unreadable request was answered with this. */
  readonly onRefused: (refusal: Refusal) => void
  /** Whether a request of this connection is being answered: then nothing may be written between. */
  readonly isBusy: (socket: Socket) => boolean
}): FastifyInstance {
  const { handle } = options
  const refuseRaw = (socket: Socket, refusal: Refusal): void => {
    options.onRefused(refusal)
    if (socket.writable && !options.isBusy(socket)) writeRawRefusal(socket, refusal)
    else socket.destroy()
  }
  const fastify = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    // Routing is the table's: Fastify sees one path, so that it neither decodes nor refuses any.
    rewriteUrl: () => '/',
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET') socket.destroy()
      else if (error.code === 'HPE_HEADER_OVERFLOW')
        refuseRaw(socket, new Refusal('HEAD_TOO_LARGE', { detail: `at most ${options.headBytesMax} bytes` }))
      else refuseRaw(socket, new Refusal('BAD_REQUEST', { detail: error.message, cause: error }))
    },
    http: {
      maxHeaderSize: options.headBytesMax,
      requireHostHeader: false,
      shouldUpgradeCallback: isWebSocket,
    },
  })
  for (const method of METHODS) {
    if (!KNOWN_METHODS.has(method) && method !== 'CONNECT') fastify.addHttpMethod(method, { hasBody: true })
  }
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', (_request, _payload, done) => done(null))
  fastify.route({
    method: METHODS.filter((method) => method !== 'CONNECT'),
    url: '/',
    handler: (request, reply) => {
      reply.hijack()
      request.raw.url = request.originalUrl
      handle(request.raw, reply.raw)
    },
  })
  const { server } = fastify
  // Bodies and streams may take hours; what bounds them are the revision's limits.
  server.requestTimeout = 0
  server.timeout = 0
  // The client is told to go on once a replica has taken the request.
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  server.on('connect', (_request, socket) => {
    if (socket instanceof Socket) refuseRaw(socket, new Refusal('METHOD_REFUSED', { detail: 'CONNECT' }))
  })
  server.on('upgrade', (request, socket, head) => {
    if (socket instanceof Socket) handle(request, responseOn(request, socket, head))
  })
  return fastify
}
