/** Error codes of HTTP/2 (RFC 9113, 7). */
export const CODE = {
  noError: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  connect: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const

/**
 * What a peer did wrong, or that the connection is lost. In `stream` scope only one stream ends, with RST_STREAM; in
 * `connection` scope all do, with GOAWAY.
 */
export class Http2Error extends Error {
  override readonly name = 'Http2Error'
  /** One of CODE. */
  readonly code: number
  readonly scope: 'stream' | 'connection'

  constructor(
    code: number,
    message: string,
    { scope = 'connection', cause }: { scope?: 'stream' | 'connection'; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.scope = scope
  }
}
