/** The numbers of RFC 9113: frame types (6), flags (6), settings (6.5.2) and the limits that go with them. */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const

export const FLAG = {
  /** DATA and HEADERS. */
  endStream: 0x1,
  /** SETTINGS and PING. */
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const

export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const

/** Length (3), type (1), flags (1), stream (4). */
export const FRAME_HEAD_BYTES = 9
/** Window of a connection and of each stream until somebody says otherwise. */
export const WINDOW_BYTES_DEFAULT = 65_535
export const WINDOW_BYTES_MAX = 2_147_483_647
export const STREAM_ID_MAX = 2_147_483_647
/** The largest payload that every peer takes, and the largest that we take. */
export const FRAME_BYTES_MAX = 16_384
export const FRAME_BYTES_LIMIT = 16_777_215

/** What a client says first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
