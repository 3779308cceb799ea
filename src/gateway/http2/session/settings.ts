import { CODE, Http2Error } from './errors.ts'
import {
  FRAME_BYTES_LIMIT,
  FRAME_BYTES_MAX,
  SETTING,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
} from './frames.ts'

export type Role = 'server' | 'client'

/** What a peer has said in SETTINGS, or the defaults of RFC 9113, 6.5.2. */
export class PeerSettings {
  headerTableBytes = 4_096
  /** Streams that the peer lets us open at a time. Until it has spoken: the least that RFC 9113 recommends. */
  streamsMax = 100
  windowBytes = WINDOW_BYTES_DEFAULT
  frameBytesMax = FRAME_BYTES_MAX
  #hasSpoken = false

  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /**
   * Takes one SETTINGS payload.
   * @throws Http2Error of the connection when a value is not allowed.
   */
  take(bytes: Buffer, start: number, end: number, ours: Role): void {
    if (!this.#hasSpoken) this.streamsMax = WINDOW_BYTES_MAX
    this.#hasSpoken = true
    for (let at = start; at < end; at += 6) {
      const value = bytes.readUInt32BE(at + 2)
      switch (bytes.readUInt16BE(at)) {
        case SETTING.headerTableSize:
          this.headerTableBytes = value
          break
        case SETTING.enablePush:
          // A server never says 1: only clients can be pushed to.
          if (value > (ours === 'client' ? 0 : 1))
            throw new Http2Error(CODE.protocol, `SETTINGS_ENABLE_PUSH ${value}`)
          break
        case SETTING.maxConcurrentStreams:
          this.streamsMax = value
          break
        case SETTING.initialWindowSize:
          if (value > WINDOW_BYTES_MAX)
            throw new Http2Error(CODE.flowControl, `SETTINGS_INITIAL_WINDOW_SIZE ${value}, at most 2^31-1`)
          this.windowBytes = value
          break
        case SETTING.maxFrameSize:
          if (value < FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT)
            throw new Http2Error(CODE.protocol, `SETTINGS_MAX_FRAME_SIZE ${value}, allowed 2^14 to 2^24-1`)
          this.frameBytesMax = value
          break
        default:
      }
    }
  }
}

/** What we say in SETTINGS. */
export interface OwnSettings {
  /** Streams that the peer may open at a time; a server's. */
  readonly streamsMax: number
  /** Bytes that a peer may send on one stream before they are consumed. */
  readonly windowBytes: number
  /** Bytes of a head, 32 per field included (RFC 9113, 6.5.2). */
  readonly listBytesMax: number
}

/** Dynamic table of the fields that a peer sends: the default, so it is not said. */
export const HEADER_TABLE_BYTES = 4_096

/** Pairs of setting and value: only those that are not the default. */
export function saidSettings(role: Role, own: OwnSettings): readonly number[] {
  const said = [SETTING.maxHeaderListSize, own.listBytesMax]
  if (own.windowBytes !== WINDOW_BYTES_DEFAULT) said.push(SETTING.initialWindowSize, own.windowBytes)
  if (role === 'client') said.push(SETTING.enablePush, 0)
  else said.push(SETTING.maxConcurrentStreams, own.streamsMax)
  return said
}
