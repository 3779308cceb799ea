import { EventEmitter, on } from 'node:events'

/**
 * What a stream of node:http2 is destroyed with so that CANCEL is said: Node's own AbortError, which it does not export.
 * `stream.close(CANCEL)` would first end the stream, which makes half a body a whole one, and in the middle of a read of
 * the connection it brings down the process where the stream waits for trailers (assertion in Http2Stream::OnTrailers).
 */
export const CANCELLED: Error = abortError()

function abortError(): Error {
  try {
    on(new EventEmitter(), 'never', { signal: AbortSignal.abort() })
  } catch (error) {
    if (error instanceof Error) return error
  }
  // A stream that is destroyed with any other error says INTERNAL_ERROR.
  return new Error('cancelled')
}
