import type { Socket } from 'node:net'

/** Who a socket belongs to: hears all that happens on it. */
export interface SocketOwner {
  onData(chunk: Buffer): void
  /** The peer sends no more. */
  onEnd(): void
  onDrain(): void
  onError(error: Error): void
  onClose(): void
}

const OWNER = Symbol('owner')
type OwnedSocket = Socket & { [OWNER]?: SocketOwner }

/**
 * Makes a socket somebody's. The listeners are the same functions for all sockets and find the owner on it: a closure for
 * each event would cost a connection half a kilobyte.
 */
export function own(socket: Socket, owner: SocketOwner): void {
  const owned: OwnedSocket = socket
  owned[OWNER] = owner
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('drain', onDrain)
  socket.on('error', onError)
  socket.on('close', onClose)
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[OWNER]?.onData(chunk)
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.onEnd()
}

function onDrain(this: OwnedSocket): void {
  this[OWNER]?.onDrain()
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]?.onError(error)
}

function onClose(this: OwnedSocket): void {
  this[OWNER]?.onClose()
}
