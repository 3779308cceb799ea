/**
 * What h2spec, written for RFC 7540, says no to in Node's own server, by section and title: the peer that tells whether
 * h2spec itself works here.
 */
const failuresOfNode: ReadonlyMap<string, string> = new Map([
  [
    'http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame',
    'nghttp2 drops frames for streams that are closed; RFC 9113 5.1 says that they may be an error, not that they must',
  ],
  [
    'http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame',
    'as for DATA: the fields are decoded, so that compression stays in step, and dropped',
  ],
  [
    'http2/5.1: closed: Sends a DATA frame',
    'nghttp2 drops frames for streams that are closed; RFC 9113 5.1 says that they may be an error, not that they must',
  ],
  [
    'http2/5.1: closed: Sends a HEADERS frame',
    'as for DATA: the fields are decoded, so that compression stays in step, and dropped',
  ],
  [
    'http2/5.1.1: Sends stream identifier that is numerically smaller than previous',
    'nghttp2 takes a smaller identifier for that of a closed stream and drops the frame',
  ],
  [
    'http2/5.3.1: Sends PRIORITY frame that depend on itself',
    'RFC 9113 5.3.2 took the priorities of RFC 7540 away; the nghttp2 of Node 26 ignores PRIORITY frames',
  ],
  [
    'http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier',
    'the nghttp2 of Node 26 ignores PRIORITY frames, whatever stream they name',
  ],
  [
    'http2/6.7: Sends a PING frame with ACK',
    'Node ends a connection that acknowledges a PING which nobody sent; it does not respond to it, as RFC 9113 6.7 asks',
  ],
  [
    'http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
    'Node ends the whole connection where RFC 9113 6.9.1 asks for the end of the stream',
  ],
])

/** Of the gateway's, on the port that takes HTTP/1.1 as well. */
const failuresWithoutTls: ReadonlyMap<string, string> = new Map([
  [
    'http2/3.5: Sends invalid connection preface',
    'what does not begin with the preface of HTTP/2 is HTTP/1.1 on this port, and is answered 400 in HTTP/1.1 and closed; ' +
      'h2spec can read an end there, or HTTP/2',
  ],
])

export type Target = 'the gateway over h2c' | 'the gateway over TLS' | 'Node over h2c' | 'Node over TLS'

/** As many as h2spec has without `--strict`. */
export const CASES = 145
const NONE: ReadonlyMap<string, string> = new Map()

export function knownFailures(target: Target): ReadonlyMap<string, string> {
  if (isNode(target)) return failuresOfNode
  return target === 'the gateway over h2c' ? failuresWithoutTls : NONE
}

function isNode(target: Target): boolean {
  return target === 'Node over h2c' || target === 'Node over TLS'
}

/**
 * At least as many of the 145 have to pass: of the gateway all that are not listed. Node's own server passes 136 of them in
 * Node 26, and 138 in Node 20, whose nghttp2 still had the priorities of RFC 7540.
 */
export function passesMin(target: Target): number {
  return isNode(target) ? 135 : CASES - knownFailures(target).size
}
