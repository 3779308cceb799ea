import type { ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'

/** What is told of a stream to a replica. */
export interface StreamWatcher {
  /** A 1xx answer; `flat` as node:http2 gives fields, with the pseudo ones first. */
  informed(status: number, flat: readonly string[]): void
  answered(status: number, flags: number, flat: readonly string[]): void
  took(chunk: Buffer): void
  tookTrailers(flat: readonly string[]): void
  /** END_STREAM came. Not all that came before may have been read. */
  sawEnd(): void
  /** All that came has been read: whether it is whole, `sawEnd` tells. */
  ended(): void
  /** The replica can take more. */
  drained(): void
  /** The trailers of the request may be sent. */
  sendTrailers(): void
  failed(error: Error): void
  /** The last that is told. */
  closed(): void
}

interface WatchedStream extends ClientHttp2Stream {
  [WATCHER]?: StreamWatcher | undefined
}

const WATCHER = Symbol('watcher')

/** Tells `watcher` of the stream from here on. The handlers are shared by all streams, so that none needs closures. */
export function watchStream(stream: WatchedStream, watcher: StreamWatcher): void {
  stream[WATCHER] = watcher
  stream.push = push
  stream.on('headers', informed).on('response', answered).on('data', took).on('trailers', tookTrailers)
  stream.on('end', ended).on('error', failed).on('close', closed)
}

/** Tells of these as well, which most streams do not need. */
export function watchFor(stream: WatchedStream, event: 'drain' | 'wantTrailers'): void {
  stream.on(event, event === 'drain' ? drained : wantTrailers)
}

/** A reset with NO_ERROR looks like an end, except that the stream is closed by then. */
function push(this: WatchedStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null && !this.closed) this[WATCHER]?.sawEnd()
  return Readable.prototype.push.call(this, chunk, encoding)
}

function informed(
  this: WatchedStream,
  headers: { ':status'?: number },
  _flags: number,
  flat: string[],
): void {
  this[WATCHER]?.informed(headers[':status'] ?? 0, flat)
}

function answered(this: WatchedStream, headers: { ':status'?: number }, flags: number, flat: string[]): void {
  this[WATCHER]?.answered(headers[':status'] ?? 0, flags, flat)
}

function took(this: WatchedStream, chunk: Buffer): void {
  this[WATCHER]?.took(chunk)
}

function tookTrailers(this: WatchedStream, _headers: unknown, _flags: number, flat: string[]): void {
  this[WATCHER]?.tookTrailers(flat)
}

function ended(this: WatchedStream): void {
  this[WATCHER]?.ended()
}

function drained(this: WatchedStream): void {
  this[WATCHER]?.drained()
}

function failed(this: WatchedStream, error: Error): void {
  this[WATCHER]?.failed(error)
}

function closed(this: WatchedStream): void {
  const watcher = this[WATCHER]
  // Native code keeps a stream for long after its end: what belongs to the request shall not stay with it.
  this[WATCHER] = undefined
  watcher?.closed()
}

function wantTrailers(this: WatchedStream): void {
  this[WATCHER]?.sendTrailers()
}
