import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/**
 * A response on a socket that asks for an upgrade: Node hands such a socket over without one. Until the replica
 * has switched, refusals and plain answers go out through it like any others; then the connection closes.
 */
export function responseOn(request: IncomingMessage, socket: Socket, head: Buffer): ServerResponse {
  if (head.length > 0) socket.unshift(head)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  const onDrain = (): boolean => response.emit('drain')
  socket.on('drain', onDrain)
  socket.on('error', () => socket.destroy())
  response.on('finish', () => {
    response.detachSocket(socket)
    socket.off('drain', onDrain)
    socket.destroySoon()
  })
  return response
}
